import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type MlflowApi, mlflowApi } from '../../../tests/harness/mlflow.ts'
import { plansOf, SORTED } from '../../../tests/harness/plans.ts'
import { ENGINE, startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { inTransaction } from '../../context.ts'
import { isPostgres } from '../../db/dialect.ts'
import { seriesOf } from './metrics/series.store.ts'
import { raiseSeries } from './metrics/series-heads.store.ts'
import { addParams, putTags } from './run-data.store.ts'
import { insertRuns } from './runs.store.ts'
import type { RunSearch } from './runs-asked.store.ts'
import { findRuns } from './runs-search.store.ts'

/** The hot queries go along their index: looked at in the engines' own plans, so that no later change loses it unseen. */
const RUNS = 5_000
let server: TestServer
let api: MlflowApi
let base: Omit<RunSearch, 'sorts' | 'conditions'>

beforeAll(async () => {
  server = await startTestServer()
  api = mlflowApi(server)
  const experiment = await api.experiment('plans')
  const one = await api.run(experiment)
  const { db } = server.ctx
  const model = await db.selectFrom('runs').selectAll().where('id', '=', one).executeTakeFirstOrThrow()
  const ids = Array.from({ length: RUNS }, (_, i) => `${i}`.padStart(32, '0'))
  const place = { experiment_id: Number(experiment) }
  await inTransaction(server.ctx, async ({ db: tx }) => {
    await insertRuns(
      tx,
      ids.map((id, i) => ({ ...model, id, started_at_ms: i % 900, ended_at_ms: 1_000 + (i % 700), name: `r${i}` })),
    )
    const point = { step: 0, timestamp_ms: 1, is_nan: 0, tail_points: 0, recent: null }
    await raiseSeries(
      tx,
      ids.map((run_id, i) => ({ ...place, ...point, run_id, key: 'acc', value: (i * 7) % 1_000 })),
    )
    await addParams(
      tx,
      ids.map((run_id, i) => ({ ...place, run_id, key: 'kind', value: `k${i % 500}` })),
    )
    await putTags(
      tx,
      ids.map((run_id, i) => ({ ...place, run_id, key: 'team', value: `t${i % 2}` })),
    )
  })
  // PostgreSQL plans by statistics, which it gathers by itself after a while.
  if (isPostgres(db)) await sql`ANALYZE`.execute(db)
  const { id: projectId } = await server.ctx.db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
  base = { projectId, experimentIds: [Number(experiment)], lifecycle: 'active', after: null, limit: 11 }
})
afterAll(() => server.close())

/** The plan of a search's own query: the first with an order; others follow only when a page is not full. */
async function planOf(
  search: Pick<RunSearch, 'sorts' | 'conditions'> & { after?: RunSearch['after'] },
): Promise<string> {
  const [plan = ''] = await plansOf(server.ctx.db, async (db) => {
    expect((await findRuns(db, { ...base, ...search })).length).toBeGreaterThan(0)
  })
  return plan
}

test('the newest page walks the runs in their order', async () => {
  const plan = await planOf({ sorts: [], conditions: [] })
  expect(plan).toContain('runs_newest')
  expect(plan).not.toMatch(SORTED)
})

test.each([true, false])('a page by a metric walks the metric’s values (descending: %s)', async (descending) => {
  const sorts = [{ on: 'metric' as const, key: 'acc', descending }]
  for (const after of [null, [0, 0.5, 20, 'x']]) {
    const plan = await planOf({ sorts, conditions: [], after })
    expect(plan).toContain('metric_series_order')
    expect(plan).not.toMatch(SORTED)
  }
})

test.each([true, false])('a page by the end walks the ends (descending: %s)', async (descending) => {
  const sorts = [{ on: 'attribute' as const, column: 'ended_at_ms' as const, descending }]
  for (const after of [null, [0, 1_300, 20, 'x']]) {
    const plan = await planOf({ sorts, conditions: [], after })
    expect(plan).toContain('runs_by_end')
    expect(plan).not.toMatch(SORTED)
  }
})

test('a page by a param walks the beginnings of its values', async () => {
  const plan = await planOf({ sorts: [{ on: 'param', key: 'kind', descending: false }], conditions: [] })
  expect(plan).toContain('run_params_order')
  expect(plan).not.toMatch(SORTED)
})

test('a filter that few meet begins with them', async () => {
  const test = { kind: 'text' as const, operator: '=' as const, text: 'k7' }
  const plan = await planOf({ sorts: [], conditions: [{ on: 'param', key: 'kind', test }] })
  expect(plan).toContain('run_params_order')
})

const text = (of: string) => ({ kind: 'text' as const, operator: '=' as const, text: of })
const BROAD: RunSearch['conditions'] = [
  { on: 'metric', key: 'acc', test: { kind: 'number', operator: '>', number: 1 } },
  { on: 'tag', key: 'team', test: text('t1') },
]

test.runIf(ENGINE === 'sqlite')(
  'conditions are asked of entries of indexes, and only of what is left the run',
  async () => {
    const conditions = [...BROAD, { on: 'param' as const, key: 'kind', test: text('k7') }]
    const plan = (await planOf({ sorts: [], conditions })).split('\n')
    const step = (words: RegExp) => plan.findIndex((line) => words.test(line))
    expect(step(/SEARCH v USING COVERING INDEX run_params_order/)).toBe(0)
    expect(step(/SEARCH v USING COVERING INDEX run_tags_order .*run_id=/)).toBeGreaterThan(0)
    expect(step(/SEARCH v USING INDEX metric_series_run/)).toBeGreaterThan(step(/run_tags_order/))
    expect(step(/SEARCH runs/)).toBeGreaterThan(step(/metric_series_run/))
  },
)

test.runIf(ENGINE === 'postgres').each([
  { index: 'metric_series_order', sorts: [{ on: 'metric' as const, key: 'acc', descending: true }] },
  { index: 'runs_newest', sorts: [] },
])('conditions that many meet are asked along $index, of as many runs as fill the page', async ({ index, sorts }) => {
  const plan = await planOf({ sorts, conditions: BROAD })
  expect(plan).toContain(index)
  expect(plan).toContain('SubPlan')
  expect(plan).not.toMatch(/Seq Scan|Hash Join/)
})

test('a page by a metric of the whole project reads the order’s entries once and looks up few of their runs', async () => {
  const search = { ...base, experimentIds: null, sorts: [{ on: 'metric' as const, key: 'acc', descending: true }] }
  // Half of the runs have the tag, too many to begin with: a group of entries fills the page.
  const conditions = BROAD.filter(({ on }) => on === 'tag')
  const plans = await plansOf(server.ctx.db, async (db) => {
    expect(await findRuns(db, { ...search, conditions, limit: 20 })).toHaveLength(20)
  })
  const [entries = '', group = ''] = plans
  expect(entries).toContain('metric_series')
  expect(group).toMatch(/json_each|ProjectSet/)
  // PostgreSQL knows how small these tables are, and reads them whole.
  if (ENGINE !== 'sqlite') return
  expect(entries).toMatch(/COVERING INDEX metric_series_order/)
  expect(group).toMatch(/SEARCH runs USING INDEX sqlite_autoindex_runs_1/)
})

test.each([
  { on: 'attribute' as const, column: 'name' as const },
  { on: 'tag' as const, key: 'mlflow.runName' },
])('a filter by the name of a run begins with the names ($on)', async (named) => {
  const test = { kind: 'text' as const, operator: '=' as const, text: 'r7' }
  const condition: RunSearch['conditions'][number] = { ...named, test }
  expect(await planOf({ sorts: [], conditions: [condition] })).toContain('runs_by_name')
})

test('a chart of many runs begins with them, not with the runs of their project', async () => {
  const ids = Array.from({ length: 50 }, (_, i) => `${i}`.padStart(32, '0'))
  const [plan = ''] = await plansOf(server.ctx.db, async (db) => {
    expect(await seriesOf(db, base.projectId, ids, 'acc')).toHaveLength(50)
    expect(await seriesOf(db, 'another project', ids, 'acc')).toEqual([])
  })
  expect(plan).not.toMatch(/runs_project|Seq Scan on runs/)
  // PostgreSQL knows that all series here are of this key, and reads them whole.
  if (ENGINE === 'sqlite') expect(plan).toMatch(/COVERING INDEX metric_series_run \(run_id=\? AND key=\?\)/)
})
