import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Receiver } from '../../../tests/harness/receiver.ts'
import type { TestServer } from '../../../tests/harness/server.ts'
import { openWebhookBench, signatureOf, WEBHOOKS, type WebhookBench } from '../../../tests/harness/webhooks.ts'
import { startServer } from '../../app.ts'
import { readConfig } from '../../config.ts'
import { DELIVER_TASK } from './webhooks-announce.service.ts'

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

describe('what fails', () => {
  test('is tried again after 500, after no answer and after a reset, under the same id, signed anew', async () => {
    const id = await bench.hook()
    receiver.next.push({ status: 500 }, 'reset', { status: 429, headers: { 'retry-after': '7200' } })
    const clock = server.ctx.now()
    await bench.model()
    expect(await bench.attempted(id, 1)).toMatchObject({ state: 'waiting', response_status: 500 })
    // The queue's turn comes by itself, from its own time on.
    await server.ctx.db.updateTable('tasks').set({ run_after_ms: 0 }).where('kind', '=', DELIVER_TASK).execute()
    expect(await bench.attempted(id, 2)).toMatchObject({ state: 'waiting', response_status: null })
    await bench.later(id)
    await bench.attempted(id, 3)
    const [waiting] = (await server.request('GET', `${WEBHOOKS}/${id}/deliveries`)).body.deliveries
    expect(waiting).toMatchObject({ state: 'waiting', response_status: 429 })
    expect(waiting.next_attempt_at_ms).toBeGreaterThanOrEqual(clock + 3600_000)
    await bench.later(id)
    expect(await bench.attempted(id, 4)).toMatchObject({ state: 'delivered', response_status: 200, error: null })
    const ids = receiver.received.map(({ headers }) => headers['x-mlflow-delivery-id'])
    expect([ids.length, new Set(ids).size]).toEqual([4, 1])
    for (const { headers, body } of receiver.received)
      expect(headers['x-mlflow-signature']).toBe(signatureOf(headers, body))
    expect((await server.request('GET', `${WEBHOOKS}/${id}`)).body.failed_in_a_row).toBe(0)
  })

  test('waits longer each time, then is given up and can be sent again', async () => {
    const id = await bench.hook()
    for (let i = 0; i < 9; i++) receiver.next.push({ status: 503 })
    await bench.model()
    let last = 0
    for (let attempt = 1; attempt <= 8; attempt++) {
      const at = server.ctx.now()
      const delivery = await bench.attempted(id, attempt)
      expect(delivery.state).toBe('waiting')
      const delay = delivery.next_attempt_at_ms - at
      if (attempt !== 1) expect(delay).toBeGreaterThan(last)
      last = delay
      await bench.later(id)
    }
    const given = await bench.attempted(id, 9)
    expect(given).toMatchObject({ state: 'failed', response_status: 503, error: 'The receiver answered 503.' })
    const again = await server.request('POST', `${WEBHOOKS}/${id}/deliveries/${given.id}/redeliver`)
    expect([again.status, again.body.state, again.body.attempts]).toEqual([202, 'waiting', 0])
    await bench.later(id)
    await receiver.until(10)
    expect(receiver.received[9]?.headers['x-mlflow-delivery-id']).toBe(given.id)
    expect(await bench.attempted(id, 1)).toMatchObject({ state: 'delivered' })
  })

  test('is not tried again after an answer that will not change', async () => {
    const id = await bench.hook()
    for (const status of [400, 404]) {
      receiver.next.push({ status })
      await bench.model()
      expect(await bench.attempted(id, 1)).toMatchObject({ state: 'failed', response_status: status })
    }
    expect(receiver.received.length).toBe(2)
  })

  test('410 disables the webhook, says why, and what waits is not sent', async () => {
    const id = await bench.hook()
    receiver.next.push({ status: 410 })
    await bench.model()
    expect(await bench.attempted(id, 1)).toMatchObject({ state: 'failed', response_status: 410 })
    const disabled = (await server.request('GET', `${WEBHOOKS}/${id}`)).body
    expect([disabled.status, disabled.status_reason]).toEqual(['DISABLED', expect.stringContaining('410')])
    await bench.model()
    expect((await bench.deliveries(id)).length).toBe(1)
    const active = await server.request('PATCH', `${WEBHOOKS}/${id}`, { body: { status: 'ACTIVE' } })
    expect(active.body).toMatchObject({ status: 'ACTIVE', status_reason: null })
    await bench.model()
    await receiver.until(2)
  })

  test('ssrf-webhook-redirect: a redirect to an address inside is not followed', async () => {
    const inside = await Receiver.open()
    const id = await bench.hook()
    receiver.next.push({ status: 307, headers: { location: inside.url('/latest/meta-data') } })
    await bench.model()
    expect(await bench.attempted(id, 1)).toMatchObject({
      state: 'failed',
      response_status: 307,
      error: expect.stringContaining('redirect'),
    })
    expect(inside.received).toEqual([])
    await inside.close()
  })

  test('ssrf-webhook-rebind: an address that is inside by the time of the delivery is refused, its listener untouched', async () => {
    const inside = await Receiver.open()
    const id = await bench.hook()
    // What the table says later than it was checked: a name would now stand for this address.
    await server.ctx.db.updateTable('webhooks').set({ url: inside.url() }).where('id', '=', id).execute()
    await bench.model()
    expect(await bench.attempted(id, 1)).toMatchObject({ state: 'failed', response_status: null })
    await server.ctx.db
      .updateTable('webhooks')
      .set({ url: inside.url().replace('http:', 'https:') })
      .where('id', '=', id)
      .execute()
    await bench.model()
    expect((await bench.attempted(id, 1)).error).toContain('is not a public address')
    expect(inside.received).toEqual([])
    await inside.close()
  })

  test('a receiver that fails three times in a row is left alone for a while, by all its deliveries', async () => {
    const id = await bench.hook()
    receiver.next.push({ status: 500 }, { status: 500 }, { status: 500 })
    await bench.model()
    await bench.attempted(id, 1)
    await bench.later(id)
    await bench.attempted(id, 2)
    await bench.later(id)
    await bench.attempted(id, 3)
    await bench.model()
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
    await bench.later(id)
    await receiver.until(5)
  })
})

test('a server that ends does not wait for a receiver that hangs, and makes the delivery after its next start', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trainyard-hooks-'))
  const config = readConfig(
    { host: '127.0.0.1', port: '0', data: folder, logLevel: 'silent', webhookAllowedHosts: receiver.host },
    {},
  )
  const post = (url: string, path: string, body: object) =>
    fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  try {
    const first = await startServer(config)
    await fetch(`${first.url}/api/2.0/mlflow/experiments/get?experiment_id=0`)
    await post(first.url, WEBHOOKS, { name: 'h', url: receiver.url(), events: ['registered_model.created'] })
    receiver.next.push('hang')
    await post(first.url, '/api/2.0/mlflow/registered-models/create', { name: 'm' })
    await receiver.until(1)
    await first.close()
    const second = await startServer(config)
    await receiver.until(2)
    await second.close()
    const ids = receiver.received.map(({ headers }) => headers['x-mlflow-delivery-id'])
    expect(ids[1]).toBe(ids[0])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}, 8_000)
