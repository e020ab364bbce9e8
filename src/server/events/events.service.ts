import type { Context } from '../../context.ts'
import type { WriteTx } from '../../db/writes.ts'
import type { Actor } from '../../lib/actor.ts'
import { type EventRow, insertEvents, projectEvents } from './events.store.ts'
import { announce } from './webhooks-announce.service.ts'
import type { Announcement } from './webhooks-events.ts'

export type { EventRow } from './events.store.ts'

export type NewEvent = {
  projectId: string | null
  verb: string
  kind: string
  /** How a URL finds the thing: an id, `name`, or `name/version`. */
  subject: string
  detail?: Record<string, unknown>
  /** What the project's webhooks are told of it. */
  announcement?: Announcement | undefined
}

/** Writes one audit row into the running transaction and wakes the live stream. Call it inside the change's transaction. */
export async function recordEvent(ctx: WriteTx, actor: Actor, event: NewEvent): Promise<void> {
  await recordEvents(ctx, [{ actor, event }])
}

/** As `recordEvent`, for changes that are made together. */
export async function recordEvents(ctx: WriteTx, changes: readonly { actor: Actor; event: NewEvent }[]): Promise<void> {
  if (changes.length === 0) return
  await insertEvents(
    ctx.db,
    changes.map(({ actor, event }) => rowOf(ctx, actor, event)),
  )
  for (const { event } of changes) {
    if (event.projectId !== null && event.announcement !== undefined)
      await announce(ctx, event.projectId, event.announcement)
  }
  ctx.bus.poke()
}

function rowOf(ctx: WriteTx, actor: Actor, event: NewEvent): Omit<EventRow, 'id'> {
  return {
    project_id: event.projectId,
    actor: actor.name,
    verb: event.verb,
    kind: event.kind,
    subject: event.subject,
    detail: JSON.stringify(event.detail ?? {}),
    request_id: actor.origin?.requestId ?? null,
    created_at_ms: ctx.now(),
    result: 'done',
    address: actor.origin?.address ?? '',
    user_agent: actor.origin?.userAgent ?? '',
  }
}

/** A project's events, newest first. `before`: id of the last one seen, for the next page. */
export async function listEvents(
  ctx: Context,
  projectId: string,
  before: number | null,
  limit: number,
): Promise<EventRow[]> {
  return projectEvents(ctx.db, projectId, before, limit)
}
