import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type MlflowApi, mlflowApi } from '../../../tests/harness/mlflow.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'

let server: TestServer
let api: MlflowApi
let ada: string
let bob: string

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  ada = await server.user('ada')
  bob = await server.user('bob')
  await server.request('POST', '/api/v1/projects', { body: { name: 'flood' }, token: ada })
  const members = '/api/v1/projects/ada/flood/members/bob'
  await server.request('PUT', members, { body: { role: 'editor' }, token: ada })
  api = mlflowApi(server, { prefix: '/mlflow/ada/flood/tracking', token: ada })
})
afterAll(() => server.close())

async function model(name: string, versions: number, creator: MlflowApi = api): Promise<void> {
  await creator.post('registered-models/create', { name })
  for (let i = 1; i <= versions; i++) await creator.post('model-versions/create', { name, source: `s3://b/${i}` })
}
const alias = (name: string, version: number, token = ada, which = 'champion') =>
  server.request('PUT', `/api/v1/projects/ada/flood/models/${name}/aliases/${which}`, { body: { version }, token })
const stage = (name: string, version: number, to: string, archive = false) =>
  api.post('model-versions/transition-stage', {
    name,
    version: String(version),
    stage: to,
    archive_existing_versions: archive,
  })
async function history(name: string, query = '') {
  const { status, body } = await server.request('GET', `/api/v1/projects/ada/flood/models/${name}/history${query}`, {
    token: ada,
  })
  expect([status, body]).toMatchObject([200, {}])
  return body
}
const told = async (name: string, query = '') =>
  (await history(name, query)).changes.map((change: Record<string, unknown>) =>
    [change.by, change.alias ?? `stage of ${change.version}`, change.from, change.to].join(' '),
  )

describe('the history of a model', () => {
  it('tells who moved which alias or stage, newest first', async () => {
    await model('river', 4)
    const before = Date.now()
    await alias('river', 1)
    await alias('river', 3, bob)
    await stage('river', 1, 'Production')
    await stage('river', 2, 'production')
    await stage('river', 4, 'Production', true)
    await alias('river', 2, bob, 'shadow')
    await server.request('DELETE', '/api/v1/projects/ada/flood/models/river/aliases/champion', { token: ada })
    await api.send('DELETE', 'model-versions/delete', { name: 'river', version: '2' })
    // What is no promotion is not told.
    await api.send('PATCH', 'model-versions/update', { name: 'river', version: '4', description: 'x' })
    await api.post('model-versions/set-tag', { name: 'river', version: '4', key: 'a', value: 'b' })
    await api.send('DELETE', 'model-versions/delete', { name: 'river', version: '1' })
    const { changes } = await history('river')
    expect(changes.map((change: { event_id: number }) => change.event_id)).toEqual(
      changes.map((change: { event_id: number }) => change.event_id).toSorted((a: number, b: number) => b - a),
    )
    expect(await told('river')).toEqual([
      'ada shadow 2 ',
      'ada champion 3 ',
      'bob shadow  2',
      'ada stage of 4 None Production',
      'ada stage of 1 Production Archived',
      'ada stage of 2 Production Archived',
      'ada stage of 2 None Production',
      'ada stage of 1 None Production',
      'bob champion 1 3',
      'ada champion  1',
    ])
    expect(changes[0]).toMatchObject({ because: 'Version 2 was deleted.', decision_id: null })
    expect(changes.at(-1).at_ms).toBeGreaterThanOrEqual(before)
  })

  it('goes page by page', async () => {
    const pages: string[] = []
    for (let query = '?limit=2'; query !== ''; ) {
      pages.push(...(await told('river', query)))
      const next = (await history('river', query)).next_before
      query = next === null ? '' : `?limit=2&before=${next}`
    }
    expect(pages).toEqual(await told('river'))
  })

  it('follows the model through its names, and not another model that had one of them', async () => {
    await model('old', 2)
    await alias('old', 1)
    await api.post('registered-models/rename', { name: 'old', new_name: 'new' })
    await model('old', 1)
    await alias('old', 1, bob, 'other')
    await alias('new', 2, bob)
    expect(await told('new')).toEqual(['bob champion 1 2', 'ada champion  1'])
    expect(await told('new', '?limit=1')).toEqual(['bob champion 1 2'])
    expect(await told('old')).toEqual(['bob other  1'])
    // Gone and made again: what was is another model's.
    await api.send('DELETE', 'registered-models/delete', { name: 'old' })
    await model('old', 1)
    expect(await told('old')).toEqual([])
  })

  it('is of this project only, and 404 without the model', async () => {
    await server.request('POST', '/api/v1/projects', { body: { name: 'dam' }, token: ada })
    const other = mlflowApi(server, { prefix: '/mlflow/ada/dam/tracking', token: ada })
    await model('river', 1, other)
    const answer = await server.request('GET', '/api/v1/projects/ada/dam/models/river/history', { token: ada })
    expect([answer.status, answer.body]).toEqual([200, { changes: [], next_before: null }])
    const none = await server.request('GET', '/api/v1/projects/ada/flood/models/nothing/history', { token: ada })
    expect([none.status, none.body.error.code]).toEqual([404, 'not_found'])
  })
})
