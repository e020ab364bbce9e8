import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runScript, testPython } from '../harness/python.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'

let server: TestServer
let seen: Record<string, unknown>
beforeAll(async () => {
  const python = await testPython()
  server = await startTestServer({ jobSlots: '0', webhookAllowedHosts: '127.0.0.1' })
  const ada = await server.user('ada')
  const bob = await server.user('bob')
  await server.request('POST', '/api/v1/projects', { token: bob, body: { name: 'secret' } })
  await server.request('POST', '/api/v1/projects', { token: bob, body: { name: 'open', visibility: 'internal' } })
  seen = await runScript(python, 'mlflow_workspaces.py', [], {
    MLFLOW_TRACKING_URI: server.url,
    MLFLOW_TRACKING_TOKEN: ada,
    // A wrong answer must fail the test, not be asked again for minutes.
    MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
    MLFLOW_DISABLE_TELEMETRY: 'true',
  })
})
afterAll(() => server.close())

describe('the client', () => {
  test('makes workspaces, works in each, and finds in none what is in another', () => {
    expect(seen.workspaces).toEqual({
      first: ['bob--open'],
      made: ['ada--rivers', 'All rivers'],
      again: 'RESOURCE_ALREADY_EXISTS',
      of_another: 'PERMISSION_DENIED',
      updated: 'Still',
      got: 'Still',
      unknown: 'RESOURCE_DOES_NOT_EXIST',
      'ada--rivers': ['ada--rivers', 'ada--rivers', 'ada--rivers'],
      'ada--lakes': ['ada--lakes', 'ada--lakes', 'ada--lakes'],
      crossed: 'RESOURCE_DOES_NOT_EXIST',
      hidden: 'RESOURCE_DOES_NOT_EXIST',
      outside: [],
      full: 'INVALID_PARAMETER_VALUE',
      cascade: 'INVALID_PARAMETER_VALUE',
      last: ['ada--default', 'ada--lakes', 'ada--rivers', 'bob--open'],
    })
    expect(seen.by_environment).toEqual({ environment: ['ada--lakes', 'ada--lakes', 'ada--lakes'] })
  })

  test('is told by webhooks of everything that MLflow tells of, as its receivers verify it', () => {
    const model = { name: 'm', version: '1' }
    const prompt = { name: 'p', version: '1' }
    const told = (data: object) => [true, 'ada--default', data]
    expect(seen.webhooks).toEqual({
      made: ['every', expect.stringMatching(/\/hook$/), 'All of it', 'ACTIVE', null],
      events: true,
      same: true,
      tested: [true, 200, 'thank you', true],
      payloads: {
        'registered_model.created': told({ name: 'm', tags: { a: 'b' }, description: 'Text' }),
        'model_version.created': told({
          ...model,
          source: 's3://bucket/model',
          run_id: null,
          tags: { c: 'd' },
          description: null,
        }),
        'model_version_tag.set': told({ ...model, key: 'k', value: 'v' }),
        'model_version_tag.deleted': told({ ...model, key: 'k' }),
        'model_version_alias.created': told({ name: 'm', alias: 'champion', version: '1' }),
        'model_version_alias.deleted': told({ name: 'm', alias: 'champion' }),
        'prompt.created': told({ name: 'p', tags: { e: 'f' }, description: 'First' }),
        'prompt_version.created': told({
          ...prompt,
          template: 'Hello {{name}}!',
          tags: { e: 'f' },
          description: 'First',
        }),
        'prompt_tag.set': told({ name: 'p', key: 'k', value: 'v' }),
        'prompt_tag.deleted': told({ name: 'p', key: 'k' }),
        'prompt_version_tag.set': told({ ...prompt, key: 'k', value: 'v' }),
        'prompt_version_tag.deleted': told({ ...prompt, key: 'k' }),
        'prompt_alias.created': told({ name: 'p', alias: 'live', version: '1' }),
        'prompt_alias.deleted': told({ name: 'p', alias: 'live' }),
      },
      pages: ['other', 'every'],
      changed: ['renamed', ['prompt_tag.set'], 'DISABLED', true],
      gone: 'RESOURCE_DOES_NOT_EXIST',
      bad: Array.from({ length: 4 }, () => 'INVALID_PARAMETER_VALUE'),
    })
  })
})
