import { createHmac } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mlflowApi } from '../../../tests/harness/mlflow.ts'
import { Receiver } from '../../../tests/harness/receiver.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { inTransaction } from '../../context.ts'
import { LOCAL } from '../../lib/actor.ts'
import { findProject } from '../projects/projects.service.ts'
import { createModel } from '../registry/models.service.ts'
import { DELIVER_TASK } from './webhooks-announce.service.ts'
import { WEBHOOK_TASKS } from './webhooks-delivery.service.ts'

const P = '/api/v1/projects/local/default/webhooks'
const SECRET = 'whsec of the test ✓'
let server: TestServer
let receiver: Receiver
beforeAll(async () => {
  receiver = await Receiver.open()
  server = await startTestServer({ webhookAllowedHosts: receiver.host })
  await mlflowApi(server).get('experiments/get', { experiment_id: '0' })
})
afterAll(async () => {
  await receiver.close()
  await server.close()
})
beforeEach(async () => {
  for (const { id } of (await server.request('GET', P)).body.webhooks) await server.request('DELETE', `${P}/${id}`)
  receiver.received.length = 0
  receiver.next.length = 0
})

let models = 0
const FAR = Number.MAX_SAFE_INTEGER
async function hook(more: Record<string, unknown> = {}): Promise<string> {
  const body = { name: 'h', url: receiver.url(), events: ['registered_model.created'], secret: SECRET, ...more }
  const made = await server.request('POST', P, { body })
  expect(made.status, made.text).toBe(201)
  return made.body.id
}
async function model(): Promise<string> {
  const name = `m${++models}`
  expect((await mlflowApi(server).post('registered-models/create', { name })).status).toBe(200)
  return name
}
type Delivery = { id: string; state: string; attempts: number; response_status: number; error: string; payload: string }
async function deliveries(id: string): Promise<Delivery[]> {
  return (await server.request('GET', `${P}/${id}/deliveries`)).body.deliveries
}
/** Asks until the newest delivery has had so many attempts. */
async function attempted(id: string, attempts: number): Promise<Delivery> {
  for (;;) {
    const [newest] = await deliveries(id)
    if (newest !== undefined && newest.attempts >= attempts) return newest
    await wait(20)
  }
}
/** Makes the next attempt of what waits, as if its time had come; the queue's own turn is put off. */
async function later(id: string): Promise<void> {
  const { db } = server.ctx
  await db.updateTable('tasks').set({ run_after_ms: FAR }).where('state', '=', 'queued').execute()
  await db.updateTable('webhooks').set({ paused_until_ms: null }).where('id', '=', id).execute()
  for (const delivery of await deliveries(id))
    if (delivery.state === 'waiting') await WEBHOOK_TASKS[DELIVER_TASK]?.(server.ctx, { delivery_id: delivery.id })
}
function signatureOf(headers: Record<string, unknown>, body: string): string {
  const signed = `${headers['x-mlflow-delivery-id']}.${headers['x-mlflow-timestamp']}.${body}`
  return `v1,${createHmac('sha256', Buffer.from(SECRET, 'utf8')).update(Buffer.from(signed, 'utf8')).digest('base64')}`
}

describe('a delivery', () => {
  test('is what MLflow’s receivers verify: envelope, id, time, signature over the bytes', async () => {
    const id = await hook()
    const before = Math.floor(Date.now() / 1000)
    const name = await model()
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
    const done = await attempted(id, 1)
    expect(done).toMatchObject({
      id: headers['x-mlflow-delivery-id'],
      state: 'delivered',
      response_status: 200,
      error: null,
      payload: body,
    })
  })

  test('without a secret has no signature; with an emptied one neither', async () => {
    const id = await hook({ secret: undefined })
    await model()
    expect((await receiver.until(1))[0]?.headers).not.toHaveProperty('x-mlflow-signature')
    await server.request('PATCH', `${P}/${id}`, { body: { secret: SECRET } })
    await model()
    expect((await receiver.until(2))[1]?.headers).toHaveProperty('x-mlflow-signature')
    await server.request('PATCH', `${P}/${id}`, { body: { secret: '' } })
    await model()
    expect((await receiver.until(3))[2]?.headers).not.toHaveProperty('x-mlflow-signature')
  })

  test('follows what was committed, and not what was rolled back', async () => {
    const id = await hook()
    const project = await findProject(server.ctx, LOCAL, 'local', 'default')
    const lost = inTransaction(server.ctx, async (tx) => {
      await createModel(tx, LOCAL, project!, { name: `m${++models}` })
      throw new Error('taken back')
    })
    await expect(lost).rejects.toThrow('taken back')
    expect(await deliveries(id)).toEqual([])
    await model()
    await receiver.until(1)
    expect((await deliveries(id)).length).toBe(1)
  })

  test('goes to those who asked for it, in its own project, and to none that is disabled', async () => {
    await server.request('POST', '/api/v1/projects', { body: { name: 'other' } })
    const other = P.replace('default', 'other')
    const body = { name: 'o', url: receiver.url('/other'), events: ['registered_model.created'] }
    expect((await server.request('POST', other, { body })).status).toBe(201)
    await hook({ url: receiver.url('/aliases'), events: ['model_version_alias.created'] })
    await hook({ url: receiver.url('/disabled'), status: 'DISABLED' })
    await hook({ url: receiver.url('/wanted') })
    await model()
    await receiver.until(1)
    const { rows } = { rows: await server.ctx.db.selectFrom('webhook_deliveries').select('id').execute() }
    expect([rows.length, receiver.received.map(({ url }) => url)]).toEqual([1, ['/wanted']])
  })
})

describe('what fails', () => {
  test('is tried again after 500, after no answer and after a reset, under the same id, signed anew', async () => {
    const id = await hook()
    receiver.next.push({ status: 500 }, 'reset', { status: 429, headers: { 'retry-after': '7200' } })
    const clock = server.ctx.now()
    await model()
    expect(await attempted(id, 1)).toMatchObject({ state: 'waiting', response_status: 500 })
    // The queue's turn comes by itself, from its own time on.
    await server.ctx.db.updateTable('tasks').set({ run_after_ms: 0 }).where('kind', '=', DELIVER_TASK).execute()
    expect(await attempted(id, 2)).toMatchObject({ state: 'waiting', response_status: null })
    await later(id)
    await attempted(id, 3)
    const [waiting] = (await server.request('GET', `${P}/${id}/deliveries`)).body.deliveries
    expect(waiting).toMatchObject({ state: 'waiting', response_status: 429 })
    expect(waiting.next_attempt_at_ms).toBeGreaterThanOrEqual(clock + 3600_000)
    await later(id)
    expect(await attempted(id, 4)).toMatchObject({ state: 'delivered', response_status: 200, error: null })
    const ids = receiver.received.map(({ headers }) => headers['x-mlflow-delivery-id'])
    expect([ids.length, new Set(ids).size]).toEqual([4, 1])
    for (const { headers, body } of receiver.received)
      expect(headers['x-mlflow-signature']).toBe(signatureOf(headers, body))
    expect((await server.request('GET', `${P}/${id}`)).body.failed_in_a_row).toBe(0)
  })

  test('waits longer each time, then is given up and can be sent again', async () => {
    const id = await hook()
    for (let i = 0; i < 9; i++) receiver.next.push({ status: 503 })
    await model()
    let last = 0
    for (let attempt = 1; attempt <= 8; attempt++) {
      const at = server.ctx.now()
      const delivery = (await attempted(id, attempt)) as Delivery & { next_attempt_at_ms: number }
      expect(delivery.state).toBe('waiting')
      const delay = delivery.next_attempt_at_ms - at
      if (attempt !== 1) expect(delay).toBeGreaterThan(last)
      last = delay
      await later(id)
    }
    const given = await attempted(id, 9)
    expect(given).toMatchObject({ state: 'failed', response_status: 503, error: 'The receiver answered 503.' })
    const again = await server.request('POST', `${P}/${id}/deliveries/${given.id}/redeliver`)
    expect([again.status, again.body.state, again.body.attempts]).toEqual([202, 'waiting', 0])
    await later(id)
    await receiver.until(10)
    expect(receiver.received[9]?.headers['x-mlflow-delivery-id']).toBe(given.id)
    expect(await attempted(id, 1)).toMatchObject({ state: 'delivered' })
  })

  test('is not tried again after an answer that will not change', async () => {
    const id = await hook()
    for (const status of [400, 404]) {
      receiver.next.push({ status })
      await model()
      expect(await attempted(id, 1)).toMatchObject({ state: 'failed', response_status: status })
    }
    expect(receiver.received.length).toBe(2)
  })

  test('410 disables the webhook, says why, and what waits is not sent', async () => {
    const id = await hook()
    receiver.next.push({ status: 410 })
    await model()
    expect(await attempted(id, 1)).toMatchObject({ state: 'failed', response_status: 410 })
    const disabled = (await server.request('GET', `${P}/${id}`)).body
    expect([disabled.status, disabled.status_reason]).toEqual(['DISABLED', expect.stringContaining('410')])
    await model()
    expect((await deliveries(id)).length).toBe(1)
    const active = await server.request('PATCH', `${P}/${id}`, { body: { status: 'ACTIVE' } })
    expect(active.body).toMatchObject({ status: 'ACTIVE', status_reason: null })
    await model()
    await receiver.until(2)
  })

  test('ssrf-webhook-redirect: a redirect to an address inside is not followed', async () => {
    const inside = await Receiver.open()
    const id = await hook()
    receiver.next.push({ status: 307, headers: { location: inside.url('/latest/meta-data') } })
    await model()
    expect(await attempted(id, 1)).toMatchObject({
      state: 'failed',
      response_status: 307,
      error: expect.stringContaining('redirect'),
    })
    expect(inside.received).toEqual([])
    await inside.close()
  })

  test('ssrf-webhook-rebind: an address that is inside by the time of the delivery is refused, its listener untouched', async () => {
    const inside = await Receiver.open()
    const id = await hook()
    // What the table says later than it was checked: a name would now stand for this address.
    await server.ctx.db.updateTable('webhooks').set({ url: inside.url() }).where('id', '=', id).execute()
    await model()
    expect(await attempted(id, 1)).toMatchObject({ state: 'failed', response_status: null })
    await server.ctx.db
      .updateTable('webhooks')
      .set({ url: inside.url().replace('http:', 'https:') })
      .where('id', '=', id)
      .execute()
    await model()
    expect((await attempted(id, 1)).error).toContain('is not a public address')
    expect(inside.received).toEqual([])
    await inside.close()
  })

  test('a receiver that fails three times in a row is left alone for a while, by all its deliveries', async () => {
    const id = await hook()
    receiver.next.push({ status: 500 }, { status: 500 }, { status: 500 })
    await model()
    await attempted(id, 1)
    await later(id)
    await attempted(id, 2)
    await later(id)
    await attempted(id, 3)
    await model()
    // The new delivery's turn comes and passes without a request.
    for (;;) {
      const [row] = await server.ctx.db
        .selectFrom('webhook_deliveries')
        .selectAll()
        .where('webhook_id', '=', id)
        .where('attempts', '=', 0)
        .execute()
      if ((row?.next_attempt_at_ms ?? 0) > server.ctx.now()) break
      await wait(20)
    }
    expect(receiver.received.length).toBe(3)
    await later(id)
    await receiver.until(5)
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
    const made = await server.request('POST', P, { body: { name: 'h', url, events: ['prompt.created'] } })
    expect([made.status, made.body.error.field]).toEqual([400, 'url'])
    const id = await hook()
    const changed = await server.request('PATCH', `${P}/${id}`, { body: { url } })
    expect([changed.status, changed.body.error.field]).toEqual([400, 'url'])
  })
})

describe('the secret', () => {
  test('is never given back, and lies encrypted in the database', async () => {
    const id = await hook({ secret: SECRET })
    const said = [
      await server.request('GET', P),
      await server.request('GET', `${P}/${id}`),
      await server.request('PATCH', `${P}/${id}`, { body: { secret: SECRET } }),
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
  const id = await hook({ events: ['model_version_alias.deleted', 'registered_model.created'] })
  receiver.next.push({ status: 418, body: 'short and stout' })
  const failed = await server.request('POST', `${P}/${id}/test`, { body: {} })
  expect(failed.body).toEqual({
    success: false,
    response_status: 418,
    response_body: 'short and stout',
    error: 'The receiver answered 418.',
  })
  const { headers, body } = receiver.received[0]!
  expect(JSON.parse(body).data).toEqual({ name: 'example_model', alias: 'example_alias' })
  expect(headers['x-mlflow-signature']).toBe(signatureOf(headers, body))
  const passed = await server.request('POST', `${P}/${id}/test`, { body: { event: 'registered_model.created' } })
  expect(passed.body).toMatchObject({ success: true, response_status: 200, error: null })
  expect(await deliveries(id)).toEqual([])
})

test('a project has at most 50', async () => {
  for (let i = 0; i < 50; i++) await hook()
  const body = { name: 'h', url: receiver.url(), events: ['registered_model.created'] }
  expect((await server.request('POST', P, { body })).status).toBe(400)
})
