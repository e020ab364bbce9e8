import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type MlflowApi, mlflowApi } from '../../../../tests/harness/mlflow.ts'
import { startTestServer, type TestAnswer, type TestServer } from '../../../../tests/harness/server.ts'
import { ASSESSMENT_ID, TRACE_ID, TRACE_MESSAGES } from '../../../../tests/harness/trace-messages.ts'

const D = '/api/3.0/mlflow/datasets'
const failure = (answer: TestAnswer) => [answer.status, answer.body.error_code]

let server: TestServer
let api: MlflowApi
let other: MlflowApi
let experiment: string
beforeAll(async () => {
  server = await startTestServer()
  api = mlflowApi(server)
  await server.request('POST', '/api/v1/projects', { body: { owner: 'local', name: 'other' } })
  other = mlflowApi(server, { prefix: '/mlflow/local/other/tracking' })
  experiment = await api.experiment('evaluated')
})
afterAll(() => server.close())

async function create(name: string, more: object = {}): Promise<string> {
  return (await api.send('POST', `${D}/create`, { name, experiment_ids: [experiment], ...more })).body.dataset
    .dataset_id
}
const records = async (id: string, query = {}) => {
  const { body } = await api.get(`${D}/${id}/records`, query)
  return { list: JSON.parse(body.records), text: body.records as string, token: body.next_page_token }
}

describe('evaluation datasets', () => {
  test('records come back as they were sent; the same inputs are the same record', async () => {
    const id = await create('questions', { tags: '{"mlflow.user": "ada", "n": 1, "gone": null}' })
    const sent =
      '[{"inputs":{"x":1.0,"big":12345678901234567890,"camelKey":{"b":1,"a":2}},"outputs":[null],"tags":{"t":"1"}}]'
    const first = await api.send('POST', `${D}/${id}/records`, { records: sent })
    expect(first.body).toEqual({ inserted_count: 1, updated_count: 0 })
    expect((await records(id)).text).toContain('"inputs":{"x":1.0,"big":12345678901234567890,"camelKey":{"b":1,"a":2}}')
    const again = JSON.stringify([
      { inputs: { y: 1 } },
      { inputs: { y: 1 }, expectations: { a: 1 } },
      { inputs: { y: 1 }, expectations: { b: 2 }, outputs: 'o', tags: { 'mlflow.user': 'bob' } },
    ])
    const second = await api.send('POST', `${D}/${id}/records`, { records: again })
    expect(second.body).toEqual({ inserted_count: 1, updated_count: 2 })
    const reordered = '[{"inputs":{"camelKey":{"a":2,"b":1},"big":12345678901234567890,"x":1.0}}]'
    expect((await api.send('POST', `${D}/${id}/records`, { records: reordered })).body.updated_count).toBe(1)
    const { list } = await records(id)
    expect(list).toHaveLength(2)
    expect(list[1]).toMatchObject({ inputs: { y: 1 }, expectations: { a: 1, b: 2 }, outputs: 'o', dataset_id: id })
    const { dataset } = (await api.get(`${D}/${id}`)).body
    expect(dataset).toMatchObject({ name: 'questions', experiment_ids: [experiment], created_by: 'ada' })
    expect(JSON.parse(dataset.tags)).toEqual({ 'mlflow.user': 'ada', n: '1' })
    expect(JSON.parse(dataset.schema)).toEqual({
      inputs: { x: 'float', big: 'integer', camelKey: 'object', y: 'integer' },
      outputs: 'array',
      expectations: { a: 'integer', b: 'integer' },
      version: '1.0',
    })
    expect(JSON.parse(dataset.profile)).toEqual({ num_records: 2 })
    const gone = await api.send('DELETE', `${D}/${id}/records`, {
      dataset_record_ids: [list[0].dataset_record_id, 'dr-no'],
    })
    expect(gone.body).toEqual({ deleted_count: 1 })
    expect((await records(id)).list).toHaveLength(1)
  })

  test('records in pages, without a gap', async () => {
    const id = await create('pages')
    const many = Array.from({ length: 25 }, (_, index) => ({ inputs: { index } }))
    await api.send('POST', `${D}/${id}/records`, { records: JSON.stringify(many) })
    const seen: number[] = []
    let token: string | undefined
    do {
      const page = await records(id, { max_results: '10', page_token: token })
      seen.push(...page.list.map((record: { inputs: { index: number } }) => record.inputs.index))
      token = page.token
    } while (token !== undefined)
    expect(seen.toSorted((a, b) => a - b)).toEqual(many.map((record) => record.inputs.index))
    for (const wrong of [{ page_token: 'x' }, { max_results: '-1' }, { max_results: '1000000' }])
      expect(failure(await api.get(`${D}/${id}/records`, wrong))).toEqual([400, 'INVALID_PARAMETER_VALUE'])
  })

  test('search by name, tags, times and experiments', async () => {
    const second = await api.experiment('second')
    const a = await create('find-a', { tags: '{"kind": "x"}' })
    const b = await create('find-b', { experiment_ids: [second] })
    const search = async (filter: string, more: object = {}) => {
      const { body } = await api.send('POST', `${D}/search`, { filter_string: filter, ...more })
      return body.datasets.map((dataset: { dataset_id: string }) => dataset.dataset_id)
    }
    expect(await search("name LIKE 'find-%'", { order_by: ['name DESC'] })).toEqual([b, a])
    expect(await search("name LIKE 'find-%' AND tags.kind = 'x'")).toEqual([a])
    expect(await search("name IN ('find-b')")).toEqual([b])
    expect(await search('created_time < 1')).toEqual([])
    expect(await search("name LIKE 'find-%'", { experiment_ids: [second] })).toEqual([b])
    const page = await api.send('POST', `${D}/search`, { filter_string: "name LIKE 'find-%'", max_results: 1 })
    expect(await search("name LIKE 'find-%'", { page_token: page.body.next_page_token })).toHaveLength(1)
    for (const filter of ["colour = 'x'", "name > 'x'", "tags.kind IN ('x')", 'created_time'])
      expect(failure(await api.send('POST', `${D}/search`, { filter_string: filter }))).toEqual([
        400,
        'INVALID_PARAMETER_VALUE',
      ])
    await api.send('POST', `${D}/${a}/remove-experiments`, { experiment_ids: [experiment] })
    expect((await api.get(`${D}/${a}/experiment-ids`)).body).toEqual({})
    await api.send('POST', `${D}/${a}/add-experiments`, { experiment_ids: [second, second] })
    expect((await api.get(`${D}/${a}/experiment-ids`)).body).toEqual({ experiment_ids: [second] })
    await api.send('PATCH', `${D}/${a}/tags`, { tags: '{"more": "y"}' })
    await api.send('DELETE', `${D}/${a}/tags/kind`)
    expect(JSON.parse((await api.get(`${D}/${a}`)).body.dataset.tags)).toEqual({ more: 'y' })
  })

  test('refuses what it cannot keep, and is not there for another project', async () => {
    const id = await create('mine')
    const wrong: [string, string, object][] = [
      ['POST', `${D}/create`, { name: '' }],
      ['POST', `${D}/create`, { name: 'x', tags: '[]' }],
      ['POST', `${D}/create`, { name: 'x'.repeat(251) }],
      ['POST', `${D}/${id}/records`, {}],
      ['POST', `${D}/${id}/records`, { records: '{}' }],
      ['POST', `${D}/${id}/records`, { records: '[1]' }],
      ['POST', `${D}/${id}/records`, { records: '[{"inputs": []}]' }],
      ['POST', `${D}/${id}/records`, { records: '[{"inputs": {"a": "\\u0000"}}]' }],
      ['POST', `${D}/${id}/records`, { records: `[{"inputs": {"a": "${'x'.repeat(1_100_000)}"}}]` }],
      ['PATCH', `${D}/${id}/tags`, { tags: 'x' }],
    ]
    for (const [method, path, body] of wrong)
      expect([path, ...failure(await api.send(method, path, body))]).toEqual([path, 400, 'INVALID_PARAMETER_VALUE'])
    expect(failure(await api.send('POST', `${D}/create`, { name: 'x', experiment_ids: ['99999'] }))[0]).toBe(404)
    const foreign: [string, string, object?][] = [
      ['GET', `${D}/${id}`],
      ['GET', `${D}/${id}/records`],
      ['GET', `${D}/${id}/experiment-ids`],
      ['POST', `${D}/${id}/records`, { records: '[]' }],
      ['DELETE', `${D}/${id}/records`, { dataset_record_ids: ['x'] }],
      ['PATCH', `${D}/${id}/tags`, { tags: '{"a": "b"}' }],
      ['DELETE', `${D}/${id}/tags/a`],
      ['POST', `${D}/${id}/add-experiments`, { experiment_ids: [] }],
      ['DELETE', `${D}/${id}`],
    ]
    for (const [method, path, body] of foreign) {
      const answer = method === 'GET' ? await other.get(path) : await other.send(method, path, body)
      expect([method, path, ...failure(answer)]).toEqual([method, path, 404, 'RESOURCE_DOES_NOT_EXIST'])
    }
    expect((await other.send('POST', `${D}/search`, {})).body).toEqual({ datasets: [] })
    expect((await api.send('DELETE', `${D}/${id}`)).body).toEqual({})
    expect(failure(await api.get(`${D}/${id}`))).toEqual([404, 'RESOURCE_DOES_NOT_EXIST'])
  })
})

test('the messages that the test of hostile input spoils are good ones', async () => {
  const started = await api.send('POST', '/api/3.0/mlflow/traces', TRACE_MESSAGES['/traces'])
  expect([started.status, started.body.trace?.trace_info.trace_id]).toEqual([200, TRACE_ID])
  expect((await api.get(`/api/3.0/mlflow/traces/${TRACE_ID}/assessments/${ASSESSMENT_ID}`)).status).toBe(200)
  for (const path of ['/traces/search', '/datasets/search', '/datasets/create'])
    expect([path, (await api.send('POST', `/api/3.0/mlflow${path}`, TRACE_MESSAGES[path])).status]).toEqual([path, 200])
})
