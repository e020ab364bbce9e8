import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type MlflowApi, mlflowApi } from '../../../../tests/harness/mlflow.ts'
import { startTestServer, type TestServer } from '../../../../tests/harness/server.ts'

let server: TestServer
let api: MlflowApi
beforeAll(async () => {
  server = await startTestServer()
  api = mlflowApi(server)
})
afterAll(() => server.close())

type Point = { key: string; value: number | string; timestamp: number; step: number }
const error = (answer: { status: number; body: { error_code: string } }) => [answer.status, answer.body.error_code]
const invalid = [400, 'INVALID_PARAMETER_VALUE']
const latest = async (run: string, key: string): Promise<Point | undefined> =>
  (await api.get('runs/get', { run_id: run })).body.run.data.metrics?.find((point: Point) => point.key === key)
const history = async (run: string, key: string): Promise<Point[]> =>
  (await api.get('metrics/get-history', { run_id: run, metric_key: key })).body.metrics ?? []
const log = (run: string, point: Record<string, unknown>) =>
  api.post('runs/log-metric', { run_id: run, key: 'm', timestamp: 1, ...point })

describe('metrics', () => {
  test('the latest is the greatest by step, time and value, whatever came last', async () => {
    const run = await api.run()
    await log(run, { value: 5, step: 2, timestamp: 1 })
    await log(run, { value: 9, step: 1, timestamp: 9 })
    expect(await latest(run, 'm')).toEqual({ key: 'm', value: 5, timestamp: 1, step: 2 })
    await log(run, { value: 4, step: 2, timestamp: 2 })
    expect(await latest(run, 'm')).toMatchObject({ value: 4 })
    await log(run, { value: 3, step: 2, timestamp: 2 })
    expect(await latest(run, 'm')).toMatchObject({ value: 4 })
    const points = [
      [1, -5, 3],
      [7, -5, 3],
      [2, -5, 3],
    ].map(([value, step, timestamp]) => ({ key: 'neg', value, step, timestamp }))
    await api.post('runs/log-batch', { run_id: run, metrics: points })
    expect(await latest(run, 'neg')).toMatchObject({ value: 7, step: -5 })
  })

  test('the same point is kept once', async () => {
    const run = await api.run()
    for (let i = 0; i < 3; i++) await log(run, { value: 1.5, step: 1 })
    await api.post('runs/log-batch', {
      run_id: run,
      metrics: Array(3).fill({ key: 'm', value: 1.5, step: 1, timestamp: 1 }),
    })
    expect(await history(run, 'm')).toEqual([{ key: 'm', value: 1.5, timestamp: 1, step: 1 }])
  })

  test('NaN, infinities and 64-bit steps survive', async () => {
    const run = await api.run()
    await log(run, { key: 'nan', value: 'NaN' })
    await log(run, { key: 'inf', value: 'Infinity' })
    await log(run, { key: 'ninf', value: '-Infinity' })
    await log(run, { key: 'text', value: '2.5', step: '3', timestamp: '4' })
    expect(await latest(run, 'nan')).toMatchObject({ value: 'NaN' })
    expect(await latest(run, 'inf')).toMatchObject({ value: Number.MAX_VALUE })
    expect(await latest(run, 'ninf')).toMatchObject({ value: -Number.MAX_VALUE })
    expect(await latest(run, 'text')).toEqual({ key: 'text', value: 2.5, step: 3, timestamp: 4 })
    await api.post(
      'runs/log-metric',
      `{"run_id":"${run}","key":"big","value":1,"timestamp":1,"step":9223372036854775807}`,
    )
    await api.post(
      'runs/log-metric',
      `{"run_id":"${run}","key":"big","value":2,"timestamp":1,"step":"9007199254740993"}`,
    )
    const { text } = await api.get('metrics/get-history', { run_id: run, metric_key: 'big' })
    expect(text).toContain('"step":9223372036854775807')
    expect(text).toContain('"step":9007199254740993')
    expect((await api.get('runs/get', { run_id: run })).text).toContain('"step":9223372036854775807')
    for (const step of ['9223372036854775808', '1.5', 'x'])
      expect(error(await log(run, { value: 1, step }))).toEqual(invalid)
  })

  test('what is missing or wrong is said, and never a server error', async () => {
    const run = await api.run()
    for (const body of [
      {},
      { value: 1, timestamp: null },
      { value: 1, timestamp: -1 },
      { value: 'x' },
      { value: true },
    ]) {
      expect(error(await log(run, body))).toEqual(invalid)
    }
    expect(error(await api.post('runs/log-metric', { run_id: 'none', key: 'a', value: 1, timestamp: 1 }))).toEqual([
      404,
      'RESOURCE_DOES_NOT_EXIST',
    ])
    expect(error(await log(run, { value: 1, model_id: 'm-none' }))).toEqual([404, 'RESOURCE_DOES_NOT_EXIST'])
    expect(await history(run, 'm')).toEqual([])
  })

  test('history: by time, step, value; in pages; empty for what is not there', async () => {
    const run = await api.run()
    const metrics = Array.from({ length: 10 }, (_, i) => ({ key: 'h', value: i, timestamp: 100 - i, step: i }))
    await api.post('runs/log-batch', { run_id: run, metrics })
    expect((await history(run, 'h')).map((point) => point.value)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
    const seen: unknown[] = []
    let token: string | undefined
    do {
      const page = (
        await api.get('metrics/get-history', {
          run_id: run,
          metric_key: 'h',
          max_results: '5',
          ...(token === undefined ? {} : { page_token: token }),
        })
      ).body
      seen.push(...page.metrics.map((point: Point) => point.value))
      token = page.next_page_token
    } while (token !== undefined && seen.length < 20)
    expect(seen).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
    expect((await api.get('metrics/get-history', { run_id: run, metric_key: 'none' })).body).toEqual({})
    expect((await api.get('metrics/get-history', { run_id: 'none', metric_key: 'h' })).body).toEqual({})
    expect(error(await api.get('metrics/get-history', { run_id: run, metric_key: 'h', max_results: '0' }))).toEqual(
      invalid,
    )
    expect(
      error(
        await api.get('metrics/get-history', { run_id: run, metric_key: 'h', max_results: '5', page_token: 'zzz' }),
      ),
    ).toEqual(invalid)
    expect((await api.get('metrics/get-history', { run_id: run, metric_key: 'h', unknown_key: 'x' })).status).toBe(200)
  })

  test('bulk histories: sampled with both ends, by step range, and whole for the UI', async () => {
    const [a, b] = [await api.run(), await api.run()]
    for (const [run, count] of [
      [a, 1_000],
      [b, 3],
    ] as const) {
      const metrics = Array.from({ length: count }, (_, i) => ({ key: 'loss', value: i, timestamp: i, step: i }))
      await api.post('runs/log-batch', { run_id: run, metrics })
    }
    const bulk = async (query: Record<string, string | string[]>) =>
      (await api.get('metrics/get-history-bulk-interval', { run_ids: [a, b], metric_key: 'loss', ...query })).body
        .metrics as (Point & { run_id: string })[]
    const sampled = await bulk({ max_results: '100' })
    const ofA = sampled.filter((point) => point.run_id === a)
    expect(ofA).toHaveLength(100)
    expect([ofA[0]?.step, ofA.at(-1)?.step]).toEqual([0, 999])
    expect(sampled.filter((point) => point.run_id === b)).toHaveLength(3)
    expect((await bulk({ start_step: '10', end_step: '12' })).map((point) => point.step)).toEqual([10, 11, 12])
    for (const wrong of [
      { start_step: '5', end_step: '4' },
      { start_step: '5' },
      { max_results: '0' },
      { max_results: '2501' },
      { run_ids: Array(101).fill(a) },
    ]) {
      expect(
        error(await api.get('metrics/get-history-bulk-interval', { run_ids: a, metric_key: 'loss', ...wrong })),
      ).toEqual(invalid)
    }
    const whole = (
      await api.get('/ajax-api/2.0/mlflow/metrics/get-history-bulk', { run_id: [a, b], metric_key: 'loss' })
    ).body.metrics
    expect(whole).toHaveLength(1_003)
    expect(
      (
        await api.get('/ajax-api/2.0/mlflow/metrics/get-history-bulk', {
          run_id: [a, b],
          metric_key: 'loss',
          max_results: '7',
        })
      ).body.metrics,
    ).toHaveLength(7)
    expect(error(await api.get('metrics/get-history-bulk', { run_id: a, metric_key: 'loss' }))).toEqual([
      404,
      'ENDPOINT_NOT_FOUND',
    ])
  })

  test('many writers of one run at once lose nothing', async () => {
    const run = await api.run()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        api.post('runs/log-batch', {
          run_id: run,
          metrics: ['a', 'b', 'c']
            .sort(() => (i % 2 === 0 ? 1 : -1))
            .map((key) => ({ key, value: i, timestamp: i, step: i })),
          params: [
            { key: `p${i}`, value: '1' },
            { key: 'same', value: '1' },
          ],
        }),
      ),
    )
    expect(answers.map((answer) => answer.status)).toEqual(Array(20).fill(200))
    for (const key of ['a', 'b', 'c']) {
      expect(await history(run, key)).toHaveLength(20)
      expect(await latest(run, key)).toMatchObject({ value: 19 })
    }
  })
})

describe('inputs and outputs', () => {
  const dataset = {
    name: 'adult',
    digest: '12345678',
    source_type: 'local',
    source: '{"uri":"a.csv"}',
    schema: '{}',
    profile: '{"rows":1}',
  }

  test('an input is kept once a run; the experiment keeps its first description', async () => {
    const experiment = await api.experiment('inputs')
    const [a, b] = [await api.run(experiment), await api.run(experiment)]
    const tags = [{ key: 'mlflow.data.context', value: 'training' }]
    for (let i = 0; i < 2; i++) {
      expect((await api.post('runs/log-inputs', { run_id: a, datasets: [{ dataset, tags }] })).body).toEqual({})
    }
    await api.post('runs/log-inputs', {
      run_id: b,
      datasets: [{ dataset: { ...dataset, source: 'other', profile: 'other' }, tags: [] }],
    })
    const inputs = async (run: string) => (await api.get('runs/get', { run_id: run })).body.run.inputs.dataset_inputs
    expect(await inputs(a)).toEqual([{ dataset, tags }])
    expect(await inputs(b)).toEqual([{ dataset }])
    const found = await api.send('POST', '/ajax-api/2.0/mlflow/experiments/search-datasets', {
      experiment_ids: [experiment],
    })
    const summary = { experiment_id: experiment, name: 'adult', digest: '12345678' }
    expect(found.body.dataset_summaries).toHaveLength(2)
    expect(found.body.dataset_summaries).toEqual(expect.arrayContaining([summary, { ...summary, context: 'training' }]))
    expect(error(await api.send('POST', '/ajax-api/2.0/mlflow/experiments/search-datasets', {}))).toEqual(invalid)
    expect(error(await api.post('experiments/search-datasets', { experiment_ids: [experiment] }))).toEqual([
      404,
      'ENDPOINT_NOT_FOUND',
    ])
  })

  test('limits and missing fields', async () => {
    const run = await api.run()
    const log = (input: unknown) => api.post('runs/log-inputs', { run_id: run, datasets: [input] })
    expect((await log({ dataset: { name: 'x' } })).body.message).toContain("'datasets[0].dataset.digest'")
    for (const wrong of [
      { ...dataset, name: 'x'.repeat(501) },
      { ...dataset, digest: 'x'.repeat(37) },
      { ...dataset, source: 'x'.repeat(65_536) },
    ]) {
      expect(error(await log({ dataset: wrong }))).toEqual(invalid)
    }
    expect(error(await log({ dataset, tags: [{ key: 'k', value: 'x'.repeat(501) }] }))).toEqual(invalid)
    expect((await api.get('runs/get', { run_id: run })).body.run.inputs).toEqual({})
  })

  test('outputs name the models a run made, at their step', async () => {
    const run = await api.run()
    const model = (await api.post('logged-models', { experiment_id: '0', source_run_id: run })).body.model.info.model_id
    expect((await api.post('runs/outputs', { run_id: run, models: [{ model_id: model, step: '7' }] })).body).toEqual({})
    await api.post('runs/log-inputs', { run_id: run, models: [{ model_id: model }] })
    const { inputs, outputs } = (await api.get('runs/get', { run_id: run })).body.run
    expect(outputs).toEqual({ model_outputs: [{ model_id: model, step: 7 }] })
    expect(inputs).toEqual({ model_inputs: [{ model_id: model }] })
    expect(error(await api.post('runs/outputs', { run_id: run, models: [{ model_id: 'm-none' }] }))).toEqual([
      404,
      'RESOURCE_DOES_NOT_EXIST',
    ])
  })
})
