import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type MlflowApi, mlflowApi } from '../../../tests/harness/mlflow.ts'
import { plansOf } from '../../../tests/harness/plans.ts'
import { localProject } from '../../../tests/harness/registry.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { inTransaction } from '../../context.ts'
import { inChunks, isPostgres } from '../../db/dialect.ts'
import { raiseSeries } from './metrics/series-heads.store.ts'
import { MAX_KEYS } from './run-columns.reads.ts'
import { MAX_COUNT } from './run-columns.service.ts'
import { countFound, walkKeys } from './run-columns.store.ts'
import { addParams, putTags } from './run-data.store.ts'
import { insertRuns } from './runs.store.ts'
import type { RunSearch } from './runs-asked.store.ts'

/** What the table of runs knows of the runs it has not loaded. */
const RUNS = MAX_COUNT + 50
const METRICS = MAX_KEYS + 200
let server: TestServer
let api: MlflowApi
let other: MlflowApi
let projectId: string
/** RUNS runs with one metric each of METRICS, two params and a tag. */
let many: string

const P = '/api/v1/projects/local/default'
const ask = (path: string) => async (query: Record<string, string>, project: string) =>
  (await server.request('GET', `${project}/runs/${path}?${new URLSearchParams(query)}`)).body
const columns = (query: Record<string, string> = {}, project = P) => ask('columns')(query, project)
const count = (query: Record<string, string> = {}, project = P) => ask('count')(query, project)
const metricName = (i: number) => `m${`${i % METRICS}`.padStart(5, '0')}`

beforeAll(async () => {
  server = await startTestServer()
  api = mlflowApi(server)
  await localProject(server, 'other')
  other = mlflowApi(server, { prefix: '/mlflow/local/other/tracking' })
  many = await api.experiment('many')
  const one = await api.run(many)
  const { db } = server.ctx
  const model = await db.selectFrom('runs').selectAll().where('id', '=', one).executeTakeFirstOrThrow()
  projectId = model.project_id
  const ids = Array.from({ length: RUNS - 1 }, (_, i) => `${i}`.padStart(32, '0'))
  const place = { experiment_id: Number(many) }
  const point = { step: 0, timestamp_ms: 1, is_nan: 0, tail_points: 0, recent: null }
  await inTransaction(server.ctx, async ({ db: tx }) => {
    const all = ids.map((id, i) => ({ id, i }))
    await inChunks(all, 20, async (some) => {
      await insertRuns(
        tx,
        some.map(({ id, i }) => ({ ...model, id, started_at_ms: i })),
      )
      await raiseSeries(
        tx,
        some.map(({ id, i }) => ({ ...place, ...point, run_id: id, key: metricName(i), value: i })),
      )
      await addParams(
        tx,
        some.flatMap(({ id, i }) => [
          { ...place, run_id: id, key: 'half', value: `${i % 2}` },
          { ...place, run_id: id, key: 'third', value: `${i % 3_000}` },
        ]),
      )
      await putTags(
        tx,
        some.map(({ id }) => ({ ...place, run_id: id, key: 'team', value: 'red' })),
      )
    })
  })
  // PostgreSQL plans by statistics, which it gathers by itself after a while.
  if (isPostgres(db)) await sql`ANALYZE`.execute(db)
}, 120_000)
afterAll(() => server.close())

describe('names of columns', () => {
  test('of one experiment, of the project, never of another project', async () => {
    const [mine, next] = [await api.experiment('mine'), await api.experiment('next')]
    const theirs = await other.experiment('mine')
    for (const [door, experiment, name] of [
      [api, mine, 'a'],
      [api, mine, 'b'],
      [api, next, 'next'],
      [other, theirs, 'theirs'],
    ] as const) {
      const run = await door.run(experiment, { tags: [{ key: `tag.${name}`, value: 'x' }] })
      const metrics = [
        { key: `loss/${name}`, value: 1, timestamp: 1 },
        { key: 'nan', value: 'NaN', timestamp: 1 },
      ]
      await door.post('runs/log-batch', { run_id: run, metrics, params: [{ key: `Param ${name}`, value: '1' }] })
    }
    expect(await columns({ experiment_id: mine })).toEqual({
      metrics: { keys: ['loss/a', 'loss/b', 'nan'], is_more: false },
      params: { keys: ['Param a', 'Param b'], is_more: false },
      tags: { keys: ['tag.a', 'tag.b'], is_more: false },
    })
    const whole = await columns({ search: 'param ' })
    expect(whole.params.keys).toEqual(['Param a', 'Param b', 'Param next'])
    expect(whole.metrics.keys).toEqual([])
    const nothing = { keys: [], is_more: false }
    expect(await columns({ experiment_id: theirs })).toEqual({ metrics: nothing, params: nothing, tags: nothing })
    const O = '/api/v1/projects/local/other'
    expect((await columns({ experiment_id: theirs }, O)).metrics.keys).toEqual(['loss/theirs', 'nan'])
    expect((await columns({}, O)).params.keys).toEqual(['Param theirs'])
  })

  test('the first of many, and those that hold a text', async () => {
    const { metrics, params, tags } = await columns({ experiment_id: many })
    expect(metrics.is_more).toBe(true)
    expect(metrics.keys).toEqual(Array.from({ length: MAX_KEYS }, (_, i) => metricName(i)))
    expect([params, tags]).toEqual([
      { keys: ['half', 'third'], is_more: false },
      { keys: ['team'], is_more: false },
    ])
    expect((await columns({ experiment_id: many, search: 'M01199' })).metrics).toEqual({
      keys: ['m01199'],
      is_more: false,
    })
    expect((await columns({ experiment_id: many, search: '\0' })).error).toMatchObject({ code: 'bad_request' })
    expect((await columns({ experiment_id: many, search: 'x'.repeat(251) })).error).toMatchObject({
      field: 'querystring.search',
    })
    expect((await columns({ experiment_id: "' OR 1=1" })).error).toMatchObject({ code: 'bad_request' })
  })

  test('one look into the index for each name, and no more than were allowed', async () => {
    const place = { projectId, experimentIds: [Number(many)] }
    for (const [kind, index] of [
      ['metric', 'metric_series_order'],
      ['param', 'run_params_order'],
      ['tag', 'run_tags_order'],
    ] as const) {
      const [plan = ''] = await plansOf(server.ctx.db, (db) => walkKeys(db, kind, place, 5_000))
      expect(plan.match(new RegExp(index, 'g'))).toHaveLength(2)
      // On SQLite `key>?` says that the index is entered behind a key; on PostgreSQL it stands in the condition of the index.
      expect(plan).toMatch(/key>\?|Index Cond: .*key > /)
      expect(plan).not.toMatch(/Seq Scan on (metric_series|run_)|SCAN v|Sort/)
    }
    expect(await walkKeys(server.ctx.db, 'metric', place, 3)).toEqual([0, 1, 2].map(metricName))
    const looks = await walkKeys(server.ctx.db, 'metric', place, 50_000)
    expect([looks.length, looks.at(-1)]).toEqual([METRICS + 1, null])
  })
})

describe('the number of runs', () => {
  test('is that of the runs that the search finds', async () => {
    const experiment = await api.experiment('counted')
    const next = await api.experiment('counted too')
    for (const [i, value] of [1, 2, 'NaN', 3].entries()) {
      const run = await api.run(i === 3 ? next : experiment, { run_name: `r${i}` })
      await api.post('runs/log-metric', { run_id: run, key: 'm', value, timestamp: 1 })
      await api.post('runs/log-parameter', { run_id: run, key: 'p', value: `${i % 2}` })
    }
    await api.post('runs/delete', { run_id: await api.run(experiment) })
    for (const [query, expected] of [
      [{}, 3],
      [{ view: 'deleted' }, 1],
      [{ view: 'all' }, 4],
      [{ filter: 'metrics.m > 1' }, 1],
      [{ filter: 'metrics.m != 1' }, 2],
      [{ filter: "params.p = '0' AND metrics.m >= 1" }, 1],
      [{ filter: "params.p = '0' AND metrics.m >= 1", view: 'deleted' }, 0],
      [{ filter: "run_name = 'r1'" }, 1],
      [{ filter: "tags.mlflow.runName LIKE 'r%'" }, 3],
      [{ filter: "params.none = 'x'" }, 0],
    ] as const) {
      const place = { experiment_id: experiment, ...query }
      expect(await count(place), JSON.stringify(query)).toEqual({ count: expected, is_more: false })
      const found = await server.request('GET', `${P}/runs?${new URLSearchParams({ limit: '200', ...place })}`)
      expect(found.body.runs).toHaveLength(expected)
    }
    expect(await count({ filter: 'metrics.m >= 1' })).toEqual({ count: 3, is_more: false })
    expect(await count({ experiment_id: experiment }, '/api/v1/projects/local/other')).toMatchObject({ count: 0 })
    expect((await count({ filter: 'nonsense' })).error).toMatchObject({ code: 'bad_request', field: 'filter' })
    expect((await count({ experiment_id: 'x' })).error).toMatchObject({ code: 'bad_request' })
  })

  test('is told up to a limit', async () => {
    expect(await count({ experiment_id: many })).toEqual({ count: MAX_COUNT, is_more: true })
    expect(await count({ experiment_id: many, filter: "tags.team = 'red'" })).toEqual({
      count: MAX_COUNT,
      is_more: true,
    })
    expect(await count({ experiment_id: many, filter: "params.half = '1'" })).toEqual({
      count: Math.floor((RUNS - 1) / 2),
      is_more: false,
    })
    expect(await count({ experiment_id: many, filter: "tags.team = 'red' AND params.third = '7'" })).toEqual({
      count: 4,
      is_more: false,
    })
  })

  test('begins with the few that meet a condition', async () => {
    const test = { kind: 'text' as const, operator: '=' as const, text: '7' }
    const search: RunSearch = {
      projectId,
      experimentIds: [Number(many)],
      lifecycle: 'active',
      conditions: [{ on: 'param', key: 'third', test }],
      sorts: [],
      after: null,
      limit: 1,
    }
    const plans = await plansOf(server.ctx.db, (db) => countFound(db, search, MAX_COUNT), 'few')
    expect(plans).toHaveLength(1)
    expect(plans[0]).toContain('run_params_order')
    expect(plans[0]).not.toMatch(/Seq Scan on (runs|run_params)|SCAN (v|runs)/)
  })
})
