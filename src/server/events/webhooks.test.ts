import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mlflowApi } from '../../../tests/harness/mlflow.ts'
import type { Receiver } from '../../../tests/harness/receiver.ts'
import type { TestServer } from '../../../tests/harness/server.ts'
import { openWebhookBench, SECRET, signatureOf, WEBHOOKS, type WebhookBench } from '../../../tests/harness/webhooks.ts'
import { inTransaction } from '../../context.ts'
import { LOCAL } from '../../lib/actor.ts'
import { findProject } from '../projects/projects.service.ts'
import { createModel } from '../registry/models.service.ts'

let bench: WebhookBench
let server: TestServer
let receiver: Receiver
beforeAll(async () => {
  bench = await openWebhookBench()
  server = bench.server
  receiver = bench.receiver
})
afterAll(() => bench.close())
beforeEach(() => bench.clear())

describe('a delivery', () => {
  test('is what MLflow’s receivers verify: envelope, id, time, signature over the bytes', async () => {
    const id = await bench.hook()
    const before = Math.floor(Date.now() / 1000)
    const name = await bench.model()
    const [got] = await receiver.until(1)
    const { headers, body } = got!
    expect(JSON.parse(body)).toEqual({
      entity: 'registered_model',
      action: 'created',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/),
      data: { name, tags: {}, description: '' },
      workspace: 'local--default',
    })
    expect(headers['content-type']).toBe('application/json')
    expect(headers['x-mlflow-delivery-id']).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(Number(headers['x-mlflow-timestamp'])).toBeGreaterThanOrEqual(before)
    expect(headers['x-mlflow-signature']).toBe(signatureOf(headers, body))
    expect(headers).not.toHaveProperty('cookie')
    const done = await bench.attempted(id, 1)
    expect(done).toMatchObject({
      id: headers['x-mlflow-delivery-id'],
      state: 'delivered',
      response_status: 200,
      error: null,
      payload: body,
    })
  })

  test('without a secret has no signature; with an emptied one neither', async () => {
    const id = await bench.hook({ secret: undefined })
    await bench.model()
    expect((await receiver.until(1))[0]?.headers).not.toHaveProperty('x-mlflow-signature')
    await server.request('PATCH', `${WEBHOOKS}/${id}`, { body: { secret: SECRET } })
    await bench.model()
    expect((await receiver.until(2))[1]?.headers).toHaveProperty('x-mlflow-signature')
    await server.request('PATCH', `${WEBHOOKS}/${id}`, { body: { secret: '' } })
    await bench.model()
    expect((await receiver.until(3))[2]?.headers).not.toHaveProperty('x-mlflow-signature')
  })

  test('follows what was committed, and not what was rolled back', async () => {
    const id = await bench.hook()
    const project = await findProject(server.ctx, LOCAL, 'local', 'default')
    const lost = inTransaction(server.ctx, async (tx) => {
      await createModel(tx, LOCAL, project!, { name: 'taken-back' })
      throw new Error('taken back')
    })
    await expect(lost).rejects.toThrow('taken back')
    expect(await bench.deliveries(id)).toEqual([])
    await bench.model()
    await receiver.until(1)
    expect((await bench.deliveries(id)).length).toBe(1)
  })

  test('goes to those who asked for it, in its own project, and to none that is disabled', async () => {
    await server.request('POST', '/api/v1/projects', { body: { name: 'other' } })
    const other = WEBHOOKS.replace('default', 'other')
    const body = { name: 'o', url: receiver.url('/other'), events: ['registered_model.created'] }
    expect((await server.request('POST', other, { body })).status).toBe(201)
    await bench.hook({ url: receiver.url('/aliases'), events: ['model_version_alias.created'] })
    await bench.hook({ url: receiver.url('/disabled'), status: 'DISABLED' })
    await bench.hook({ url: receiver.url('/wanted') })
    await bench.model()
    await receiver.until(1)
    const { rows } = { rows: await server.ctx.db.selectFrom('webhook_deliveries').select('id').execute() }
    expect([rows.length, receiver.received.map(({ url }) => url)]).toEqual([1, ['/wanted']])
  })
})

describe('ssrf-webhook: addresses', () => {
  test.each([
    'http://169.254.169.254/latest/meta-data',
    'https://169.254.169.254/latest/meta-data',
    'https://127.0.0.1/',
    'https://localhost/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://10.0.0.1/',
    'https://[fd00:ec2::254]/',
    'https://100.64.0.1/',
    'http://example.com/',
    'https://user:word@example.com/',
  ])('%s is refused', async (url) => {
    const made = await server.request('POST', WEBHOOKS, { body: { name: 'h', url, events: ['prompt.created'] } })
    expect([made.status, made.body.error.field]).toEqual([400, 'url'])
    const id = await bench.hook()
    const changed = await server.request('PATCH', `${WEBHOOKS}/${id}`, { body: { url } })
    expect([changed.status, changed.body.error.field]).toEqual([400, 'url'])
  })
})

describe('the secret', () => {
  test('is never given back, and lies encrypted in the database', async () => {
    const id = await bench.hook({ secret: SECRET })
    const said = [
      await server.request('GET', WEBHOOKS),
      await server.request('GET', `${WEBHOOKS}/${id}`),
      await server.request('PATCH', `${WEBHOOKS}/${id}`, { body: { secret: SECRET } }),
      await server.request('GET', '/api/v1/projects/local/default/events'),
      await mlflowApi(server).get('webhooks'),
    ]
    expect(said.filter(({ text }) => text.includes('whsec') || text.includes('sealed'))).toEqual([])
    const row = await server.ctx.db.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
    expect(row.sealed_secret).toMatch(/^v1\./)
    expect(JSON.stringify(row)).not.toContain('whsec')
  })
})

test('a test tells what came back, and writes no delivery', async () => {
  const id = await bench.hook({ events: ['model_version_alias.deleted', 'registered_model.created'] })
  receiver.next.push({ status: 418, body: 'short and stout' })
  const failed = await server.request('POST', `${WEBHOOKS}/${id}/test`, { body: {} })
  expect(failed.body).toEqual({
    success: false,
    response_status: 418,
    response_body: 'short and stout',
    error: 'The receiver answered 418.',
  })
  const { headers, body } = receiver.received[0]!
  expect(JSON.parse(body).data).toEqual({ name: 'example_model', alias: 'example_alias' })
  expect(headers['x-mlflow-signature']).toBe(signatureOf(headers, body))
  const passed = await server.request('POST', `${WEBHOOKS}/${id}/test`, { body: { event: 'registered_model.created' } })
  expect(passed.body).toMatchObject({ success: true, response_status: 200, error: null })
  expect(await bench.deliveries(id)).toEqual([])
})

test('a project has at most 50', async () => {
  for (let i = 0; i < 50; i++) await bench.hook()
  const body = { name: 'h', url: receiver.url(), events: ['registered_model.created'] }
  expect((await server.request('POST', WEBHOOKS, { body })).status).toBe(400)
})
