/**
 * The figures a user feels first: time from start to ready on a new and on an existing folder, idle memory, requests per
 * second of the bare HTTP layer, and one prediction over HTTP. `npm run bench -- basics [folder of a finished demo]`;
 * without a folder there is no prediction to measure. `TRAINYARD_BENCH_MAIN=dist/main.js` measures what `npm run build` made.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NODE_FLAGS } from '../scripts/node-flags.mjs'
import { PACKAGE_ROOT } from '../src/lib/package-root.ts'
import { follow, type Program } from '../tests/harness/process.ts'

const ROUNDS = 7
const IDLE_MS = 10_000
const PREDICTIONS = 300
const CONNECTIONS = 16
const LOAD_MS = 5_000

const main = join(PACKAGE_ROOT, process.env.TRAINYARD_BENCH_MAIN ?? 'src/main.ts')
const given = process.argv[3] ?? process.env.TRAINYARD_DATA
const temporary: string[] = []
const newFolder = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trainyard-bench-'))
  temporary.push(folder)
  return folder
}
const folder = given ?? (await newFolder())

await startAndStop(folder) // makes the schema and the compile cache: "an existing folder"
const cold: Started[] = []
const warm: Started[] = []
for (let i = 0; i < ROUNDS; i++) {
  cold.push(await startAndStop(await newFolder()))
  warm.push(await startAndStop(folder))
}
reportStarts('start, new folder', cold)
reportStarts('start, existing folder', warm)

const server = start(folder)
const url = (await server.saw(/ready at (http\S+)/))[1] ?? ''
await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
console.log(`idle memory          ${await residentMiB(server.child.pid ?? 0)} MiB resident after ${IDLE_MS / 1000} s`)
if (given !== undefined) await predictions(url)
await stop(server)
await bareRequests()
for (const made of temporary) await rm(made, { recursive: true, force: true })

type Started = { readyMs: number; answeredMs: number; cpuMs: number }

function start(data: string, command: string[] = ['serve', '--port', '0', '--log-level', 'error']): Program {
  return follow(
    spawn(process.execPath, [...NODE_FLAGS, main, ...command, '--data', data], { stdio: ['ignore', 'pipe', 'pipe'] }),
  )
}

async function stop(program: Program): Promise<void> {
  program.kill('SIGTERM')
  await program.ended
}

async function startAndStop(data: string): Promise<Started> {
  const startedAt = performance.now()
  const program = start(data)
  const [, base = ''] = await program.saw(/ready at (http\S+)/)
  const readyMs = performance.now() - startedAt
  await (await fetch(`${base}/health`)).text()
  const answeredMs = performance.now() - startedAt
  const cpuMs = await processorMs(program.child.pid ?? 0)
  await stop(program)
  return { readyMs, answeredMs, cpuMs }
}

function reportStarts(name: string, starts: Started[]): void {
  report(
    `${name}: ready`,
    starts.map((one) => one.readyMs),
    'ms',
  )
  report(
    `${name}: first answer`,
    starts.map((one) => one.answeredMs),
    'ms',
  )
  report(
    `${name}: processor`,
    starts.map((one) => one.cpuMs),
    'ms',
  )
}

/** What the layer below every route costs: routing, guard, hooks, serialising. With an account, so a token is checked. */
async function bareRequests(): Promise<void> {
  const data = await newFolder()
  const ended = async (program: Program) => {
    if ((await program.ended) !== 0) throw new Error(program.output())
    return program.output()
  }
  await ended(start(data, ['users', 'add', 'bench', '--admin']))
  const token = (await ended(start(data, ['tokens', 'add', '--user', 'bench', '--scope', 'admin']))).trim()
  const program = start(data)
  const [, base = ''] = await program.saw(/ready at (http\S+)/)
  const authorization = `Bearer ${token}`
  for (const [name, path, headers] of [
    ['GET /health', '/health', {}],
    ['GET /api/v1/me, token', '/api/v1/me', { authorization }],
  ] as const) {
    await load(base + path, headers, 1_000) // warms the code
    const before = await processorMs(program.child.pid ?? 0)
    const count = await load(base + path, headers, LOAD_MS)
    const cpuMs = (await processorMs(program.child.pid ?? 0)) - before
    const perSecond = Math.round((count / LOAD_MS) * 1_000)
    const perCore = Math.round((count / cpuMs) * 1_000)
    console.log(
      `${name.padEnd(38)} ${perSecond} req/s, ${CONNECTIONS} connections (${perCore} per second of the server's processor)`,
    )
  }
  await stop(program)
}

/** Requests answered with 200 in this time, over keep-alive connections that each send one after the other. */
async function load(target: string, headers: Record<string, string>, forMs: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const until = performance.now() + forMs
  let count = 0
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const sent = request(target, { agent, headers }, (answer) => {
        if (answer.statusCode !== 200) reject(new Error(`${target} answered ${answer.statusCode}`))
        answer.resume().on('end', resolve)
      })
      sent.on('error', reject).end()
    })
  const client = async () => {
    while (performance.now() < until) {
      await one()
      count += 1
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, client))
  agent.destroy()
  return count
}

async function predictions(base: string): Promise<void> {
  const api = `${base}/api/v1/projects/local/adult-income/endpoints/income`
  const form = (await (await fetch(`${api}/form`)).json()) as { examples: { values: Record<string, unknown> }[] }
  const body = JSON.stringify({ dataframe_records: [form.examples[0]?.values] })
  const times: number[] = []
  for (let i = 0; i < PREDICTIONS; i++) {
    const startedAt = performance.now()
    const answer = await fetch(`${base}/endpoints/local/adult-income/income/invocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
    await answer.arrayBuffer()
    times.push(performance.now() - startedAt)
  }
  report('one prediction, HTTP', times.slice(20), 'ms')
}

function report(name: string, values: number[], unit: string): void {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1)
  console.log(`${name.padEnd(38)} p50 ${at(0.5)} ${unit}, min ${at(0)}, p99 ${at(0.99)} (n = ${sorted.length})`)
}

async function residentMiB(pid: number): Promise<string> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return (Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024).toFixed(0)
}

/** Processor time of the process so far; Linux counts it in hundredths of a second. */
async function processorMs(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}
