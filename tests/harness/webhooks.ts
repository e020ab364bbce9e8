import { createHmac } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { DELIVER_TASK } from '../../src/server/events/webhooks-announce.service.ts'
import { WEBHOOK_TASKS } from '../../src/server/events/webhooks-delivery.service.ts'
import { mlflowApi } from './mlflow.ts'
import { Receiver } from './receiver.ts'
import { startTestServer, type TestServer } from './server.ts'

export const WEBHOOKS = '/api/v1/projects/local/default/webhooks'
export const SECRET = 'whsec of the test ✓'
const FAR = Number.MAX_SAFE_INTEGER

export type Delivery = {
  id: string
  state: string
  attempts: number
  response_status: number
  error: string
  payload: string
  next_attempt_at_ms: number
}

/** A server with a real receiver beside it, and what tests of webhooks do with the two. */
export type WebhookBench = {
  server: TestServer
  receiver: Receiver
  /** Makes a webhook to the receiver and returns its id. */
  hook(more?: Record<string, unknown>): Promise<string>
  /** Registers a model, which webhooks are told of, and returns its name. */
  model(): Promise<string>
  deliveries(id: string): Promise<Delivery[]>
  /** The newest delivery, once it has had so many attempts. */
  attempted(id: string, attempts: number): Promise<Delivery>
  /** Makes the next attempt of what waits, as if its time had come; the queue's own turn is put off. */
  later(id: string): Promise<void>
  /** Forgets webhooks and what was received. */
  clear(): Promise<void>
  close(): Promise<void>
}

export async function openWebhookBench(): Promise<WebhookBench> {
  const receiver = await Receiver.open()
  const server = await startTestServer({ webhookAllowedHosts: receiver.host })
  const api = mlflowApi(server)
  await api.get('experiments/get', { experiment_id: '0' })
  let models = 0
  const never = new AbortController().signal
  const bench: WebhookBench = {
    server,
    receiver,
    async hook(more = {}) {
      const body = { name: 'h', url: receiver.url(), events: ['registered_model.created'], secret: SECRET, ...more }
      const made = await server.request('POST', WEBHOOKS, { body })
      if (made.status !== 201) throw new Error(made.text)
      return made.body.id
    },
    async model() {
      const name = `m${++models}`
      const made = await api.post('registered-models/create', { name })
      if (made.status !== 200) throw new Error(made.text)
      return name
    },
    deliveries: async (id) => (await server.request('GET', `${WEBHOOKS}/${id}/deliveries`)).body.deliveries,
    async attempted(id, attempts) {
      for (;;) {
        const [newest] = await bench.deliveries(id)
        if (newest !== undefined && newest.attempts >= attempts) return newest
        await wait(20)
      }
    },
    async later(id) {
      const { db } = server.ctx
      await db.updateTable('tasks').set({ run_after_ms: FAR }).where('state', '=', 'queued').execute()
      await db.updateTable('webhooks').set({ paused_until_ms: null }).where('id', '=', id).execute()
      for (const delivery of await bench.deliveries(id))
        if (delivery.state === 'waiting')
          await WEBHOOK_TASKS[DELIVER_TASK]?.(server.ctx, { delivery_id: delivery.id }, never)
    },
    async clear() {
      const { webhooks } = (await server.request('GET', WEBHOOKS)).body
      for (const { id } of webhooks) await server.request('DELETE', `${WEBHOOKS}/${id}`)
      receiver.received.length = 0
      receiver.next.length = 0
    },
    async close() {
      await receiver.close()
      await server.close()
    },
  }
  return bench
}

/** MLflow's signature, computed independently. */
export function signatureOf(headers: Record<string, unknown>, body: string): string {
  const signed = `${headers['x-mlflow-delivery-id']}.${headers['x-mlflow-timestamp']}.${body}`
  return `v1,${createHmac('sha256', Buffer.from(SECRET, 'utf8')).update(Buffer.from(signed, 'utf8')).digest('base64')}`
}
