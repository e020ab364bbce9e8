/**
 * The figures a user feels first: time from start to ready on an existing folder, idle memory, and one prediction over
 * HTTP. `npm run bench -- basics [folder of a finished demo]`; without a folder it measures start and memory only.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Program, startProgram } from '../tests/harness/process.ts'

const ROUNDS = 7
const IDLE_MS = 10_000
const PREDICTIONS = 300

const given = process.argv[3] ?? process.env.TRAINYARD_DATA
const folder = given ?? (await mkdtemp(join(tmpdir(), 'trainyard-bench-')))
const start = () => startProgram(['serve', '--port', '0', '--data', folder, '--log-level', 'error'])
const stop = async (server: Program) => {
  server.kill('SIGTERM')
  await server.ended
}

const first = start()
await first.saw(/ready at/)
await stop(first) // makes the schema and the compile cache: "an existing folder"

const starts: number[] = []
for (let i = 0; i < ROUNDS; i++) {
  const startedAt = performance.now()
  const server = start()
  await server.saw(/ready at/)
  starts.push(performance.now() - startedAt)
  await stop(server)
}
report('start to ready', starts, 'ms')

const server = start()
const url = (await server.saw(/ready at (http\S+)/))[1] ?? ''
await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
console.log(`idle memory          ${await residentMiB(server.child.pid ?? 0)} MiB resident after ${IDLE_MS / 1000} s`)
if (given !== undefined) await predictions(url)
await stop(server)
if (given === undefined) await rm(folder, { recursive: true, force: true })

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
  console.log(`${name.padEnd(20)} p50 ${at(0.5)} ${unit}, min ${at(0)}, p99 ${at(0.99)} (n = ${sorted.length})`)
}

async function residentMiB(pid: number): Promise<string> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return (Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024).toFixed(0)
}
