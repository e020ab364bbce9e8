import { afterAll, beforeAll, expect, test } from 'vitest'
import { upload } from '../../../tests/harness/datasets.ts'
import { mlflowApi } from '../../../tests/harness/mlflow.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'

let server: TestServer
const P = '/api/v1/projects/local/linked'
const digests: string[] = []

beforeAll(async () => {
  server = await startTestServer()
  await server.request('POST', '/api/v1/projects', { body: { owner: 'local', name: 'linked' } })
  for (const content of ['one', 'two']) {
    const answer = await upload(server, P, 'people', [{ path: 'notes.txt', content }])
    expect(answer.status, answer.text).toBe(201)
    digests.push(answer.body.digest)
  }
})
afterAll(() => server.close())

/** Logs one input of a new run and says which dataset version it was taken for. */
async function linkOf(dataset: Record<string, string>): Promise<[string | null, number | null]> {
  const api = mlflowApi(server, { prefix: '/mlflow/local/linked/tracking' })
  const run = await api.run()
  const input = { name: 'people', digest: '00000000', source_type: 'local', source: 'people.csv', ...dataset }
  expect((await api.post('runs/log-inputs', { run_id: run, datasets: [{ dataset: input }] })).status).toBe(200)
  const [seen] = (await server.request('GET', `${P}/runs/${run}`)).body.datasets
  return [seen.dataset, seen.version]
}

test('an input of the name and digest of a version is that version', async () => {
  expect(await linkOf({ digest: (digests[0] ?? '').slice(0, 36) })).toEqual(['people', 1])
  expect(await linkOf({ digest: (digests[1] ?? '').slice(0, 8) })).toEqual(['people', 2])
  expect(await linkOf({ digest: (digests[1] ?? '').slice(0, 7) })).toEqual([null, null])
  expect(await linkOf({ digest: (digests[1] ?? '').slice(0, 8), name: 'others' })).toEqual([null, null])
  expect(await linkOf({})).toEqual([null, null])
})

test('so is one whose source is the URL of a version, in this project only', async () => {
  const url = `${server.url}${P}/datasets/people/versions/1/files/content?path=notes.txt`
  expect(await linkOf({ source_type: 'http', source: JSON.stringify({ url }), name: 'x' })).toEqual(['people', 1])
  expect(await linkOf({ source: JSON.stringify({ url: url.replace('linked', 'other') }), name: 'x' })).toEqual([
    null,
    null,
  ])
  expect(await linkOf({ source: JSON.stringify({ url: url.replace('/1/', '/9/') }), name: 'x' })).toEqual([null, null])
  const own = JSON.stringify({ dataset: 'people', version: 2 })
  expect(await linkOf({ source_type: 'trainyard', source: own, name: 'x' })).toEqual(['people', 2])
})

test('a version shows the runs that read it', async () => {
  const { used_by } = (await server.request('GET', `${P}/datasets/people/versions/1`)).body
  expect(used_by.runs).toHaveLength(2)
})

test('what a job calls by its dataset’s name is the version that the platform gave it', async () => {
  const api = mlflowApi(server, { prefix: '/mlflow/local/linked/tracking' })
  const run = await api.run()
  const own = { name: 'people', digest: 'given', source_type: 'trainyard', source: '{"dataset":"people","version":1}' }
  const code = { name: 'people', digest: 'ab12cd34', source_type: 'local', source: '/jobs/x/data' }
  const other = { ...code, name: 'others' }
  for (const dataset of [own, code, other]) {
    expect((await api.post('runs/log-inputs', { run_id: run, datasets: [{ dataset }] })).status).toBe(200)
  }
  const { datasets } = (await server.request('GET', `${P}/runs/${run}`)).body
  expect(datasets.map((one: { version: number | null }) => one.version).sort()).toEqual([1, 1, null])
})
