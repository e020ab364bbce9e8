import { randomUUID } from 'node:crypto'
import type { Config } from '../../config.ts'
import { type Context, inTransaction } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { badRequest, notFound } from '../../lib/errors.ts'
import { type OutboundPolicy, parseOutboundUrl, RefusedUrl, resolveOutbound, UnresolvedHost } from '../../lib/ssrf.ts'
import { recordEvent } from './events.service.ts'
import * as store from './webhooks.store.ts'
import { isWebhookEvent, type WebhookEvent } from './webhooks-events.ts'
import { sealSecret } from './webhooks-secret.service.ts'

/** An address of somebody's that is told of changes in a project. */
export type Webhook = {
  id: string
  name: string
  description: string
  url: string
  events: WebhookEvent[]
  status: 'ACTIVE' | 'DISABLED'
  /** Why the server disabled it by itself; null when a person did, or when it is active. */
  statusReason: string | null
  /** Deliveries are signed. The secret itself is never given back. */
  isSigned: boolean
  /** Attempts that failed since the last one that did not. */
  failedInARow: number
  createdBy: string
  createdAtMs: number
  updatedAtMs: number
}

export type WebhookInput = {
  name?: string
  description?: string
  url?: string
  events?: readonly string[]
  /** Empty: deliveries are no longer signed. */
  secret?: string
  status?: 'ACTIVE' | 'DISABLED'
}

const NAME = /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/
const NAME_MAX = 63
const DESCRIPTION_MAX = 5_000
const SECRET_MAX = 1_000
/** Webhooks of one project: each change writes a row for each of them. */
const WEBHOOKS_MAX = 50

/** Where deliveries may go. */
export function outboundPolicy(config: Config): OutboundPolicy {
  return { allowedHosts: config.webhookAllowedHosts }
}

/**
 * Adds a webhook. Looks up the host of its address, so it must not be called inside a transaction.
 * @throws AppError bad_request naming the field
 */
export async function createWebhook(
  ctx: Context,
  actor: Actor,
  projectId: string,
  input: WebhookInput & { name: string; url: string; events: readonly string[] },
): Promise<Webhook> {
  checkText(input)
  const events = checkEvents(input.events)
  await checkUrl(ctx, input.url)
  const now = ctx.now()
  const row: store.WebhookRow = {
    id: randomUUID(),
    project_id: projectId,
    name: input.name,
    description: input.description ?? '',
    url: input.url,
    sealed_secret: await sealSecret(ctx, input.secret),
    status: input.status ?? 'ACTIVE',
    status_reason: null,
    failed_in_a_row: 0,
    paused_until_ms: null,
    created_by: actor.name,
    created_at_ms: now,
    updated_at_ms: now,
  }
  await inTransaction(ctx, async (tx) => {
    if ((await store.countWebhooks(tx.db, projectId)) >= WEBHOOKS_MAX)
      throw badRequest(`A project may have at most ${WEBHOOKS_MAX} webhooks: delete one that is not needed.`)
    await store.insertWebhook(tx.db, row, events)
    await recordEvent(tx, actor, { projectId, verb: 'created', kind: 'webhook', subject: row.name, detail: { events } })
  })
  return webhookOf(row, events)
}

/**
 * Changes what is given. Making it active again, or giving it another address, forgets its failures.
 * @throws AppError bad_request naming the field, not_found
 */
export async function updateWebhook(
  ctx: Context,
  actor: Actor,
  projectId: string,
  id: string,
  input: WebhookInput,
): Promise<Webhook> {
  checkText(input)
  const events = input.events === undefined ? undefined : checkEvents(input.events)
  await getWebhook(ctx, projectId, id)
  if (input.url !== undefined) await checkUrl(ctx, input.url)
  const change: Partial<store.WebhookRow> = { updated_at_ms: ctx.now() }
  if (input.name !== undefined) change.name = input.name
  if (input.description !== undefined) change.description = input.description
  if (input.url !== undefined) change.url = input.url
  if (input.secret !== undefined) change.sealed_secret = await sealSecret(ctx, input.secret)
  if (input.status !== undefined) Object.assign(change, { status: input.status, status_reason: null })
  if (input.status === 'ACTIVE' || input.url !== undefined)
    Object.assign(change, { failed_in_a_row: 0, paused_until_ms: null })
  return inTransaction(ctx, async (tx) => {
    await store.updateWebhook(tx.db, id, change)
    if (events !== undefined) await store.putEvents(tx.db, id, events)
    const webhook = await getWebhook(tx, projectId, id)
    const changed = Object.keys(input).filter((field) => input[field as keyof WebhookInput] !== undefined)
    await recordEvent(tx, actor, {
      projectId,
      verb: 'updated',
      kind: 'webhook',
      subject: webhook.name,
      detail: { changed },
    })
    return webhook
  })
}

/** Deletes a webhook; what was not delivered yet is not delivered any more. @throws AppError not_found */
export async function deleteWebhook(ctx: Context, actor: Actor, projectId: string, id: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const { name } = await getWebhook(tx, projectId, id)
    await store.deleteWebhook(tx.db, id)
    await recordEvent(tx, actor, { projectId, verb: 'deleted', kind: 'webhook', subject: name })
  })
}

/** @throws AppError not_found, also for a webhook of another project */
export async function getWebhook(ctx: Context, projectId: string, id: string): Promise<Webhook> {
  const row = await store.webhookById(ctx.db, projectId, id)
  if (row === undefined) throw notFound(`Webhook with ID ${id.slice(0, 100)} not found.`)
  const events = await store.eventsOf(ctx.db, [id])
  return webhookOf(
    row,
    events.map(({ event }) => event),
  )
}

/** A page of a project's webhooks, newest first; `more`: there are others behind it. */
export async function listWebhooks(
  ctx: Context,
  projectId: string,
  limit: number,
  offset: number,
): Promise<{ webhooks: Webhook[]; more: boolean }> {
  const rows = await store.webhooksOf(ctx.db, projectId, limit + 1, offset)
  const shown = rows.slice(0, limit)
  const events = Map.groupBy(
    await store.eventsOf(
      ctx.db,
      shown.map((row) => row.id),
    ),
    (row) => row.webhook_id,
  )
  return {
    webhooks: shown.map((row) =>
      webhookOf(
        row,
        (events.get(row.id) ?? []).map(({ event }) => event),
      ),
    ),
    more: rows.length > limit,
  }
}

function webhookOf(row: store.WebhookRow, events: readonly string[]): Webhook {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    url: row.url,
    events: events.filter(isWebhookEvent),
    status: row.status,
    statusReason: row.status_reason,
    isSigned: row.sealed_secret !== null,
    failedInARow: row.failed_in_a_row,
    createdBy: row.created_by,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  }
}

function checkText(input: WebhookInput): void {
  if (input.name !== undefined && (!NAME.test(input.name) || input.name.length > NAME_MAX)) {
    throw badRequest(
      `Webhook name '${input.name.slice(0, 80)}' is invalid. It must start and end with a lower-case letter or digit, have at most ${NAME_MAX} characters, and contain only lower-case letters, digits, dots, underscores and hyphens.`,
      'name',
    )
  }
  if ((input.description?.length ?? 0) > DESCRIPTION_MAX)
    throw badRequest(`description may have at most ${DESCRIPTION_MAX} characters.`, 'description')
  if ((input.secret?.length ?? 0) > SECRET_MAX)
    throw badRequest(`secret may have at most ${SECRET_MAX} characters.`, 'secret')
}

function checkEvents(events: readonly string[]): WebhookEvent[] {
  if (events.length === 0) throw badRequest('Webhook events cannot be empty.', 'events')
  const known = new Set<WebhookEvent>()
  for (const event of events) {
    if (!isWebhookEvent(event)) throw badRequest(`There is no webhook event '${event.slice(0, 100)}'.`, 'events')
    known.add(event)
  }
  return [...known]
}

/** The address must be one that the server may call now; each delivery checks again. */
async function checkUrl(ctx: Context, text: string): Promise<void> {
  const policy = outboundPolicy(ctx.config)
  try {
    await resolveOutbound(parseOutboundUrl(text, policy), policy)
  } catch (error) {
    // A server without a resolver of its own for a moment: nothing is called, and every delivery asks again.
    if (error instanceof UnresolvedHost && !error.isUnknown) return
    if (error instanceof RefusedUrl || error instanceof UnresolvedHost)
      throw badRequest(`Invalid webhook URL: ${error.message}`, 'url')
    throw error
  }
}
