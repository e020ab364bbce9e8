import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runScript, testPython } from '../harness/python.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'

let python: string
beforeAll(async () => {
  python = await testPython()
})

/** What the client must have seen, whichever door it came through. */
const BY_HAND = {
  changed_param: 'INVALID_PARAMETER_VALUE',
  run: {
    name: 'by hand',
    status: 'FINISHED',
    params: 150,
    nan: true,
    inf: true,
    loss: 0.2,
    m999: 999,
    note: 'why',
    inputs: [['people', 'training']],
    ended: true,
  },
  history: [0, 1, 2, 3, 4],
  files: ['config.json', 'empty.txt', 'folder', 'images', 'notes', 'table.json'],
  text: 'hello',
  dict: { a: 1 },
  bytes: true,
  found: true,
  children: 1,
  deleted: [1, 'deleted'],
  write_deleted: 'INVALID_PARAMETER_VALUE',
  nobody: true,
}
const MODELS = {
  autolog: { solver: 'lbfgs', score: expect.any(Number), estimator: 'LogisticRegression', inputs: 2, outputs: true },
  logged_model: ['model', 'READY', true, [0.75]],
  logged_found: true,
  version: ['1', true, 'yes', ['champion']],
  equal: [true, true, true, true, true],
  again: ['2', [1, 2]],
  unknown_alias: 'INVALID_PARAMETER_VALUE',
  unknown_model: 'RESOURCE_DOES_NOT_EXIST',
  after_delete: '3',
}

async function walk(uri: string, name: string, part: 'whole' | 'by hand', token?: string) {
  return runScript(python, 'mlflow_client.py', [name, part], {
    MLFLOW_TRACKING_URI: uri,
    // A wrong answer must fail the test, not be asked again for minutes.
    MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
    MLFLOW_DISABLE_TELEMETRY: 'true',
    ...(token === undefined ? {} : { MLFLOW_TRACKING_TOKEN: token }),
  })
}

describe('without accounts', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer({ jobSlots: '0' })
  })
  afterAll(() => server.close())

  test('the client walks from experiment to predictions at the root', async () => {
    expect(await walk(server.url, 'at the root', 'whole')).toMatchObject({
      ...BY_HAND,
      ...MODELS,
      models: ['at the root'],
    })
  })

  test("and logs at a project's tracking URI without a slash at its end", async () => {
    await server.request('POST', '/api/v1/projects', { body: { owner: 'local', name: 'other' } })
    const seen = await walk(`${server.url}/mlflow/local/other/tracking`, 'plain', 'by hand')
    expect(seen).toMatchObject(BY_HAND)
    expect((await server.request('GET', `/api/v1/projects/local/other/runs/${seen.run_id}`)).body.name).toBe('by hand')
    expect((await server.request('GET', `/api/v1/projects/local/default/runs/${seen.run_id}`)).status).toBe(404)
  })
})

describe('with accounts', () => {
  let server: TestServer
  let token: string
  beforeAll(async () => {
    server = await startTestServer({ jobSlots: '0' })
    token = await server.user('ada')
    await server.request('POST', '/api/v1/projects', { body: { name: 'flood' }, token })
  })
  afterAll(() => server.close())

  test("the client walks the same way with a token, at the tracking URI that the project's page shows", async () => {
    const uri = (await server.request('GET', '/api/v1/projects/ada/flood', { token })).body.tracking_uri
    expect(uri).toMatch(/\/mlflow\/ada\/flood\/tracking\/$/)
    expect(await walk(uri, 'with token', 'whole', token)).toMatchObject({
      ...BY_HAND,
      ...MODELS,
      models: ['with token'],
    })
  })

  test('and is refused without one, or with a wrong one', async () => {
    const uri = `${server.url}/mlflow/ada/flood/tracking`
    await expect(walk(uri, 'anonymous', 'by hand')).rejects.toThrow(/UNAUTHENTICATED|401/)
    await expect(walk(uri, 'wrong', 'by hand', 'ty_wrong')).rejects.toThrow(/UNAUTHENTICATED|401/)
  })
})
