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

const error = (answer: { status: number; body: { error_code: string } }) => [answer.status, answer.body.error_code]
const invalid = [400, 'INVALID_PARAMETER_VALUE']
const get = async (run: string) => (await api.get('runs/get', { run_id: run })).body.run
const tagOf = (run: { data: { tags: { key: string; value: string }[] } }, key: string) =>
  run.data.tags.find((tag) => tag.key === key)?.value

describe('runs', () => {
  test('a new run: ids, uri, times, and a name that is also a tag', async () => {
    const { run } = (
      await api.post('runs/create', {
        experiment_id: '0',
        start_time: '123',
        user_id: 'ada',
        tags: [{ key: 'a', value: 'b' }],
      })
    ).body
    expect(run.info).toMatchObject({
      experiment_id: '0',
      status: 'RUNNING',
      start_time: 123,
      user_id: 'ada',
      lifecycle_stage: 'active',
    })
    expect(run.info.run_id).toMatch(/^[0-9a-f]{32}$/)
    expect(run.info.run_uuid).toBe(run.info.run_id)
    expect(run.info.artifact_uri).toBe(`mlflow-artifacts:/0/${run.info.run_id}/artifacts`)
    expect(run.info).not.toHaveProperty('end_time')
    expect(run.info.run_name).toMatch(/^[a-z]+-[a-z]+-\d+$/)
    expect(tagOf(run, 'mlflow.runName')).toBe(run.info.run_name)
    expect(run.data).not.toHaveProperty('metrics')
    expect(run.inputs).toEqual({})
    expect((await api.post('runs/create', { experiment_id: '0' })).body.run.info.start_time).toBe(0)
  })

  test('name and tag mlflow.runName follow each other', async () => {
    const run = await api.run('0', { run_name: 'first' })
    expect(tagOf(await get(run), 'mlflow.runName')).toBe('first')
    await api.post('runs/update', { run_id: run, run_name: 'second' })
    expect(tagOf(await get(run), 'mlflow.runName')).toBe('second')
    await api.post('runs/set-tag', { run_id: run, key: 'mlflow.runName', value: 'third' })
    expect((await get(run)).info.run_name).toBe('third')
    await api.post('runs/log-batch', { run_id: run, tags: [{ key: 'mlflow.runName', value: 'fourth' }] })
    expect((await get(run)).info.run_name).toBe('fourth')
    const tagged = await api.run('0', { tags: [{ key: 'mlflow.runName', value: 'by tag' }] })
    expect((await get(tagged)).info.run_name).toBe('by tag')
    expect(
      error(
        await api.post('runs/create', {
          experiment_id: '0',
          run_name: 'x',
          tags: [{ key: 'mlflow.runName', value: 'y' }],
        }),
      ),
    ).toEqual(invalid)
  })

  test('update changes what is given; an unknown status is no status', async () => {
    const run = await api.run()
    expect((await api.post('runs/update', { run_id: run, status: 'SLEEPING' })).body.run_info.status).toBe('RUNNING')
    const { run_info } = (await api.post('runs/update', { run_uuid: run, status: 3, end_time: 99 })).body
    expect(run_info).toMatchObject({ status: 'FINISHED', end_time: 99, run_id: run })
    expect((await get(run)).info).toMatchObject({ status: 'FINISHED', end_time: 99, start_time: 1000 })
  })

  test('run_uuid alone, camelCase and JSON in JSON are understood', async () => {
    const run = await api.run()
    expect((await api.get('runs/get', { run_uuid: run })).status).toBe(200)
    expect((await api.post('runs/set-tag', { runUuid: run, key: 'k', value: 'v' })).body).toEqual({})
    expect(
      (await api.post('runs/set-tag', JSON.stringify(JSON.stringify({ run_id: run, key: 'k2', value: 'v2' })))).body,
    ).toEqual({})
    expect(tagOf(await get(run), 'k2')).toBe('v2')
    expect(error(await api.post('runs/set-tag', { run_id: run, runId: run, key: 'k', value: 'v' }))).toEqual(invalid)
  })

  test('malformed JSON counts as nothing; another content type is refused', async () => {
    const broken = await api.post('runs/set-tag', '{"run_id": NaN')
    expect([error(broken), broken.body.message]).toEqual([
      invalid,
      expect.stringContaining("required parameter 'run_id'"),
    ])
    const answer = await server.request('POST', '/api/2.0/mlflow/runs/create', {
      body: '{}',
      headers: { 'content-type': 'text/plain' },
    })
    expect(error(answer)).toEqual(invalid)
    const charset = await server.request('POST', '/api/2.0/mlflow/runs/create', {
      body: '{"experiment_id":"0"}',
      headers: { 'content-type': 'application/json; charset=utf-8' },
    })
    expect(charset.status).toBe(200)
  })

  test('delete and restore are idempotent; a deleted run takes no writes', async () => {
    const run = await api.run()
    for (const path of ['runs/delete', 'runs/delete']) expect((await api.post(path, { run_id: run })).body).toEqual({})
    expect((await get(run)).info.lifecycle_stage).toBe('deleted')
    const model = (await api.post('logged-models', { experiment_id: '0', name: 'm' })).body.model.info.model_id
    const writes: [string, Record<string, unknown>][] = [
      ['runs/update', { status: 'FINISHED' }],
      ['runs/log-metric', { key: 'a', value: 1, timestamp: 1 }],
      ['runs/log-parameter', { key: 'a', value: '1' }],
      ['runs/log-batch', { metrics: [{ key: 'a', value: 1, timestamp: 1 }] }],
      ['runs/log-batch', {}],
      ['runs/set-tag', { key: 'a', value: '1' }],
      ['runs/delete-tag', { key: 'mlflow.runName' }],
      ['runs/log-inputs', {}],
      ['runs/outputs', { models: [{ model_id: model, step: 0 }] }],
    ]
    for (const [path, body] of writes)
      expect(error(await api.post(path, { run_id: run, ...body })), path).toEqual(invalid)
    for (const path of ['runs/restore', 'runs/restore'])
      expect((await api.post(path, { run_id: run })).body).toEqual({})
    expect((await api.post('runs/log-metric', { run_id: run, key: 'a', value: 1, timestamp: 1 })).body).toEqual({})
    expect(error(await api.post('runs/delete', { run_id: 'none' }))).toEqual([404, 'RESOURCE_DOES_NOT_EXIST'])
    expect(error(await api.get('runs/get', { run_id: 'none' }))).toEqual([404, 'RESOURCE_DOES_NOT_EXIST'])
  })

  test('params never change; the same again is fine; long ones are cut', async () => {
    const run = await api.run()
    const log = (key: string, value: unknown) => api.post('runs/log-parameter', { run_id: run, key, value })
    expect((await log('lr', '0.1')).body).toEqual({})
    expect((await log('lr', '0.1')).body).toEqual({})
    const changed = await log('lr', '0.2')
    expect([error(changed), changed.body.message]).toEqual([
      invalid,
      expect.stringContaining('Changing param values is not allowed'),
    ])
    expect((await log('empty', '')).body).toEqual({})
    expect((await log('long', 'é'.repeat(6_001))).body).toEqual({})
    const params = Object.fromEntries(
      (await get(run)).data.params.map((p: { key: string; value: string }) => [p.key, p.value]),
    )
    expect(params).toEqual({ lr: '0.1', empty: '', long: 'é'.repeat(6_000) })
    expect(
      error(
        await api.post('runs/log-batch', {
          run_id: run,
          params: [
            { key: 'new', value: '1' },
            { key: 'lr', value: '9' },
          ],
          metrics: [{ key: 'm', value: 1, timestamp: 1 }],
        }),
      ),
    ).toEqual(invalid)
    const after = await get(run)
    expect(after.data.params).toHaveLength(3)
    expect(after.data).not.toHaveProperty('metrics')
  })

  test('tags: overwritten, removed, missing', async () => {
    const run = await api.run()
    await api.post('runs/set-tag', { run_id: run, key: 'a', value: '1' })
    await api.post('runs/log-batch', {
      run_id: run,
      tags: [
        { key: 'a', value: '2' },
        { key: 'a', value: '3' },
      ],
    })
    await api.post('runs/set-tag', { run_id: run, key: 'long', value: 'x'.repeat(8_001) })
    expect(tagOf(await get(run), 'a')).toBe('3')
    expect(tagOf(await get(run), 'long')).toHaveLength(8_000)
    expect((await api.post('runs/delete-tag', { run_id: run, key: 'a' })).body).toEqual({})
    expect(error(await api.post('runs/delete-tag', { run_id: run, key: 'a' }))).toEqual([
      404,
      'RESOURCE_DOES_NOT_EXIST',
    ])
  })

  test('keys are names that could be files', async () => {
    const run = await api.run()
    for (const key of ['a/b', 'été', 'a b', 'a:b-c_d.e', 'x'.repeat(250)]) {
      expect((await api.post('runs/log-metric', { run_id: run, key, value: 1, timestamp: 1 })).status, key).toBe(200)
    }
    for (const key of ['', '.', '..', '../a', '/a', 'a//b', './a', 'a/', 'a/../b', 'a;b', 'a\0', 'x'.repeat(251)]) {
      expect(error(await api.post('runs/log-metric', { run_id: run, key, value: 1, timestamp: 1 })), key).toEqual(
        invalid,
      )
      expect(error(await api.post('runs/set-tag', { run_id: run, key, value: 'v' })), key).toEqual(invalid)
    }
  })

  test('batches have limits and name what is wrong', async () => {
    const run = await api.run()
    const many = (count: number) => Array.from({ length: count }, (_, i) => ({ key: `k${i}`, value: '1' }))
    const metrics = (count: number) =>
      Array.from({ length: count }, (_, i) => ({ key: `m${i}`, value: i, timestamp: 1 }))
    expect((await api.post('runs/log-batch', { run_id: run })).body).toEqual({})
    expect(
      (await api.post('runs/log-batch', { run_id: run, metrics: metrics(800), params: many(100), tags: many(100) }))
        .body,
    ).toEqual({})
    for (const wrong of [
      { metrics: metrics(1_001) },
      { params: many(101) },
      { tags: many(101) },
      { metrics: metrics(901), params: many(100) },
    ]) {
      expect(error(await api.post('runs/log-batch', { run_id: run, ...wrong }))).toEqual(invalid)
    }
    expect(
      error(
        await api.post('runs/log-batch', {
          run_id: run,
          params: [
            { key: 'p', value: '1' },
            { key: 'p', value: '1' },
          ],
        }),
      ),
    ).toEqual(invalid)
    const unnamed = await api.post('runs/log-batch', { run_id: run, metrics: [{ value: 1, timestamp: 1 }] })
    expect(unnamed.body.message).toContain("'metrics[0].key'")
    const untimed = await api.post('runs/log-batch', {
      run_id: run,
      metrics: [
        { key: 'a', value: 1, timestamp: 1 },
        { key: 'b', value: 1 },
      ],
    })
    expect(untimed.body.message).toContain("'metrics[1].timestamp'")
  })

  test('params, tags and metrics are told by key, whatever is in them', async () => {
    const run = await api.run()
    const keys = ['z', 'a/b', 'é', 'Z', 'm m']
    const value = 'a "quoted"\\ line\nand 𝔞\u007f</script>'
    await api.post('runs/log-batch', {
      run_id: run,
      params: keys.map((key) => ({ key, value })),
      tags: keys.map((key) => ({ key, value })),
      metrics: keys.map((key, step) => ({ key, value: step === 0 ? 'NaN' : 0.1 + step / 5, timestamp: 1, step })),
    })
    const { data } = await get(run)
    const sorted = ['Z', 'a/b', 'm m', 'z', 'é']
    expect(data.params).toEqual(sorted.map((key) => ({ key, value })))
    expect(data.tags.filter(({ key }: { key: string }) => keys.includes(key))).toEqual(data.params)
    expect(data.metrics.map(({ key }: { key: string }) => key)).toEqual(sorted)
    expect(data.metrics[3]).toEqual({ key: 'z', value: 'NaN', timestamp: 1, step: 0 })
  })

  test('log-model of old clients is kept as the history tag', async () => {
    const run = await api.run()
    const model = {
      run_id: run,
      artifact_path: 'model',
      utc_time_created: '2026-01-01',
      model_uuid: null,
      flavors: { sklearn: {} },
    }
    for (const _ of [1, 2]) await api.post('runs/log-model', { run_id: run, model_json: JSON.stringify(model) })
    expect(JSON.parse(tagOf(await get(run), 'mlflow.log-model.history') ?? '')).toEqual([model, model])
    expect(error(await api.post('runs/log-model', { run_id: run, model_json: '{' }))).toEqual(invalid)
  })
})
