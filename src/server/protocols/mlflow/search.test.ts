import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type MlflowApi, mlflowApi } from '../../../../tests/harness/mlflow.ts'
import { startTestServer, type TestServer } from '../../../../tests/harness/server.ts'

let server: TestServer
let api: MlflowApi
let experiment: string
const ids: Record<string, string> = {}

const error = (answer: { status: number; body: { error_code: string } }) => [answer.status, answer.body.error_code]
const invalid = [400, 'INVALID_PARAMETER_VALUE']

/** Names of the runs found, in their order. */
async function names(filter: string, more: Record<string, unknown> = {}): Promise<string[]> {
  const answer = await api.post('runs/search', { experiment_ids: [experiment], filter, ...more })
  expect(answer.status, `${filter}: ${answer.text}`).toBe(200)
  return (answer.body.runs ?? []).map((run: { info: { run_name: string } }) => run.info.run_name)
}
const sorted = async (filter: string) => (await names(filter)).sort()

beforeAll(async () => {
  server = await startTestServer()
  api = mlflowApi(server)
  experiment = await api.experiment('search')
  const make = async (
    name: string,
    start: number,
    batch: Record<string, unknown>,
    more: Record<string, unknown> = {},
  ) => {
    ids[name] = await api.run(experiment, { run_name: name, start_time: start, ...more })
    await api.post('runs/log-batch', { run_id: ids[name], ...batch })
  }
  const metric = (value: number | string, step = 0) => ({ key: 'acc', value, timestamp: 1, step })
  const param = (value: string) => [{ key: 'model', value }]
  await make(
    'a',
    100,
    { metrics: [metric(0.9), metric(0.5, 1)], params: param('tree'), tags: [{ key: 'a b', value: 'X_1' }] },
    { user_id: 'ada' },
  )
  await make('b', 200, { metrics: [metric(0.7)], params: param('Forest'), tags: [{ key: 'mlflow.x.y', value: '10%' }] })
  await make('c', 300, { metrics: [metric('NaN')], params: param('10') })
  await make('d', 300, {})
  await api.post('runs/update', { run_id: ids.b, status: 'FINISHED', end_time: 500 })
  const dataset = { name: 'adult', digest: 'd1', source_type: 'local', source: 's' }
  await api.post('runs/log-inputs', {
    run_id: ids.a,
    datasets: [{ dataset, tags: [{ key: 'mlflow.data.context', value: 'train' }] }],
  })
})
afterAll(() => server.close())

describe('runs/search', () => {
  test('the newest first, then by id', async () => {
    const cd = [ids.c, ids.d].sort().map((id) => (id === ids.c ? 'c' : 'd'))
    expect(await names('')).toEqual([...cd, 'b', 'a'])
  })

  test('metrics: the latest value; NaN satisfies only !=; a missing one nothing', async () => {
    expect(await sorted('metrics.acc > 0.6')).toEqual(['b'])
    expect(await sorted('metrics.acc <= 0.7')).toEqual(['a', 'b'])
    expect(await sorted('metric.acc = 0.5')).toEqual(['a'])
    expect(await sorted('metrics.acc != 0.5')).toEqual(['b', 'c'])
    expect(await sorted('metrics.acc > -1e300')).toEqual(['a', 'b'])
    expect(await sorted('metrics.acc = 0')).toEqual([])
    expect(await sorted('metrics.none < 1')).toEqual([])
  })

  test('params and tags: case, patterns, presence; != needs the key', async () => {
    expect(await sorted("params.model = 'tree'")).toEqual(['a'])
    expect(await sorted("params.model = 'Tree'")).toEqual([])
    expect(await sorted("params.model != 'tree'")).toEqual(['b', 'c'])
    expect(await sorted("params.model LIKE '%re%'")).toEqual(['a', 'b'])
    expect(await sorted("params.model LIKE 'f%'")).toEqual([])
    expect(await sorted("parameters.model ilike 'f%'")).toEqual(['b'])
    expect(await sorted('params.model IS NULL')).toEqual(['d'])
    expect(await sorted('params.model IS NOT NULL')).toEqual(['a', 'b', 'c'])
    expect(await sorted("tags.`a b` = 'X_1'")).toEqual(['a'])
    expect(await sorted('tags."a b" LIKE "X__"')).toEqual(['a'])
    expect(await sorted("tag.mlflow.x.y LIKE '10\\%'")).toEqual(['b'])
    expect(await sorted("tags.`mlflow.x.y` LIKE '%\\'")).toEqual([])
    expect(await sorted("tags.`a b` LIKE '[X]%'")).toEqual([])
  })

  test('attributes, with or without prefix and by their old names', async () => {
    expect(await sorted("run_name = 'a'")).toEqual(['a'])
    expect(await sorted("attributes.`Run name` LIKE 'a%'")).toEqual(['a'])
    expect(await sorted("tags.mlflow.runName = 'b'")).toEqual(['b'])
    expect(await sorted("attribute.status = 'FINISHED'")).toEqual(['b'])
    expect(await sorted("run.user_id = 'ada'")).toEqual(['a'])
    expect(await sorted('start_time >= 200 AND start_time < 250.5')).toEqual(['b'])
    expect(await sorted('attr.created != 100')).toEqual(['b', 'c', 'd'])
    expect(await sorted('end_time > 0')).toEqual(['b'])
    expect(await sorted(`run_id IN ('${ids.a}', '${ids.d}')`)).toEqual(['a', 'd'])
    expect(await sorted(`run_id NOT IN ('${ids.a}', '${ids.d}')`)).toEqual(['b', 'c'])
    expect(await sorted("artifact_uri ILIKE 'MLFLOW-artifacts:%' and params.model = 'tree'")).toEqual(['a'])
  })

  test('datasets', async () => {
    expect(await sorted("datasets.name = 'adult' AND dataset.digest = 'd1' AND datasets.context = 'train'")).toEqual([
      'a',
    ])
    expect(await sorted("datasets.name IN ('adult', 'x')")).toEqual(['a'])
    expect(await sorted("datasets.context = 'test'")).toEqual([])
  })

  test('what is no filter of runs is refused', async () => {
    const wrong = [
      "metrics.acc = '0.5'",
      'params.model = 3',
      'metrics.acc LIKE 1',
      "params.model > 'a'",
      "models.x = 'a'",
      "nothing = 'a'",
      "status IN ('A')",
      'start_time IS NULL',
      "start_time = '5'",
      "datasets.source = 's'",
      'metrics.acc IS NULL',
      "constructor = 'a'",
      "toString.x = 'a'",
    ]
    for (const filter of wrong)
      expect(error(await api.post('runs/search', { experiment_ids: [experiment], filter })), filter).toEqual(invalid)
  })

  test('order: numbers, then NaN, then missing, in both directions', async () => {
    expect(await names('', { order_by: ['metrics.acc ASC'] })).toEqual(['a', 'b', 'c', 'd'])
    expect(await names('', { order_by: ['metrics.acc DESC'] })).toEqual(['b', 'a', 'c', 'd'])
    expect(await names('', { order_by: ['params.model'] })).toEqual(['c', 'b', 'a', 'd'])
    expect(await names('', { order_by: ['params.model DESC'] })).toEqual(['a', 'b', 'c', 'd'])
    expect((await names('', { order_by: ['end_time DESC'] }))[0]).toBe('b')
    expect(await names('', { order_by: ['attributes.start_time ASC', 'run_name DESC'] })).toEqual(['a', 'b', 'd', 'c'])
    expect(await names('', { order_by: ['tags.`a b` DESC', 'run_name asc'] })).toEqual(['a', 'b', 'c', 'd'])
    for (const order_by of [
      ['datasets.name'],
      ['x'],
      ['run_name UP'],
      ['run_name', 'run_name DESC'],
      'run_name; DROP',
    ]) {
      expect(error(await api.post('runs/search', { experiment_ids: [experiment], order_by }))).toEqual(invalid)
    }
  })

  test('pages: a token only when there is more', async () => {
    const page = (body: Record<string, unknown>) =>
      api.post('runs/search', { experiment_ids: [experiment], order_by: ['run_name'], ...body })
    const first = (await page({ max_results: 3 })).body
    expect(first.runs).toHaveLength(3)
    const second = (await page({ max_results: 3, page_token: first.next_page_token })).body
    expect(second.runs.map((run: { info: { run_name: string } }) => run.info.run_name)).toEqual(['d'])
    expect(second).not.toHaveProperty('next_page_token')
    expect((await page({ max_results: 4 })).body).not.toHaveProperty('next_page_token')
    for (const wrong of [{ max_results: 0 }, { max_results: -1 }, { max_results: 50_001 }, { page_token: 'nonsense' }])
      expect(error(await page(wrong))).toEqual(invalid)
  })

  test('experiments that do not exist, or of other projects, find nothing', async () => {
    const search = async (experiment_ids: string[]) => (await api.post('runs/search', { experiment_ids })).body
    expect(await search(['987654'])).toEqual({})
    expect(await search([])).toEqual({})
    expect((await search([experiment, '987654'])).runs).toHaveLength(4)
    await server.request('POST', '/api/v1/projects', { body: { owner: 'local', name: 'other' } })
    const other = mlflowApi(server, { prefix: '/mlflow/local/other/tracking' })
    expect((await other.post('runs/search', { experiment_ids: [experiment, '0'] })).body).toEqual({})
    expect((await other.get('metrics/get-history', { run_id: ids.a ?? '', metric_key: 'acc' })).body).toEqual({})
    expect((await other.get('runs/get', { run_id: ids.a ?? '' })).status).toBe(404)
    expect((await other.post('runs/log-metric', { run_id: ids.a, key: 'x', value: 1, timestamp: 1 })).status).toBe(404)
  })

  test('views', async () => {
    const gone = await api.run(experiment, { run_name: 'gone' })
    await api.post('runs/delete', { run_id: gone })
    expect(await names('', { run_view_type: 'DELETED_ONLY' })).toEqual(['gone'])
    expect(await names('', { run_view_type: 'ALL' })).toHaveLength(5)
    expect(await names('', { run_view_type: 1 })).toHaveLength(4)
  })
})
