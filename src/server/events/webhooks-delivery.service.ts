import { createHmac, randomUUID } from 'node:crypto'
import { type Context, inTransaction } from '../../context.ts'
import { type Actor, SYSTEM } from '../../lib/actor.ts'
import { conflict, errorMessage, notFound } from '../../lib/errors.ts'
import { type OutboundAnswer, postOutbound, RefusedUrl } from '../../lib/ssrf.ts'
import { recordEvent } from './events.service.ts'
import { enqueueTask, type TaskHandlers } from './tasks.service.ts'
import { getWebhook, outboundPolicy } from './webhooks.service.ts'
import * as store from './webhooks.store.ts'
import { DELIVER_TASK } from './webhooks-announce.service.ts'
import { WEBHOOK_EXAMPLES, type WebhookEvent, webhookPayload } from './webhooks-events.ts'
import { unsealSecret } from './webhooks-secret.service.ts'

const TIMEOUT_MS = 10_000
const ANSWER_MAX_BYTES = 16 * 1024
/** How long after an attempt that failed the next one is made: nine attempts within about nine hours. */
const RETRY_DELAYS_MS = [1, 5, 30, 120, 600, 1_800, 7_200, 21_600].map((seconds) => seconds * 1_000)
const RETRY_AFTER_MAX_MS = 3600_000
/** From so many failures in a row on, all deliveries of the webhook wait, so that a dead receiver costs little. */
const PAUSE_FROM = 3
const PAUSE_MAX_MS = 3600_000
const GIVE_UP_AFTER_MS = 3 * 24 * 3600_000
const KEEP_MS = 30 * 24 * 3600_000
/** Answers that another attempt may change (as MLflow's sender, and "too early"). */
const TRY_AGAIN = new Set([408, 425, 429])

export type Delivery = store.DeliveryRow

type Outcome = {
  /** `gone`: the receiver says that it wants no more. */
  kind: 'delivered' | 'again' | 'failed' | 'gone'
  status: number | null
  error: string | null
  answer: string | null
  retryAfterMs: number
}

/** What the queue of outbound requests does (app.ts). */
export const WEBHOOK_TASKS: TaskHandlers = {
  [DELIVER_TASK]: (ctx, payload, stopping) => deliver(ctx, String(payload.delivery_id), stopping),
}

/** A webhook's last deliveries, newest first. @throws AppError not_found */
export async function listDeliveries(
  ctx: Context,
  projectId: string,
  webhookId: string,
  limit: number,
): Promise<Delivery[]> {
  await getWebhook(ctx, projectId, webhookId)
  return store.deliveriesOf(ctx.db, webhookId, limit)
}

/** Sends a settled delivery once more, under its old id, so that a receiver that had it can tell. @throws AppError not_found, conflict */
export async function redeliver(
  ctx: Context,
  actor: Actor,
  projectId: string,
  webhookId: string,
  deliveryId: string,
): Promise<Delivery> {
  return inTransaction(ctx, async (tx) => {
    const webhook = await getWebhook(tx, projectId, webhookId)
    const delivery = await store.deliveryById(tx.db, deliveryId)
    if (delivery === undefined || delivery.webhook_id !== webhookId)
      throw notFound('There is no such delivery; deliveries are kept for 30 days.')
    if (delivery.state === 'waiting') throw conflict('This delivery is still on its way.')
    if (webhook.status !== 'ACTIVE') throw conflict('The webhook is disabled: make it active first.')
    const change = { state: 'waiting' as const, attempts: 0, error: null, next_attempt_at_ms: tx.now() }
    await store.updateDelivery(tx.db, deliveryId, change)
    await enqueueTask(tx, { kind: DELIVER_TASK, payload: { delivery_id: deliveryId } })
    await recordEvent(tx, actor, { projectId, verb: 'redelivered', kind: 'webhook', subject: webhook.name })
    return { ...delivery, ...change }
  })
}

/**
 * Sends MLflow's example of an event (the webhook's first, unless one is named) and tells what came back. One attempt;
 * nothing is written.
 * @throws AppError not_found
 */
export async function testWebhook(
  ctx: Context,
  project: { id: string; owner: string; name: string },
  webhookId: string,
  event: WebhookEvent | undefined,
): Promise<{ success: boolean; status: number | null; answer: string | null; error: string | null }> {
  const { events } = await getWebhook(ctx, project.id, webhookId)
  const tested = event ?? events[0]!
  const data: Record<string, unknown> = WEBHOOK_EXAMPLES[tested]
  const payload = webhookPayload({ event: tested, data }, `${project.owner}--${project.name}`, ctx.now())
  const receiver = await store.receiverOf(ctx.db, webhookId)
  if (receiver === undefined) throw notFound(`Webhook with ID ${webhookId} not found.`)
  const outcome = await attempt(ctx, receiver, { id: randomUUID(), payload })
  return {
    success: outcome.kind === 'delivered',
    status: outcome.status,
    answer: outcome.answer,
    error: outcome.error,
  }
}

/**
 * Makes one attempt of a delivery and settles what follows. At least once: a server that ended in between, killed or not,
 * makes it again.
 */
async function deliver(ctx: Context, deliveryId: string, stopping: AbortSignal): Promise<void> {
  const delivery = await store.deliveryById(ctx.db, deliveryId)
  if (delivery === undefined || delivery.state !== 'waiting') return
  const receiver = await store.receiverOf(ctx.db, delivery.webhook_id)
  if (receiver === undefined) return
  const startedAtMs = ctx.now()
  if (receiver.status !== 'ACTIVE') return fail(ctx, delivery, 'The webhook was disabled.')
  if (startedAtMs - delivery.created_at_ms > GIVE_UP_AFTER_MS && delivery.attempts > 0)
    return fail(ctx, delivery, delivery.error ?? 'Given up after three days.')
  if (receiver.paused_until_ms !== null && receiver.paused_until_ms > startedAtMs) {
    const until = receiver.paused_until_ms + spread(5_000)
    return inTransaction(ctx, (tx) => postpone(tx, delivery.id, until))
  }
  const outcome = await attempt(ctx, receiver, delivery, stopping)
  if (outcome.kind === 'again' && stopping.aborted)
    return inTransaction(ctx, (tx) => postpone(tx, delivery.id, startedAtMs))
  await inTransaction(ctx, (tx) => settle(tx, receiver, delivery, outcome, startedAtMs))
}

async function fail(ctx: Context, delivery: Delivery, error: string): Promise<void> {
  await store.updateDelivery(ctx.db, delivery.id, { state: 'failed', error, next_attempt_at_ms: null })
}

async function postpone(tx: Context, deliveryId: string, untilMs: number): Promise<void> {
  await store.updateDelivery(tx.db, deliveryId, { next_attempt_at_ms: untilMs })
  await enqueueTask(tx, { kind: DELIVER_TASK, payload: { delivery_id: deliveryId }, runAfterMs: untilMs })
}

/** A random part of a delay, so that what failed together does not come back together. */
function spread(ms: number): number {
  return Math.round(Math.random() * ms)
}

async function settle(
  tx: Context,
  receiver: store.WebhookRow,
  delivery: Delivery,
  outcome: Outcome,
  startedAtMs: number,
): Promise<void> {
  const now = tx.now()
  const attempts = delivery.attempts + 1
  const delay = RETRY_DELAYS_MS[attempts - 1]
  const again = outcome.kind === 'again' && delay !== undefined
  await store.updateDelivery(tx.db, delivery.id, {
    state: outcome.kind === 'delivered' ? 'delivered' : again ? 'waiting' : 'failed',
    attempts,
    attempted_at_ms: startedAtMs,
    next_attempt_at_ms: null,
    response_status: outcome.status,
    error: outcome.error,
    duration_ms: now - startedAtMs,
  })
  const pausedUntilMs = await noteOnReceiver(tx, receiver, outcome, now)
  if (again) {
    const wait = Math.max(outcome.retryAfterMs, delay + spread(delay / 5))
    await postpone(tx, delivery.id, Math.max(now + wait, pausedUntilMs))
  }
  await store.deleteSettled(tx.db, receiver.id, now - KEEP_MS)
}

/** @returns until when nothing is sent to the receiver, 0 when it is not paused */
async function noteOnReceiver(tx: Context, receiver: store.WebhookRow, outcome: Outcome, now: number): Promise<number> {
  if (outcome.kind === 'delivered') {
    if (receiver.failed_in_a_row > 0)
      await store.updateWebhook(tx.db, receiver.id, { failed_in_a_row: 0, paused_until_ms: null })
    return 0
  }
  if (outcome.kind === 'gone') {
    const reason = 'The receiver answered 410 Gone: it wants no more deliveries.'
    await store.updateWebhook(tx.db, receiver.id, { status: 'DISABLED', status_reason: reason, updated_at_ms: now })
    await recordEvent(tx, SYSTEM, {
      projectId: receiver.project_id,
      verb: 'disabled',
      kind: 'webhook',
      subject: receiver.name,
      detail: { reason },
    })
    return 0
  }
  const failed = receiver.failed_in_a_row + 1
  const pause = failed < PAUSE_FROM ? 0 : Math.min(PAUSE_MAX_MS, 10_000 * 2 ** Math.min(20, failed - PAUSE_FROM))
  const until = pause === 0 ? null : now + pause
  await store.updateWebhook(tx.db, receiver.id, { failed_in_a_row: failed, paused_until_ms: until })
  return until ?? 0
}

/**
 * One request. Each attempt is signed anew, because receivers refuse old timestamps; the delivery's id stays.
 * The signature is MLflow's: `v1,` and base64 of HMAC-SHA256 over `<delivery id>.<timestamp>.<body>`.
 */
async function attempt(
  ctx: Context,
  receiver: store.WebhookRow,
  delivery: { id: string; payload: string },
  stopping?: AbortSignal,
): Promise<Outcome> {
  const timestamp = String(Math.floor(ctx.now() / 1000))
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'user-agent': 'Trainyard-Webhooks/1',
    'X-MLflow-Delivery-Id': delivery.id,
    'X-MLflow-Timestamp': timestamp,
  }
  try {
    if (receiver.sealed_secret !== null) {
      const secret = await unsealSecret(ctx, receiver.sealed_secret)
      const signed = createHmac('sha256', secret).update(`${delivery.id}.${timestamp}.${delivery.payload}`)
      headers['X-MLflow-Signature'] = `v1,${signed.digest('base64')}`
    }
    const answer = await postOutbound(receiver.url, outboundPolicy(ctx.config), {
      headers,
      body: delivery.payload,
      timeoutMs: TIMEOUT_MS,
      maxAnswerBytes: ANSWER_MAX_BYTES,
      signal: stopping,
    })
    return outcomeOf(answer, ctx.now())
  } catch (error) {
    const kind = error instanceof RefusedUrl ? 'failed' : 'again'
    return { kind, status: null, error: errorMessage(error).slice(0, 500), answer: null, retryAfterMs: 0 }
  }
}

function outcomeOf(answer: OutboundAnswer, nowMs: number): Outcome {
  const { status } = answer
  const outcome = (kind: Outcome['kind'], error: string | null, retryAfterMs = 0): Outcome => ({
    kind,
    status,
    error,
    answer: answer.body,
    retryAfterMs,
  })
  if (status >= 200 && status < 300) return outcome('delivered', null)
  if (status === 410) return outcome('gone', 'The receiver answered 410 Gone.')
  if (status >= 500 || TRY_AGAIN.has(status))
    return outcome('again', `The receiver answered ${status}.`, retryAfter(answer, nowMs))
  if (status >= 300 && status < 400)
    return outcome('failed', `The receiver answered ${status}, a redirect; redirects are not followed.`)
  return outcome('failed', `The receiver answered ${status}.`)
}

/** `Retry-After`, in seconds or as a date. */
function retryAfter(answer: OutboundAnswer, nowMs: number): number {
  const value = answer.headers['retry-after']
  if (typeof value !== 'string') return 0
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - nowMs
  return Number.isFinite(ms) ? Math.min(RETRY_AFTER_MAX_MS, Math.max(0, ms)) : 0
}
