import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type MlflowApi, mlflowApi } from '../../../../tests/harness/mlflow.ts'
import { Receiver } from '../../../../tests/harness/receiver.ts'
import { startTestServer, type TestServer } from '../../../../tests/harness/server.ts'

let server: TestServer
let receiver: Receiver
let ada: MlflowApi
let fire: MlflowApi
let edgar: MlflowApi
let bob: MlflowApi
beforeAll(async () => {
  receiver = await Receiver.open()
  server = await startTestServer({ webhookAllowedHosts: receiver.host })
  const owner = await server.user('ada')
  for (const name of ['flood', 'fire'])
    await server.request('POST', '/api/v1/projects', { body: { name }, token: owner })
  const editor = await server.user('edgar')
  await server.request('PUT', '/api/v1/projects/ada/flood/members/edgar', { token: owner, body: { role: 'editor' } })
  const prefix = '/mlflow/ada/flood/tracking'
  ada = mlflowApi(server, { prefix, token: owner })
  fire = mlflowApi(server, { prefix: '/mlflow/ada/fire/tracking', token: owner })
  edgar = mlflowApi(server, { prefix, token: editor })
  bob = mlflowApi(server, { prefix, token: await server.user('bob') })
})
afterAll(async () => {
  await receiver.close()
  await server.close()
})

const VERSIONS = [{ entity: 'MODEL_VERSION', action: 'CREATED' }]
const body = (more: Record<string, unknown> = {}) => ({ name: 'h', url: receiver.url(), events: VERSIONS, ...more })
const said = (answer: { status: number; body: { error_code?: string } }) => [answer.status, answer.body?.error_code]
const INVALID = [400, 'INVALID_PARAMETER_VALUE']
const MISSING = [404, 'RESOURCE_DOES_NOT_EXIST']
const FORBIDDEN = [403, 'PERMISSION_DENIED']

describe('create', () => {
  test('answers with the message of the protocol, and never the secret', async () => {
    const made = await ada.post('webhooks', body({ description: 'why', secret: 'between us', status: 'DISABLED' }))
    expect(made.body).toEqual({
      webhook: {
        webhook_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        name: 'h',
        description: 'why',
        url: receiver.url(),
        events: VERSIONS,
        status: 'DISABLED',
        creation_timestamp: expect.any(Number),
        last_updated_timestamp: made.body.webhook.creation_timestamp,
      },
    })
    expect((await ada.get(`webhooks/${made.body.webhook.webhook_id}`)).body).toEqual(made.body)
  })

  test('takes enums by number; unset texts are left out; events are kept once, in their order', async () => {
    const events = [{ entity: 4, action: 3 }, { entity: 'PROMPT', action: 1 }, ...VERSIONS, ...VERSIONS]
    const { webhook } = (await ada.post('webhooks', body({ events, status: 'UNKNOWN' }))).body
    expect(webhook.events).toEqual([
      { entity: 'MODEL_VERSION_ALIAS', action: 'DELETED' },
      { entity: 'PROMPT', action: 'CREATED' },
      ...VERSIONS,
    ])
    expect(webhook).not.toHaveProperty('description')
    expect(webhook.status).toBe('ACTIVE')
  })

  test.each([
    ['no name', { name: undefined }],
    ['an empty name', { name: '' }],
    ['a name in capitals', { name: 'Hook' }],
    ['a long name', { name: 'x'.repeat(64) }],
    ['a name with a dash at its end', { name: 'x-' }],
    ['no URL', { url: undefined }],
    ['a URL that is a number', { url: 7 }],
    ['no events', { events: undefined }],
    ['empty events', { events: [] }],
    ['events that are text', { events: ['model_version.created'] }],
    ['an unknown entity', { events: [{ entity: 'RUN', action: 'CREATED' }] }],
    ['an action that its entity has not', { events: [{ entity: 'MODEL_VERSION', action: 'DELETED' }] }],
    ['an event without an action', { events: [{ entity: 'MODEL_VERSION' }] }],
    ['a secret of 1001 characters', { secret: 'x'.repeat(1_001) }],
    ['a prototype key as an event', { events: [{ entity: '__proto__', action: 'constructor' }] }],
  ])('%s is refused', async (_what, more) => {
    expect(said(await ada.post('webhooks', body(more)))).toEqual(INVALID)
  })
})

describe('the list', () => {
  test('pages, newest first', async () => {
    const names = ['a', 'b', 'c']
    for (const name of names) await fire.post('webhooks', body({ name }))
    const first = (await fire.get('webhooks', { max_results: '2' })).body
    const second = (await fire.get('webhooks', { max_results: '2', page_token: first.next_page_token })).body
    const listed = [...first.webhooks, ...second.webhooks].map((webhook: { name: string }) => webhook.name)
    expect([listed.toSorted(), second.next_page_token]).toEqual([names, undefined])
    expect((await fire.get('webhooks', { max_results: '3' })).body).not.toHaveProperty('next_page_token')
    expect((await fire.get('webhooks', { max_results: '0' })).body.webhooks.length).toBe(3)
    for (const query of [{ max_results: '-1' }, { max_results: '1001' }, { page_token: 'x' }])
      expect(said(await fire.get('webhooks', query))).toEqual(INVALID)
  })
})

describe('update and delete', () => {
  test('change what is given; what may be empty is emptied', async () => {
    const { webhook } = (await ada.post('webhooks', body({ description: 'why', secret: 'x' }))).body
    const at = `webhooks/${webhook.webhook_id}`
    const changed = (await ada.send('PATCH', at, { name: '', description: '', status: 'DISABLED', events: [] })).body
    expect(changed.webhook).toMatchObject({ name: 'h', events: VERSIONS, status: 'DISABLED', url: webhook.url })
    expect(changed.webhook).not.toHaveProperty('description')
    const events = [{ entity: 'PROMPT', action: 'CREATED' }]
    expect((await ada.send('PATCH', at, { name: 'other', events })).body.webhook).toMatchObject({
      name: 'other',
      events,
    })
    expect(said(await ada.send('PATCH', at, { url: 'https://10.0.0.1/' }))).toEqual(INVALID)
    expect((await ada.send('DELETE', at)).text).toBe('{}')
    for (const answer of [await ada.get(at), await ada.send('PATCH', at, { name: 'x' }), await ada.send('DELETE', at)])
      expect(said(answer)).toEqual(MISSING)
    expect(said(await ada.post(`${at}/test`))).toEqual(MISSING)
  })
})

describe('idor-webhook', () => {
  test('only owners, and only in their own project', async () => {
    const { webhook } = (await ada.post('webhooks', body())).body
    const at = `webhooks/${webhook.webhook_id}`
    const calls = (api: MlflowApi) =>
      Promise.all([
        api.get(at),
        api.send('PATCH', at, { name: 'mine' }),
        api.send('DELETE', at),
        api.post(`${at}/test`),
      ])
    expect((await calls(edgar)).map(said)).toEqual([FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN])
    for (const api of [bob, fire]) expect((await calls(api)).map(said)).toEqual([MISSING, MISSING, MISSING, MISSING])
    expect(said(await edgar.get('webhooks'))).toEqual(FORBIDDEN)
    expect(said(await edgar.post('webhooks', body()))).toEqual(FORBIDDEN)
    expect((await ada.get(at)).body.webhook.name).toBe('h')
    expect(receiver.received).toEqual([])
  })
})

describe('test', () => {
  test('sends the example of the event asked for, of the first one else', async () => {
    const events = [{ entity: 'PROMPT_TAG', action: 'SET' }, ...VERSIONS]
    const { webhook } = (await ada.post('webhooks', body({ events }))).body
    const answer = await ada.post(`webhooks/${webhook.webhook_id}/test`)
    expect(answer.body).toEqual({ result: { success: true, response_status: 200, response_body: '' } })
    await ada.post(`webhooks/${webhook.webhook_id}/test`, { event: { entity: 'PROMPT_ALIAS', action: 'DELETED' } })
    expect(receiver.received.map((one) => JSON.parse(one.body).data)).toEqual([
      { name: 'example_prompt', key: 'example_key', value: 'example_value' },
      { name: 'example_prompt', alias: 'example_alias' },
    ])
    receiver.next.push('reset')
    const failed = await ada.post(`webhooks/${webhook.webhook_id}/test`)
    expect([failed.status, failed.body.result.success, failed.body.result.error_message]).toEqual([
      200,
      false,
      expect.any(String),
    ])
  })
})
