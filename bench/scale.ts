/**
 * `npm run bench -- scale`: a store of the size where others give up, filled over HTTP from a seed, then measured: search
 * pages, charts, bytes on disk, searches beside writers. Exit status 1 when a limit is missed.
 *
 *   --factor 0.1             a tenth of everything (but the long series)
 *   --runs 100000 --experiments 5000 --keys 10000 --points 50000000 --long 1000000   single sizes
 *   --wide 500 --wide-points 10000   the runs whose charts are drawn together, and the points of each
 *   --database-url postgres://…   a server of PostgreSQL, on which a database is made for this; default SQLite
 *   --data FOLDER            keep the store there, and measure it again without filling when it is there already
 *   --times 40               measurements of each search     --writers 50 --seconds 20   of the load beside them
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { fillPoints, fillRuns, type ScaleSizes, type Store } from './scale/fill.ts'
import { holds, searches, timeBesideWriters, timeCharts, timeSearches, timingTable } from './scale/measure.ts'
import { Client } from './tracking/client.ts'
import { markdown, number } from './tracking/report.ts'
import { type Served, serveOurs } from './tracking/servers.ts'

const MAX_BYTES_PER_POINT = 24
const LANES = 16
const VACUUM_EVERY_MS = 20_000

const { values: given } = parseArgs({
  args: process.argv.slice(3),
  options: {
    factor: { type: 'string', default: '1' },
    runs: { type: 'string' },
    experiments: { type: 'string' },
    keys: { type: 'string' },
    points: { type: 'string' },
    long: { type: 'string', default: '1000000' },
    wide: { type: 'string' },
    'wide-points': { type: 'string' },
    seed: { type: 'string', default: '7' },
    times: { type: 'string', default: '40' },
    writers: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '20' },
    data: { type: 'string' },
    'database-url': { type: 'string' },
  },
})
const factor = Number(given.factor)
const scaled = (text: string | undefined, whole: number, least: number) =>
  text === undefined ? Math.max(least, Math.round(whole * factor)) : Number(text)
const wideRuns = scaled(given.wide, 500, 50)
const long = Number(given.long)
const widePoints = scaled(given['wide-points'], 10_000, 1_000)
const sizes: ScaleSizes = {
  seed: Number(given.seed),
  runs: scaled(given.runs, 100_000, 2 * wideRuns),
  experiments: scaled(given.experiments, 5_000, 2),
  keys: scaled(given.keys, 10_000, 20),
  points: Math.max(scaled(given.points, 50_000_000, 1_000), long + wideRuns * widePoints),
  long,
  wideRuns,
  widePoints,
}
const say = (text: string) => process.stderr.write(`${text}\n`)

/** What is kept beside the store so that it can be measured again. */
type Manifest = { store: Store; token: string; databaseUrl: string | null; facts: string[][] }

const folder = given.data ?? (await mkdtemp(join(tmpdir(), 'trainyard-scale-')))
await mkdir(folder, { recursive: true })
const manifestFile = join(folder, 'scale.json')
const databaseUrl = existsSync(manifestFile) ? null : await freshDatabase()
try {
  const manifest = existsSync(manifestFile)
    ? (JSON.parse(await readFile(manifestFile, 'utf8')) as Manifest)
    : await fill()
  await measure(manifest)
} finally {
  if (given.data === undefined) {
    await rm(folder, { recursive: true, force: true })
    if (databaseUrl !== null) await onServer(`DROP DATABASE "${new URL(databaseUrl).pathname.slice(1)}" WITH (FORCE)`)
  }
}

function storeFlags(url: string | null): string[] {
  return ['--data', join(folder, 'store'), ...(url === null ? [] : ['--database-url', url])]
}

async function fill(): Promise<Manifest> {
  await mkdir(join(folder, 'store'), { recursive: true })
  const flags = storeFlags(databaseUrl)
  const vacuum = await startVacuum()
  let server = await serveOurs(flags, [])
  let client = new Client('ours', server.url, server.token, LANES)
  const begun = performance.now()
  const { runs, ...filled } = await fillRuns(client, sizes, progressOf)
  const runsSeconds = (performance.now() - begun) / 1_000
  await finish(server, client)
  const without = await storeBytes()
  server = await serveOurs(flags, [], server.token ?? undefined)
  client = new Client('ours', server.url, server.token, LANES)
  const begunPoints = performance.now()
  const points = await fillPoints(client, sizes, runs, progressOf)
  const pointsSeconds = (performance.now() - begunPoints) / 1_000
  const peak = await server.residentMiB()
  // The runs have ended: the server seals their points by itself.
  while (await isUnsealed()) await new Promise((resolve) => setTimeout(resolve, 1_000))
  const sealedSeconds = (performance.now() - begunPoints) / 1_000
  await finish(server, client)
  await vacuum.stop()
  const bytes = await storeBytes()
  const perPoint = (bytes - without) / points
  const facts = [
    ['runs with params and tags', `${sizes.runs.toLocaleString('en')} in ${number(runsSeconds)} s`],
    [
      'points',
      `${points.toLocaleString('en')} in ${number(pointsSeconds)} s, ${number(points / pointsSeconds)} a second`,
    ],
    ['all points sealed', `${number(sealedSeconds - pointsSeconds)} s after the last was logged`],
    ['store without points', `${number(without / 2 ** 20)} MiB, ${number(without / sizes.runs)} bytes a run`],
    ['store', `${number(bytes / 2 ** 20)} MiB`],
    [
      'bytes on disk per point',
      `${number(perPoint)} (wanted at most ${MAX_BYTES_PER_POINT}): ${perPoint <= MAX_BYTES_PER_POINT ? 'holds' : '**missed**'}`,
    ],
    ['memory after filling', `${number(peak)} MiB`],
    ...vacuum.facts,
  ]
  if (perPoint > MAX_BYTES_PER_POINT) process.exitCode = 1
  const manifest = { store: { ...filled, points }, token: server.token ?? '', databaseUrl, facts }
  await writeFile(manifestFile, JSON.stringify(manifest), { mode: 0o600 })
  return manifest
}

async function measure({ store, token, databaseUrl: url, facts }: Manifest): Promise<void> {
  const server = await serveOurs(storeFlags(url), [], token)
  const client = new Client('ours', server.url, token, LANES)
  try {
    const asks = searches(client, store)
    const timings = [
      ...(await timeSearches(asks, Number(given.times), say)),
      ...(await timeCharts(client, store, Number(given.times))),
    ]
    const memory = await server.residentMiB()
    say(`searches beside ${given.writers} writers`)
    const load = { writers: Number(given.writers), seconds: Number(given.seconds) }
    const { timing, each, batchesPerSecond } = await timeBesideWriters(server, store, asks, load)
    const { runs, experiments, keys } = store.sizes
    const engine = url === null ? 'SQLite' : 'PostgreSQL'
    const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}`
    const size = `${runs.toLocaleString('en')} runs, ${experiments.toLocaleString('en')} experiments, ${keys.toLocaleString('en')} metric keys, ${store.points.toLocaleString('en')} points`
    console.log(`\n${new Date().toISOString().slice(0, 16)}Z, ${machine}, ${engine}: ${size}.\n`)
    const more = [
      ['start on this store', `${number(server.startMs)} ms`],
      ['memory after the searches', `${number(memory)} MiB`],
      ['writers', `${number(batchesPerSecond)} batches of 10 metrics a second, beside the searches`],
    ]
    console.log(`${markdown([['fact', 'value'], ...facts, ...more])}\n\n${timingTable([...timings, timing, ...each])}`)
    if (![...timings, timing].every(holds)) process.exitCode = 1
  } finally {
    await finish(server, client)
  }
}

async function finish(server: Served, client: Client): Promise<void> {
  client.close()
  await server.stop()
}

/** Prints each tenth of the way. */
function progressOf(what: string, of: number): (done: number) => void {
  let told = 0
  return (done) => {
    const tenth = Math.floor((10 * done) / of)
    if (tenth <= told) return
    told = tenth
    say(`${what}: ${tenth * 10} %`)
  }
}

/** Bytes of the stopped server's database. */
async function storeBytes(): Promise<number> {
  if (databaseUrl !== null) {
    const name = new URL(databaseUrl).pathname.slice(1)
    await onServer('CHECKPOINT')
    const [row] = await onServer(`SELECT pg_database_size('${name}') AS size`)
    return Number(row?.size)
  }
  const store = join(folder, 'store')
  const files = (await readdir(store)).filter((name) => /\.db(-wal)?$/.test(name))
  const found = await Promise.all(files.map((name) => stat(join(store, name))))
  return found.reduce((sum, file) => sum + file.size, 0)
}

/** On a PostgreSQL whose autovacuum is off, does what that would do: without it there are no statistics, and dead rows stay. */
async function startVacuum(): Promise<{ facts: string[][]; stop(): Promise<void> }> {
  const url = databaseUrl
  if (url === null || (await onServer('SHOW autovacuum', url))[0]?.autovacuum !== 'off')
    return { facts: [], stop: async () => {} }
  const vacuum = () => onServer('VACUUM (ANALYZE)', url)
  let working: Promise<unknown> = Promise.resolve()
  const timer = setInterval(() => {
    working = working.then(vacuum)
  }, VACUUM_EVERY_MS)
  const every = `every ${VACUUM_EVERY_MS / 1_000} s while filling, and at its end`
  return {
    facts: [['vacuum', `autovacuum is off on this server: VACUUM (ANALYZE) ${every}`]],
    async stop() {
      clearInterval(timer)
      await working
      await vacuum()
    },
  }
}

/** Whether points of ended runs still wait in the tails. */
async function isUnsealed(): Promise<boolean> {
  const query = 'SELECT 1 AS one FROM metric_series WHERE tail_points > 0 LIMIT 1'
  if (databaseUrl !== null) return (await onServer(query, databaseUrl)).length > 0
  const database = new DatabaseSync(join(folder, 'store', 'trainyard.db'), { readOnly: true, timeout: 10_000 })
  try {
    return database.prepare(query).get() !== undefined
  } finally {
    database.close()
  }
}

/** A database of its own on the named server; null for SQLite. */
async function freshDatabase(): Promise<string | null> {
  if (given['database-url'] === undefined) return null
  const name = `trainyard_scale_${randomBytes(4).toString('hex')}`
  await onServer(`CREATE DATABASE "${name}"`)
  const url = new URL(given['database-url'])
  url.pathname = `/${name}`
  return url.href
}

async function onServer(statement: string, url = given['database-url']): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}
