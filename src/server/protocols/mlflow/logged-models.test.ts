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
const absent = [404, 'RESOURCE_DOES_NOT_EXIST']
const make = async (body: Record<string, unknown> = {}) => {
  const answer = await api.post('logged-models', { experiment_id: '0', ...body })
  expect(answer.status, answer.text).toBe(200)
  return answer.body.model
}

describe('logged models', () => {
  test('are made pending, with files of their own, and finalized', async () => {
    const run = await api.run()
    const { info, data } = await make({
      name: 'clf',
      model_type: 'sklearn',
      source_run_id: run,
      params: [{ key: 'depth', value: '3' }],
      tags: [{ key: 'team', value: 'a' }],
    })
    expect(info).toMatchObject({
      experiment_id: '0',
      name: 'clf',
      model_type: 'sklearn',
      source_run_id: run,
      status: 'LOGGED_MODEL_PENDING',
    })
    expect(info.model_id).toMatch(/^m-[0-9a-f]{32}$/)
    expect(info.artifact_uri).toBe(`mlflow-artifacts:/0/models/${info.model_id}/artifacts`)
    expect([info.tags, data.params]).toEqual([[{ key: 'team', value: 'a' }], [{ key: 'depth', value: '3' }]])
    const ready = await api.send('PATCH', `logged-models/${info.model_id}`, {
      model_id: info.model_id,
      status: 'LOGGED_MODEL_READY',
    })
    expect(ready.body.model.info.status).toBe('LOGGED_MODEL_READY')
    expect((await api.get(`logged-models/${info.model_id}`)).body.model).toEqual(ready.body.model)
    expect(error(await api.send('PATCH', `logged-models/${info.model_id}`, { status: 'NO_SUCH' }))).toEqual(invalid)
  })

  test('names: random when absent; no characters that make paths', async () => {
    expect((await make()).info.name).toMatch(/^[a-z]+-[a-z]+-\d+$/)
    for (const name of ['a/b', 'a:b', 'a.b', 'a%b', 'a"b', "a'b"]) {
      expect(error(await api.post('logged-models', { experiment_id: '0', name })), name).toEqual(invalid)
    }
    expect(error(await api.post('logged-models', { experiment_id: '77777' }))).toEqual(absent)
    expect(error(await api.post('logged-models', { experiment_id: '0', source_run_id: 'none' }))).toEqual(absent)
  })

  test('params in batches, tags set and removed, keys with slashes', async () => {
    const { info } = await make()
    const url = `logged-models/${info.model_id}`
    expect(
      (
        await api.post(`${url}/params`, {
          params: Array.from({ length: 100 }, (_, i) => ({ key: `p${i}`, value: `${i}` })),
        })
      ).body,
    ).toEqual({})
    expect((await api.get(url)).body.model.data.params).toHaveLength(100)
    const tagged = await api.send('PATCH', `${url}/tags`, {
      tags: [
        { key: 'a/b c', value: '1' },
        { key: 'a/b c', value: '2' },
      ],
    })
    expect(tagged.body).toEqual({})
    expect((await api.get(url)).body.model.info.tags).toEqual([{ key: 'a/b c', value: '2' }])
    expect((await api.send('DELETE', `${url}/tags/${encodeURIComponent('a/b c')}`)).body).toEqual({})
    expect(error(await api.send('DELETE', `${url}/tags/none`))).toEqual(absent)
  })

  test('deleted ones are gone, but for those who ask for them', async () => {
    const { info } = await make({ name: 'gone' })
    const url = `logged-models/${info.model_id}`
    expect((await api.send('DELETE', url)).body).toEqual({})
    expect(error(await api.get(url))).toEqual(absent)
    expect((await api.send('DELETE', url)).body).toEqual({}) // a request may come twice
    expect((await api.get(url, { allow_deleted: 'true' })).body.model.info.name).toBe('gone')
    expect((await api.post('logged-models/search', { experiment_ids: ['0'], filter: "name = 'gone'" })).body).toEqual(
      {},
    )
    expect(error(await api.get('logged-models/m-none'))).toEqual(absent)
  })

  test('metrics logged with a model are its metrics too', async () => {
    const run = await api.run()
    const { info } = await make({ source_run_id: run })
    const point = {
      key: 'acc',
      value: 0.5,
      timestamp: 5,
      step: 1,
      model_id: info.model_id,
      dataset_name: 'test',
      dataset_digest: 'd1',
    }
    for (let i = 0; i < 2; i++) await api.post('runs/log-metric', { run_id: run, ...point })
    expect((await api.get(`logged-models/${info.model_id}`)).body.model.data.metrics).toEqual([
      { ...point, run_id: run },
    ])
    expect((await api.get('runs/get', { run_id: run })).body.run.data.metrics).toEqual([
      { key: 'acc', value: 0.5, timestamp: 5, step: 1 },
    ])
  })

  test('files: directories relative to the root, and one file for the UI', async () => {
    const { info } = await make()
    const root = `/api/2.0/mlflow-artifacts/artifacts/0/models/${info.model_id}/artifacts`
    await api.put(`${root}/MLmodel`, 'x: 1')
    await api.put(`${root}/data/w.bin`, 'abc')
    const url = `logged-models/${info.model_id}/artifacts/directories`
    expect((await api.get(url)).body).toEqual({
      root_uri: info.artifact_uri,
      files: [
        { path: 'MLmodel', is_dir: false, file_size: 4 },
        { path: 'data', is_dir: true },
      ],
    })
    expect((await api.get(url, { artifact_directory_path: 'data' })).body.files).toEqual([
      { path: 'data/w.bin', is_dir: false, file_size: 3 },
    ])
    const file = await api.get(`/ajax-api/2.0/mlflow/logged-models/${info.model_id}/artifacts/files`, {
      artifact_file_path: 'data/w.bin',
    })
    expect(file.text).toBe('abc')
    expect(error(await api.get(url, { artifact_directory_path: '../..' }))).toEqual(invalid)
  })
})

describe('logged-models/search', () => {
  test('filters, datasets, orders and pages', async () => {
    const experiment = await api.experiment('models')
    const run = await api.run(experiment)
    for (const [name, value, dataset] of [
      ['one', 0.9, 'x'],
      ['two', 0.5, 'y'],
      ['three', 0.7, 'x'],
    ] as const) {
      const { info } = await make({
        experiment_id: experiment,
        name,
        source_run_id: run,
        params: [{ key: 'p', value: name }],
        tags: [{ key: 't', value: name }],
      })
      const metric = {
        key: 'acc',
        value,
        timestamp: 1,
        model_id: info.model_id,
        dataset_name: dataset,
        dataset_digest: `${dataset}1`,
      }
      await api.post('runs/log-metric', { run_id: run, ...metric })
    }
    const found = async (body: Record<string, unknown>) => {
      const answer = await api.post('logged-models/search', { experiment_ids: [experiment], ...body })
      expect(answer.status, answer.text).toBe(200)
      return (answer.body.models ?? []).map((model: { info: { name: string } }) => model.info.name)
    }
    const byName = [{ field_name: 'name' }]
    expect(await found({ order_by: byName })).toEqual(['one', 'three', 'two'])
    expect(await found({ filter: "name = 'one'" })).toEqual(['one'])
    expect(await found({ filter: "name IN ('one', 'two')", order_by: byName })).toEqual(['one', 'two'])
    expect(await found({ filter: `source_run_id = '${run}' AND params.p LIKE 't%'`, order_by: byName })).toEqual([
      'three',
      'two',
    ])
    expect(await found({ filter: "tags.t != 'one' AND metrics.acc > 0.6" })).toEqual(['three'])
    expect(
      await found({ filter: "attributes.status = 'PENDING' AND creation_timestamp > 0", order_by: byName }),
    ).toHaveLength(3)
    expect(
      await found({
        filter: 'metrics.acc > 0.1',
        datasets: [{ dataset_name: 'x', dataset_digest: 'x1' }],
        order_by: byName,
      }),
    ).toEqual(['one', 'three'])
    expect(await found({ datasets: [{ dataset_name: 'y' }] })).toEqual(['two'])
    expect(await found({ order_by: [{ field_name: 'metrics.acc', ascending: false }] })).toEqual([
      'one',
      'three',
      'two',
    ])
    expect(await found({ order_by: [{ field_name: 'metrics.acc', ascending: true, dataset_name: 'x' }] })).toEqual([
      'three',
      'one',
      'two',
    ])
    expect(await found({ experiment_ids: ['555555'] })).toEqual([])
    const search = { experiment_ids: [experiment], max_results: 2, order_by: byName }
    const first = (await api.post('logged-models/search', search)).body
    const second = (await api.post('logged-models/search', { ...search, page_token: first.next_page_token })).body
    expect(second.models.map((model: { info: { name: string } }) => model.info.name)).toEqual(['two'])
    expect(second).not.toHaveProperty('next_page_token')
    for (const wrong of [
      { page_token: first.next_page_token, filter: "name = 'x'" },
      { page_token: 'zz' },
      { filter: 'metrics.acc' },
      { filter: "metric.acc = '1'" },
      { order_by: [{ field_name: 'params.p' }] },
      { order_by: [{ field_name: 'nothing' }] },
      { datasets: [{}] },
    ])
      expect(error(await api.post('logged-models/search', { ...search, ...wrong })), JSON.stringify(wrong)).toEqual(
        invalid,
      )
  })
})
