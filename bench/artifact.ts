/**
 * `npm run bench -- artifact`: one huge artifact through our server, by curl as a user would: up in chunks and by a pipe
 * (nobody knows its length before its end), down, a range of its last bytes, and the zip of its folder. Prints the rates
 * and how much the server's memory grew; exit status 1 when it grew by 100 MB, or when what came back is not what was sent.
 *
 *   --gib 20         size; less when the disk holds less         --folder /tmp   where the store lies meanwhile
 */
import { execFileSync, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { Client } from './tracking/client.ts'
import { markdown, number } from './tracking/report.ts'
import { serveOurs } from './tracking/servers.ts'

const GIB = 1024 ** 3
const BLOCK_BYTES = 4 * 1024 * 1024
const MAX_GROWTH_BYTES = 100_000_000
/** What stays free on the disk, for the zip is not stored and all else is small. */
const SPARE_BYTES = 4 * GIB

const { values: given } = parseArgs({
  args: process.argv.slice(3),
  options: { gib: { type: 'string', default: '20' }, folder: { type: 'string', default: tmpdir() } },
})
const { bavail, bsize } = await statfs(given.folder)
const wanted = Number(given.gib) * GIB
const blocks = Math.floor(Math.min(wanted, bavail * bsize - SPARE_BYTES) / BLOCK_BYTES)
if (!(blocks > 0)) throw new Error(`--gib ${given.gib}: give a size for which ${given.folder} has room.`)
if (blocks * BLOCK_BYTES < wanted)
  console.error(`The disk holds no more than ${number((blocks * BLOCK_BYTES) / GIB)} GiB.`)

const folder = await mkdtemp(join(given.folder, 'trainyard-bench-'))
const served = await serveOurs(['--data', folder], [])
// The one child of this process.
const pid = Number(execFileSync('pgrep', ['-P', String(process.pid)], { encoding: 'utf8' }))
const client = new Client('ours', served.url, served.token, 1)
try {
  const { experiment_id: experiment } = await client.post('experiments/create', { name: 'huge' })
  const { run } = await client.post('runs/create', { experiment_id: experiment, start_time: Date.now() })
  const base = `/api/2.0/mlflow-artifacts/artifacts/${experiment}/${run.info.run_id}/artifacts`
  const zip = `/api/v1/projects/bench/default/runs/${run.info.run_id}/artifacts/archive`

  await rest()
  const idleBytes = memory('VmRSS')
  const up = await measured('up, chunked', idleBytes, () => send(`${base}/huge.bin`, blocks))
  const down = await measured('down', idleBytes, () => fetchAll(`${base}/huge.bin`))
  const last = await fetchAll(`${base}/huge.bin`, ['-r', `-${BLOCK_BYTES}`])
  const zipped = await measured('zip of its folder', idleBytes, () => fetchAll(zip))
  const rows = [up, down, zipped]

  const cells = rows.map(({ what, got, seconds, growthBytes }) => [
    what,
    number(got.bytes / GIB),
    number(got.bytes / 1024 ** 2 / seconds),
    number(growthBytes / 1e6),
  ])
  console.log(`\n${new Date().toISOString().slice(0, 16)}Z, ${cpus().length} × ${cpus()[0]?.model.trim()}\n`)
  console.log(
    markdown([
      ['', 'GiB', 'MiB/s', `memory at most, MB over the ${number(idleBytes / 1e6)} of the idle server`],
      ...cells,
    ]),
  )
  const failures = [
    ...(down.got.sha256 === up.got.sha256 ? [] : ['what came down is not what went up']),
    ...(last.sha256 === up.got.lastSha256 ? [] : ['the range of the last bytes holds others']),
    ...(zipped.got.bytes > up.got.bytes ? [] : ['the zip is smaller than the file']),
    ...rows.filter((row) => row.growthBytes >= MAX_GROWTH_BYTES).map((row) => `${row.what}: memory grew by 100 MB`),
  ]
  console.log(failures.length === 0 ? '\nholds' : `\n**missed**: ${failures.join('; ')}`)
  process.exitCode = failures.length === 0 ? 0 : 1
} finally {
  client.close()
  await served.stop()
  await rm(folder, { recursive: true, force: true })
}

type Sum = { bytes: number; sha256: string; lastSha256?: string }
type Measured = { what: string; got: Sum; seconds: number; growthBytes: number }

/** @returns with the highest memory while `work` was under way (the kernel's own mark), over that of the idle server */
async function measured(what: string, idleBytes: number, work: () => Promise<Sum>): Promise<Measured> {
  console.error(what)
  writeFileSync(`/proc/${pid}/clear_refs`, '5') // the mark begins anew
  const begun = performance.now()
  const got = await work()
  const seconds = (performance.now() - begun) / 1_000
  const growthBytes = memory('VmHWM') - idleBytes
  await rest()
  return { what, got, seconds, growthBytes }
}

function memory(line: 'VmRSS' | 'VmHWM'): number {
  return Number(new RegExp(`${line}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2_000))
}

function curl(path: string, more: string[]) {
  const child = spawn(
    'curl',
    ['-sS', '--fail', '-H', `Authorization: Bearer ${served.token}`, ...more, served.url + path],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  const ended = new Promise<void>((resolve, reject) =>
    child.on('exit', (status) => (status === 0 ? resolve() : reject(new Error(`curl ${path}: status ${status}`)))),
  )
  return { child, ended }
}

/** So many blocks, no two alike, into curl. */
async function send(path: string, count: number): Promise<Sum> {
  const { child, ended } = curl(path, ['-T', '-', '-X', 'PUT', '-o', '/dev/null'])
  const block = randomBytes(BLOCK_BYTES)
  const hash = createHash('sha256')
  function* content() {
    for (let i = 0; i < count; i++) {
      // A copy: the one before may still be on its way.
      const next = Buffer.from(block)
      next.writeBigUInt64LE(BigInt(i))
      hash.update(next)
      yield next
    }
  }
  await Promise.all([pipeline(Readable.from(content(), { highWaterMark: 1 }), child.stdin), ended])
  block.writeBigUInt64LE(BigInt(count - 1))
  return {
    bytes: count * BLOCK_BYTES,
    sha256: hash.digest('hex'),
    lastSha256: createHash('sha256').update(block).digest('hex'),
  }
}

async function fetchAll(path: string, more: string[] = []): Promise<Sum> {
  const { child, ended } = curl(path, more)
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
  }
  await ended
  return { bytes, sha256: hash.digest('hex') }
}
