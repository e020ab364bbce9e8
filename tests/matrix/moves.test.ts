import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemEnvironment } from '../../src/config.ts'
import {
  compared,
  MLFLOW_VERSIONS,
  mlflowPython,
  runMoveScript,
  SAME,
  startMlflowServer,
  startTrainyard,
  trainyard,
} from '../harness/moves.ts'
import { POSTGRES_URL, startTestServer, type TestServer } from '../harness/server.ts'

/** Stores that each MLflow wrote itself, in and out, read on both sides by its own client. */

const NEWEST = '3.17.2'
let server: TestServer
let folder: string
let made = 0
beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  folder = await mkdtemp(join(tmpdir(), 'trainyard-moves-'))
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

/** A project of its own, so that ids are free. */
async function newProject(): Promise<{ name: string; uri: string }> {
  const name = `moved-${++made}`
  await server.request('POST', '/api/v1/projects', { body: { owner: 'local', name } })
  return { name: `local/${name}`, uri: `${server.url}/mlflow/local/${name}/tracking` }
}

/** A store in a folder of its own; artifacts that have a place of their own lie in it as well. */
async function seeded(python: string, uri: (folder: string) => string): Promise<{ place: string; uri: string }> {
  const place = join(folder, `source-${++made}`)
  await mkdir(place)
  const store = uri(place)
  await runMoveScript(python, 'matrix/moves_seed.py', [place], { env: { MLFLOW_TRACKING_URI: store }, cwd: place })
  return { place, uri: store }
}

async function imported(source: string, project: string, artifacts: string[] = []): Promise<string> {
  const places = artifacts.length === 0 ? [] : ['--artifacts', ...artifacts]
  const done = await trainyard(['import', 'mlflow', source, '--project', project, ...places, '--data', server.folder])
  expect(done, done.stderr).toMatchObject({ code: 0 })
  return done.stdout
}

async function exported(target: string, project: string): Promise<void> {
  expect(await trainyard(['export', 'mlflow', target, '--project', project, '--data', server.folder])).toMatchObject({
    code: 0,
  })
}

for (const version of MLFLOW_VERSIONS) {
  describe(`a store of MLflow ${version}`, () => {
    it('comes in from a folder, and goes out to one', async () => {
      const python = await mlflowPython(version)
      const source = await seeded(python, (place) => join(place, 'mlruns'))
      const project = await newProject()
      await imported(source.uri, project.name, [source.place])
      expect(await compared(python, source.uri, project.uri)).toEqual(SAME)
      expect(await imported(source.uri, project.name, [source.place])).toMatch(/Imported 0 experiments \(5 unchanged\)/)
      const out = join(folder, `out-${made}`)
      await exported(out, project.name)
      expect(await compared(python, out, project.uri)).toEqual(SAME)
    })

    it('comes in from SQLite, and goes out to what the newest MLflow reads', async () => {
      const python = await mlflowPython(version)
      const source = await seeded(python, (place) => `sqlite:///${join(place, 'mlflow.db')}`)
      const project = await newProject()
      await imported(join(source.place, 'mlflow.db'), project.name, [source.place])
      expect(await compared(python, source.uri, project.uri)).toEqual(SAME)
      const out = join(folder, `out-${made}.db`)
      await exported(out, project.name)
      expect(await compared(await mlflowPython(NEWEST), `sqlite:///${out}`, project.uri)).toEqual(SAME)
    })
  })
}

describe(`MLflow ${NEWEST}`, () => {
  it('is read on PostgreSQL', async () => {
    const name = `trainyard_moves_${process.pid}`
    const admin = new pg.Client({ connectionString: POSTGRES_URL })
    await admin.connect()
    await admin.query(`CREATE DATABASE ${name}`)
    try {
      const url = new URL(POSTGRES_URL)
      url.pathname = `/${name}`
      const python = await mlflowPython(NEWEST)
      const source = await seeded(python, () => url.toString().replace(/^postgres(ql)?:/, 'postgresql+psycopg2:'))
      const project = await newProject()
      await imported(source.uri, project.name, [source.place])
      expect(await compared(python, source.uri, project.uri)).toEqual(SAME)
    } finally {
      await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
      await admin.end()
    }
  })

  it('is read from its running server', async () => {
    const python = await mlflowPython(NEWEST)
    const source = await seeded(python, (place) => `sqlite:///${join(place, 'mlflow.db')}`)
    const stock = await startMlflowServer(python, source.uri, join(source.place, 'mlruns'))
    try {
      const project = await newProject()
      await imported(stock.url, project.name)
      expect(await compared(python, stock.url, project.uri)).toEqual(SAME)
      expect(await imported(stock.url, project.name)).toMatch(/Imported 0 experiments \(5 unchanged\)/)
    } finally {
      await stock.stop()
    }
  })

  it('makes the same tables as an export', async () => {
    const python = await mlflowPython(NEWEST)
    const stock = join(folder, 'stock.db')
    const script =
      'import sys; from mlflow.store.db.utils import _initialize_tables, create_sqlalchemy_engine; _initialize_tables(create_sqlalchemy_engine(sys.argv[1]))'
    await promisify(execFile)(python, ['-c', script, `sqlite:///${stock}`], { env: systemEnvironment() })
    const out = join(folder, 'empty.db')
    await exported(out, (await newProject()).name)
    expect(schemaOf(out)).toEqual(schemaOf(stock))
  })
})

function schemaOf(path: string): { objects: string[]; revision: unknown } {
  const database = new DatabaseSync(path, { readOnly: true })
  const rows = database.prepare('SELECT sql FROM sqlite_master WHERE sql IS NOT NULL').all() as { sql: string }[]
  const objects = rows.map(({ sql }) =>
    sortedParts(sql.replace(/\s+/g, ' ').replace(/\( /g, '(').replace(/ \)/g, ')').trim()),
  )
  const revision = database.prepare('SELECT version_num FROM alembic_version').all()
  database.close()
  return { objects: objects.sort(), revision }
}

/** A table's columns and constraints in the order of their texts: MLflow's migrations write constraints in any order. */
function sortedParts(sql: string): string {
  const open = sql.startsWith('CREATE TABLE') ? sql.indexOf('(') : -1
  if (open < 0) return sql
  const parts: string[] = []
  let [depth, from] = [0, open + 1]
  for (let at = open + 1; at < sql.length; at++) {
    if (sql[at] === '(') depth += 1
    if (sql[at] === ')') depth -= 1
    if ((sql[at] !== ',' || depth > 0) && depth >= 0) continue
    parts.push(sql.slice(from, at).trim())
    from = at + 1
  }
  return `${sql.slice(0, open)}(${parts.sort().join(', ')})`
}

const LONG_RUN = 'c'.repeat(32)
const POINTS = 1_000_000

async function longRun(): Promise<string> {
  const root = join(folder, 'long', 'mlruns')
  const run = join(root, '777', LONG_RUN)
  await mkdir(join(run, 'metrics'), { recursive: true })
  const times = 'creation_time: 1\nlast_update_time: 1\n'
  await writeFile(
    join(root, '777', 'meta.yaml'),
    `artifact_location: x\nexperiment_id: '777'\nlifecycle_stage: active\nname: long\n${times}`,
  )
  await writeFile(
    join(run, 'meta.yaml'),
    `artifact_uri: ${join(run, 'artifacts')}\nend_time: 5\nexperiment_id: '777'\nlifecycle_stage: deleted\nrun_id: ${LONG_RUN}\nrun_name: long\nstart_time: 1\nstatus: 3\nuser_id: ada\n`,
  )
  const file = createWriteStream(join(run, 'metrics', 'loss'))
  for (let step = 0; step < POINTS; step += 1_000) {
    const lines = Array.from(
      { length: 1_000 },
      (_, i) => `${1_700_000_000_000 + step + i} ${(step + i) / 7} ${step + i}\n`,
    )
    if (!file.write(lines.join(''))) await once(file, 'drain')
  }
  file.end()
  await once(file, 'finish')
  return root
}

it('a run of a million points comes in with 96 MiB of heap, killed three times on the way', async () => {
  const source = await longRun()
  const project = await newProject()
  const args = ['import', 'mlflow', source, '--project', project.name, '--data', server.folder]
  for (let killed = 0; killed < 3; killed++) {
    const child = startTrainyard(args)
    const ended = once(child, 'exit')
    child.stderr?.once('data', () => child.kill('SIGKILL')) // the first line of progress: points are on their way
    await ended
    expect(child.signalCode).toBe('SIGKILL')
  }
  expect(await trainyard(args, ['--max-old-space-size=96'])).toMatchObject({ code: 0 })
  let [count, sum, token] = [0, 0, '']
  do {
    const query = `run_id=${LONG_RUN}&metric_key=loss&max_results=25000${token === '' ? '' : `&page_token=${token}`}`
    const path = `${new URL(project.uri).pathname}/api/2.0/mlflow/metrics/get-history?${query}`
    const { body } = await server.request('GET', path)
    for (const point of body.metrics as { step: number }[]) {
      count += 1
      sum += point.step
    }
    token = body.next_page_token ?? ''
  } while (token !== '')
  expect([count, sum]).toEqual([POINTS, (POINTS * (POINTS - 1)) / 2])
  const run = await server.request('GET', `${new URL(project.uri).pathname}/api/2.0/mlflow/runs/get?run_id=${LONG_RUN}`)
  expect(run.body.run.info.lifecycle_stage).toBe('deleted')
  expect(await imported(source, project.name)).toMatch(/0 runs \(1 unchanged\)/)
})
