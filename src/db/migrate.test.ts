import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mlflowApi } from '../../tests/harness/mlflow.ts'
import { startTestServer, type TestServer } from '../../tests/harness/server.ts'
import { PACKAGE_ROOT } from '../lib/package-root.ts'
import { MIGRATIONS, migrate } from './migrate.ts'
import { openDatabase } from './open.ts'

let folder: string
let server: TestServer
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-migrate-'))
  server = await startTestServer()
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

describe('migrations', () => {
  it('many processes may start at once on an empty store', async () => {
    const url = `sqlite:${join(folder, 'many.db')}`
    const program = `import { openDatabase } from './src/db/open.ts'; import { migrate } from './src/db/migrate.ts'
      const db = openDatabase(${JSON.stringify(url)}); await migrate(db); await db.destroy(); console.log('fine')`
    const runs = Array.from({ length: 6 }, () =>
      promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', program], { cwd: PACKAGE_ROOT }),
    )
    for (const { stdout } of await Promise.all(runs)) expect(stdout).toContain('fine')
    const db = openDatabase(url)
    const { rows } = await sql<{ n: number }>`SELECT count(*) AS n FROM schema_versions`.execute(db)
    expect(rows[0]?.n).toBe(MIGRATIONS.length)
    await db.destroy()
  }, 60_000)

  it('an older program refuses a newer schema with a plain sentence', async () => {
    const { db } = server.ctx
    await sql`INSERT INTO schema_versions (version, name, applied_at_ms) VALUES (9999, 'from the future', 0)`.execute(
      db,
    )
    await expect(migrate(db)).rejects.toThrow(/written by a newer Trainyard/)
    await sql`DELETE FROM schema_versions WHERE version = 9999`.execute(db)
    await expect(migrate(db)).resolves.toBeUndefined()
  })
})

describe('a store of the first schema', () => {
  const run = 'a'.repeat(32)
  /** Longer than what the search index holds, of characters that are two of JavaScript's. */
  const note = '𝔞'.repeat(70)
  const LONG = 20_050
  let old: TestServer
  beforeAll(async () => {
    old = await startTestServer({}, fill)
  })
  afterAll(() => old?.close())

  /** As the program before wrote it: a row a point, params and tags without their experiment. */
  async function fill(databaseUrl: string): Promise<void> {
    const db = openDatabase(databaseUrl)
    await migrate(db, MIGRATIONS.slice(0, 4))
    await sql`INSERT INTO projects (id, owner, name, description, visibility, created_at_ms, created_by) VALUES ('p', 'local', 'default', '', 'private', 1, 'local')`.execute(
      db,
    )
    await sql`INSERT INTO experiments (id, project_id, is_default, name, artifact_location, lifecycle, created_at_ms, updated_at_ms) VALUES (7, 'p', 0, 'old', 'mlflow-artifacts:/7', 'active', 1, 1)`.execute(
      db,
    )
    await sql`INSERT INTO runs (id, project_id, experiment_id, name, user_name, status, lifecycle, started_at_ms, artifact_uri) VALUES (${run}, 'p', 7, 'first', 'ada', 'FINISHED', 'active', 5, 'x')`.execute(
      db,
    )
    await sql`INSERT INTO runs (id, project_id, experiment_id, name, user_name, status, lifecycle, started_at_ms, artifact_uri) VALUES ('untagged', 'p', 7, 'second', 'ada', 'FINISHED', 'active', 6, 'x')`.execute(
      db,
    )
    await sql`INSERT INTO run_params (run_id, key, value) VALUES (${run}, 'depth', '5')`.execute(db)
    await sql`INSERT INTO run_params (run_id, key, value) VALUES (${run}, 'note', ${note})`.execute(db)
    await sql`INSERT INTO run_tags (run_id, key, value) VALUES (${run}, 'team', 'a')`.execute(db)
    await sql`INSERT INTO run_tags (run_id, key, value) VALUES (${run}, 'mlflow.runName', 'first')`.execute(db)
    for (const [step, value] of [
      [0, 0.5],
      [1, 0.25],
      [9007199254740993n, 0.125],
    ])
      await sql`INSERT INTO metrics (run_id, key, step, timestamp_ms, value, is_nan) VALUES (${run}, 'loss', ${step}, 9, ${value}, 0)`.execute(
        db,
      )
    await sql`INSERT INTO latest_metrics (run_id, key, step, timestamp_ms, value, is_nan) VALUES (${run}, 'loss', 9007199254740993, 9, 0.125, 0)`.execute(
      db,
    )
    for (let i = 1; i <= 60; i++) {
      await sql`INSERT INTO metrics (run_id, key, step, timestamp_ms, value, is_nan) VALUES (${run}, ${`k${i}`}, ${-i}, 9, 0, ${i % 2})`.execute(
        db,
      )
      await sql`INSERT INTO latest_metrics (run_id, key, step, timestamp_ms, value, is_nan) VALUES (${run}, ${`k${i}`}, ${-i}, 9, 0, ${i % 2})`.execute(
        db,
      )
    }
    // More than one piece of a tail holds.
    await sql`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${LONG - 1})
      INSERT INTO metrics (run_id, key, step, timestamp_ms, value, is_nan) SELECT ${run}, 'long', i, 9, 0.5, 0 FROM n`.execute(
      db,
    )
    await sql`INSERT INTO latest_metrics (run_id, key, step, timestamp_ms, value, is_nan) VALUES (${run}, 'long', ${LONG - 1}, 9, 0.5, 0)`.execute(
      db,
    )
    await db.destroy()
  }

  it('counts on from a tail that was moved', async () => {
    const api = mlflowApi(old)
    for (let step = LONG; step < LONG + 40; step++) {
      const point = { run_id: run, key: 'long', value: 1, timestamp: 9, step }
      expect((await api.post('runs/log-metric', point)).status).toBe(200)
    }
    const query = { run_id: run, metric_key: 'long', max_results: '25000' }
    const { body } = await api.get('metrics/get-history', query)
    expect(body.metrics.map((metric: { step: number }) => metric.step)).toEqual(
      Array.from({ length: LONG + 40 }, (_, step) => step),
    )
  })

  it('keeps its runs, their params, tags and every point, and finds them', async () => {
    const api = mlflowApi(old)
    const { body } = await api.get('runs/get', { run_id: run })
    expect(body.run.data).toMatchObject({
      params: [
        { key: 'depth', value: '5' },
        { key: 'note', value: note },
      ],
      tags: [
        { key: 'mlflow.runName', value: 'first' },
        { key: 'team', value: 'a' },
      ],
    })
    const latest = body.run.data.metrics.map((metric: { key: string; value: unknown }) => [metric.key, metric.value])
    expect(latest).toHaveLength(62)
    expect(latest).toContainEqual(['loss', 0.125])
    const history = await api.get('metrics/get-history', { run_id: run, metric_key: 'loss' })
    expect(history.text.match(/"step":\d+/g)).toEqual(['"step":0', '"step":1', '"step":9007199254740993'])
    for (let i = 1; i <= 60; i++) {
      const one = await api.get('metrics/get-history', { run_id: run, metric_key: `k${i}` })
      expect(one.body.metrics).toEqual([{ key: `k${i}`, value: i % 2 === 1 ? 'NaN' : 0, timestamp: 9, step: -i }])
    }
    const found = await api.post('runs/search', {
      experiment_ids: ['7'],
      filter: "params.depth = '5' and metrics.loss < 0.2 and tags.team = 'a'",
      order_by: ['metrics.loss DESC'],
    })
    expect(found.body.runs).toHaveLength(1)
    const noted = await api.post('runs/search', { experiment_ids: ['7'], filter: `params.note = '${note}'` })
    expect(noted.body.runs).toHaveLength(1)
    const named = await api.post('runs/search', { experiment_ids: ['7'], filter: "tags.mlflow.runName = 'first'" })
    expect(named.body.runs).toHaveLength(1)
    const untagged = (await api.get('runs/get', { run_id: 'untagged' })).body.run
    expect([untagged.info.run_name, untagged.data.tags]).toEqual(['second', undefined])
    expect(
      (await api.post('runs/log-metric', { run_id: run, key: 'loss', value: 1, timestamp: 9, step: 1 })).status,
    ).toBe(200)
  })
})

describe('the two engines agree', () => {
  it('on integers beyond 2^53, text order and the case of LIKE', async () => {
    const { db } = server.ctx
    const { rows } = await sql<{
      big: bigint
      small: number
    }>`SELECT CAST(9007199254740993 AS BIGINT) AS big, CAST(7 AS BIGINT) AS small`.execute(db)
    expect(rows[0]).toEqual({ big: 9007199254740993n, small: 7 })
    for (const name of ['b', 'B', 'a', 'é']) {
      await db
        .insertInto('users')
        .values({ id: name, name, password_hash: null, is_admin: 0, created_at_ms: 0, disabled_at_ms: null })
        .execute()
    }
    const sorted = await db.selectFrom('users').select('name').orderBy('name').execute()
    expect(sorted.map((row) => row.name)).toEqual(['B', 'a', 'b', 'é'])
    const { like, ilike } = await import('./dialect.ts')
    const names = async (pattern: string, compare: typeof like) =>
      (
        await db
          .selectFrom('users')
          .select('name')
          .where((eb) => compare(db, eb.ref('name'), pattern))
          .orderBy('name')
          .execute()
      ).map((row) => row.name)
    expect(await names('b%', like)).toEqual(['b'])
    expect(await names('b%', ilike)).toEqual(['B', 'b'])
  })
})
