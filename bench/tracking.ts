/**
 * `npm run bench -- tracking`: our tracking server (authenticated), `mlflow server` and FastTrackML, each on a fresh
 * SQLite store, measured in turn by one client on this machine. Prints the medians, the ratios and whether the targets
 * hold (exit status 1 when one does not).
 *
 *   --only ours,mlflow      which servers (default all three)
 *   --runs 2000,10000       sizes of the experiments that are searched
 *   --points 100000         points of the long series       --artifact 64      MiB of the artifact
 *   --concurrency 16        simulated clients               --seconds 3        of one measurement of a rate
 *   --rounds 3              the median of so many is printed
 */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Client, quantile } from './tracking/client.ts'
import { number, type Row, table, verdicts } from './tracking/report.ts'
import {
  type Filled,
  fillRuns,
  fillSeries,
  prepare,
  type Scenario,
  type Sizes,
  scenarios,
  searches,
} from './tracking/scenarios.ts'
import { LABELS, NAMES, type Name, type Served, serve } from './tracking/servers.ts'

const IDLE_MS = 5_000
/** Quiet: less than a tenth of a processor is used for two seconds. */
const QUIET_MS = 2_000
const QUIET_SHARE = 0.1
const QUIET_TRIES = 30

const { values: given } = parseArgs({
  args: process.argv.slice(3),
  options: {
    only: { type: 'string', default: NAMES.join(',') },
    runs: { type: 'string', default: '2000,10000' },
    points: { type: 'string', default: '100000' },
    artifact: { type: 'string', default: '64' },
    concurrency: { type: 'string', default: '16' },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
  },
})
const sizes: Sizes = {
  runs: given.runs.split(',').map(Number),
  points: Number(given.points),
  seconds: Number(given.seconds),
  concurrency: Number(given.concurrency),
  artifactMiB: Number(given.artifact),
}
const names = NAMES.filter((name) => given.only.split(',').includes(name))
const say = (text: string) => process.stderr.write(`${text}\n`)

type Running = { name: Name; served: Served; idleMiB: number; filled: Filled; experiments: Map<number, string> }

const folder = await mkdtemp(join(tmpdir(), 'trainyard-bench-'))
const running: Running[] = []
try {
  for (const name of names) running.push(await start(name))
  await quiet()
  const rows = [...(await fill()), ...(await measure())]
  const ours = running.find((server) => server.name === 'ours')
  const judged = verdicts(rows, ours === undefined ? null : { idleMiB: ours.idleMiB, startMs: ours.served.startMs })
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}`
  console.log(
    `\n${new Date().toISOString().slice(0, 16)}Z, ${machine}. Medians of ${given.rounds} rounds of ${sizes.seconds} s.\n`,
  )
  console.log(table(names, [...(await footprint()), ...rows]))
  console.log(`\n${judged.map(({ text, holds }) => `- ${holds ? 'holds' : '**missed**'}: ${text}`).join('\n')}`)
  process.exitCode = judged.every(({ holds }) => holds) ? 0 : 1
} finally {
  for (const { filled, served } of running) {
    filled.client.close()
    await served.stop()
  }
  await rm(folder, { recursive: true, force: true })
}

async function start(name: Name): Promise<Running> {
  say(`starting ${LABELS[name]}`)
  const served = await serve(name, join(folder, name))
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS)) // what a server does once after its start is not load
  const idleMiB = await served.residentMiB()
  const client = new Client(name, served.url, served.token, Math.max(sizes.concurrency, 8))
  return { name, served, idleMiB, filled: await prepare(client, sizes), experiments: new Map() }
}

/** Waits until no server is busy with its own start any more: MLflow's workers go on for a while after its first answer. */
async function quiet(forMs = QUIET_MS, tries = QUIET_TRIES): Promise<void> {
  for (let left = tries; left > 0; left--) {
    const before = busyMs()
    await new Promise((resolve) => setTimeout(resolve, forMs))
    if (busyMs() - before < QUIET_SHARE * forMs) return
  }
  say('!! the machine does not fall quiet: other work is measured, too')
}

/** Processor time of the whole machine but idle time, in milliseconds. */
function busyMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0)
}

/**
 * Runs `work` on one server while the others are halted, and with nothing left to be written to the disk: what an idle
 * server does by itself, and what was written before, is measured with no other one.
 */
async function alone<T>(server: Running, work: () => Promise<T>): Promise<T> {
  try {
    for (const other of running) other.served.halt(other !== server)
    execFileSync('sync')
    await quiet(300, 10) // what it had put off while it was halted is not what is asked of it now
    return await work()
  } finally {
    for (const other of running) other.served.halt(false)
  }
}

/** Fills each server and tells how fast that was. */
async function fill(): Promise<Row[]> {
  const rows: Row[] = []
  for (const size of sizes.runs) {
    const values: Row['values'] = {}
    for (const server of running) {
      const { name, filled, experiments } = server
      say(`filling ${LABELS[name]}: ${size} runs`)
      const { id, perSecond } = await alone(server, () => fillRuns(filled, size))
      experiments.set(size, id)
      values[name] = perSecond
    }
    const title = `fill: ${size.toLocaleString('en')} runs, each create-run + log-batch of 15, 8 clients`
    rows.push({ kind: 'fill', name: title, unit: 'runs/s', higherIsBetter: true, values })
  }
  const values: Row['values'] = {}
  for (const server of running) values[server.name] = await alone(server, () => fillSeries(server.filled, sizes.points))
  rows.push({
    kind: 'fill',
    name: 'fill: log-batch of 1,000, 1 client',
    unit: 'metrics/s',
    higherIsBetter: true,
    values,
  })
  return rows
}

async function measure(): Promise<Row[]> {
  const experimentOf = (size: number) => (server: Filled) =>
    running.find(({ filled }) => filled === server)?.experiments.get(size) ?? ''
  const wanted = [...scenarios(sizes), ...sizes.runs.flatMap((size) => searches(size, experimentOf(size)))]
  const rows: Row[] = []
  for (const scenario of wanted) {
    say(scenario.name)
    rows.push(await row(scenario))
  }
  return rows
}

/** One scenario on each server in turn, `rounds` times. A server that fails at it is left out of its later rounds. */
async function row({ measure: measureOn, ...scenario }: Scenario): Promise<Row> {
  const found = new Map<Name, number[]>(running.map(({ name }) => [name, []]))
  let clientBusy = 0
  for (let round = 0; round < Number(given.rounds); round++) {
    for (const server of running) {
      const { name, filled } = server
      const values = found.get(name) ?? []
      if (values.some(Number.isNaN)) continue
      const cpu = process.cpuUsage()
      const begun = performance.now()
      try {
        values.push(await alone(server, () => measureOn(filled)))
      } catch (error) {
        values.push(Number.NaN)
        say(`  ${LABELS[name]}: ${error instanceof Error ? error.message : error}`)
      }
      const { user, system } = process.cpuUsage(cpu)
      if (name === 'ours') clientBusy = Math.max(clientBusy, (user + system) / 1_000 / (performance.now() - begun))
    }
  }
  const medians = [...found].map(([name, values]) => [
    name,
    values.some(Number.isNaN) ? Number.NaN : quantile(values, 0.5),
  ])
  return { ...scenario, values: Object.fromEntries(medians), clientBusy }
}

/** Start and memory of each server, as rows that set no ratio. */
async function footprint(): Promise<Row[]> {
  const line = (name: string, unit: string, values: [Name, number][]): Row => ({
    kind: 'footprint',
    name,
    unit,
    higherIsBetter: false,
    values: Object.fromEntries(values),
  })
  const after: [Name, number][] = []
  for (const { name, served } of running) after.push([name, await served.residentMiB()])
  for (const [name, size] of after) say(`${LABELS[name]}: ${number(size)} MiB after the load`)
  return [
    line(
      'start to the first answer, new store',
      'ms',
      running.map(({ name, served }) => [name, served.startMs]),
    ),
    line(
      `memory ${IDLE_MS / 1_000} s after the start`,
      'MiB',
      running.map(({ name, idleMiB }) => [name, idleMiB]),
    ),
    line('memory after the load', 'MiB', after),
  ]
}
