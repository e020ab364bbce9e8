import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pick, random } from '../../../tests/harness/hostile.ts'
import { type MlflowApi, mlflowApi } from '../../../tests/harness/mlflow.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'

/** Searches over a store whose every answer is known: the ways that a search may go (along an index, from few entries, over all) must agree. */
type Known = {
  id: string
  experiment: string
  start: number
  name: string
  /** The tag that is the name; it can be deleted. */
  nameTag: string | null
  end: number | null
  metrics: Record<string, number>
  params: Record<string, string>
  tags: Record<string, string>
}
type Key = (run: Known) => number | string | null

const SEED = 11
const RUNS = 60
let server: TestServer
let api: MlflowApi
const experiments: string[] = []
const runs: Known[] = []

beforeAll(async () => {
  server = await startTestServer()
  api = mlflowApi(server)
  for (const name of ['one', 'two', 'three']) experiments.push(await api.experiment(name))
  const next = random(SEED)
  for (let i = 0; i < RUNS; i++) runs.push(await makeRun(next, i))
})
afterAll(() => server.close())

async function makeRun(next: () => number, index: number): Promise<Known> {
  const experiment = pick(next, experiments)
  const start = 1_000 + Math.floor(next() * 20)
  const name = pick(next, ['a', 'B', 'é', '𝔞', 'zz'])
  const id = await api.run(experiment, { start_time: start, run_name: name })
  const metrics: Record<string, number> = {}
  if (next() < 0.8) metrics.acc = next() < 0.1 ? Number.NaN : Math.floor(next() * 8) / 8
  if (next() < 0.5) metrics.loss = Math.floor(next() * 4)
  if (index % 20 === 0) metrics.rare = index
  const params: Record<string, string> = {}
  // Alike in more characters than the index holds.
  if (next() < 0.7) params.depth = `${'x'.repeat(80)}${Math.floor(next() * 3)}`
  if (next() < 0.9) params.kind = pick(next, ['tree', 'Tree', 'ÿ', '𝔞'])
  const tags: Record<string, string> = {}
  if (next() < 0.8) tags.team = pick(next, ['red', 'Red', 'x'.repeat(64)])
  await api.post('runs/log-batch', {
    run_id: id,
    tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
    metrics: Object.entries(metrics).map(([key, value]) => ({
      key,
      value: Number.isNaN(value) ? 'NaN' : value,
      timestamp: 1,
      step: 0,
    })),
    params: Object.entries(params).map(([key, value]) => ({ key, value })),
  })
  const end = next() < 0.5 ? 2_000 + Math.floor(next() * 5) : null
  if (end !== null) await api.post('runs/update', { run_id: id, end_time: end, status: 'FINISHED' })
  const tagged = index % 15 !== 0
  if (!tagged) await api.post('runs/delete-tag', { run_id: id, key: 'mlflow.runName' })
  return { id, experiment, start, name, nameTag: tagged ? name : null, end, metrics, params, tags }
}

async function found(search: Record<string, unknown>, page: number): Promise<string[]> {
  const ids: string[] = []
  let token: string | undefined
  do {
    const { status, body } = await api.post('runs/search', { ...search, max_results: page, page_token: token })
    expect([status, body]).toMatchObject([200, {}])
    ids.push(...(body.runs ?? []).map((run: { info: { run_id: string } }) => run.info.run_id))
    token = body.next_page_token
  } while (token !== undefined)
  return ids
}

/** The same over the whole project, by our own API. */
async function foundInProject(filter: string, orderBy: string[], page: number): Promise<string[]> {
  const ids: string[] = []
  for (let token = ''; ; ) {
    const query = new URLSearchParams({ filter, limit: String(page), ...(token === '' ? {} : { page_token: token }) })
    for (const clause of orderBy) query.append('order_by', clause)
    const { status, body } = await server.request('GET', `/api/v1/projects/local/default/runs?${query}`)
    expect([status, body]).toMatchObject([200, {}])
    ids.push(...body.runs.map((run: { id: string }) => run.id))
    if (body.next_page_token === null) return ids
    token = body.next_page_token
  }
}

const KEYS: Record<string, Key> = {
  'metrics.acc': (run) => run.metrics.acc ?? null,
  'metrics.loss': (run) => run.metrics.loss ?? null,
  'metrics.rare': (run) => run.metrics.rare ?? null,
  'params.depth': (run) => run.params.depth ?? null,
  'params.kind': (run) => run.params.kind ?? null,
  'tags.`mlflow.runName`': (run) => run.nameTag,
  'attributes.run_name': (run) => run.name,
  end_time: (run) => run.end,
  start_time: (run) => run.start,
}
const FILTERS: Record<string, (run: Known) => boolean> = {
  '': () => true,
  'metrics.acc > 0.5': (run) => (run.metrics.acc ?? Number.NaN) > 0.5,
  'metrics.acc != 0.5': (run) => run.metrics.acc !== undefined && run.metrics.acc !== 0.5,
  'metrics.rare >= 20': (run) => (run.metrics.rare ?? -1) >= 20,
  "params.kind = 'tree'": (run) => run.params.kind === 'tree',
  "params.kind = 'tree' and metrics.loss < 2": (run) => run.params.kind === 'tree' && (run.metrics.loss ?? 9) < 2,
  "tags.team = 'red' and params.kind = 'tree' and metrics.acc > 0.2": (run) =>
    run.tags.team === 'red' && run.params.kind === 'tree' && (run.metrics.acc ?? 0) > 0.2,
  "metrics.acc >= 0.25 and tags.team != 'red' and params.kind = 'ÿ'": (run) =>
    (run.metrics.acc ?? 0) >= 0.25 && (run.tags.team ?? 'red') !== 'red' && run.params.kind === 'ÿ',
  [`tags.team = '${'x'.repeat(64)}'`]: (run) => run.tags.team?.length === 64,
  [`tags.team = '${'x'.repeat(63)}'`]: () => false,
  [`params.depth = '${'x'.repeat(80)}1'`]: (run) => run.params.depth?.endsWith('1') === true,
  "params.kind LIKE '%ree'": (run) => run.params.kind?.endsWith('ree') === true,
  "attributes.run_name = 'B'": (run) => run.name === 'B',
  "tags.`mlflow.runName` = 'zz'": (run) => run.nameTag === 'zz',
  'end_time > 2002': (run) => (run.end ?? 0) > 2_002,
}

function compare(a: number | string | null, b: number | string | null, descending: boolean): number {
  const rank = (value: typeof a) => (value === null ? 2 : Number.isNaN(value) ? 1 : 0)
  if (rank(a) !== rank(b)) return rank(a) - rank(b)
  if (rank(a) > 0 || a === b) return 0
  const order = typeof a === 'string' ? Buffer.compare(Buffer.from(a), Buffer.from(String(b))) : Number(a) - Number(b)
  return descending ? -order : order
}

function expected(experimentIds: string[], filter: string, orderBy: string[]): string[] {
  const sorts = orderBy.map((clause) => {
    const [name = '', way] = clause.split(' ')
    return { key: KEYS[name] as Key, descending: way === 'DESC' }
  })
  return runs
    .filter((run) => experimentIds.includes(run.experiment) && FILTERS[filter]?.(run))
    .sort((a, b) => {
      for (const { key, descending } of sorts) {
        const order = compare(key(a), key(b), descending)
        if (order !== 0) return order
      }
      return b.start - a.start || (a.id < b.id ? -1 : 1)
    })
    .map((run) => run.id)
}

describe('every order and filter', () => {
  const orders = Object.keys(KEYS).flatMap((name) => [[`${name} ASC`], [`${name} DESC`]])
  const pairs = [
    ['params.kind DESC', 'metrics.acc ASC'],
    ['metrics.loss ASC', 'params.depth DESC'],
    ['metrics.acc DESC', 'start_time ASC'],
    ['end_time DESC', 'metrics.loss DESC'],
  ]
  test.each([[], ...orders, ...pairs].map((order) => [order.join(', ') || 'the newest first', order]))(
    'gives the runs that it should, in pages as at once: %s',
    async (_, order) => {
      const next = random(SEED + orders.length)
      for (const filter of Object.keys(FILTERS)) {
        const ids = next() < 0.5 ? [pick(next, experiments)] : experiments.slice(0, 1 + Math.floor(next() * 3))
        const search = { experiment_ids: ids, filter, order_by: order }
        const whole = expected(ids, filter, order)
        expect({ search, ids: await found(search, 1_000) }).toEqual({ search, ids: whole })
        expect({ search, ids: await found(search, 7) }).toEqual({ search, ids: whole })
        const everywhere = { filter, order, ids: expected(experiments, filter, order) }
        expect({ filter, order, ids: await foundInProject(filter, order, 5) }).toEqual(everywhere)
      }
    },
  )
})

describe('a page by a metric in the whole project', () => {
  // So small that the entries which are read at once, and each group of them, end among runs of one value.
  test.each(['metrics.acc DESC', 'metrics.acc ASC', 'metrics.loss DESC'])(
    'is full, of one run each: %s',
    async (order) => {
      for (const filter of [
        '',
        "params.kind = 'tree'",
        'metrics.acc > 0.5',
        "attributes.run_name = 'B'",
        'end_time > 2002',
      ])
        expect({ filter, ids: await foundInProject(filter, [order], 1) }).toEqual({
          filter,
          ids: expected(experiments, filter, [order]),
        })
    },
  )
})

describe('a page token', () => {
  const search = { order_by: ['metrics.acc DESC'], max_results: 5 }
  test('belongs to its order, and is none of the caller’s making', async () => {
    const { body } = await api.post('runs/search', { ...search, experiment_ids: experiments })
    for (const [token, order] of [
      [body.next_page_token, ['metrics.acc ASC']],
      ['AAAA', search.order_by],
      [Buffer.from('{"offset":5}').toString('base64'), search.order_by],
      [Buffer.from(JSON.stringify(['x', 0, '1; DROP TABLE runs', 1, 'a'])).toString('base64url'), search.order_by],
    ]) {
      const answer = await api.post('runs/search', {
        experiment_ids: experiments,
        max_results: 5,
        order_by: order,
        page_token: token,
      })
      expect([answer.status, answer.body.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE'])
    }
  })

  test('goes on where its page ended, whatever came or went meanwhile', async () => {
    const own = await api.experiment('moving')
    const ids: string[] = []
    for (let i = 0; i < 6; i++) ids.push(await api.run(own, { start_time: 100 - i }))
    const first = await api.post('runs/search', { experiment_ids: [own], max_results: 3 })
    await api.run(own, { start_time: 500 })
    await api.post('runs/delete', { run_id: ids[0] })
    const second = await api.post('runs/search', {
      experiment_ids: [own],
      max_results: 3,
      page_token: first.body.next_page_token,
    })
    expect(second.body.runs.map((run: { info: { run_id: string } }) => run.info.run_id)).toEqual(ids.slice(3))
  })
})
