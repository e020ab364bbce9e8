import type { Context } from '../../context.ts'
import type { Origin } from '../../lib/actor.ts'
import * as store from './audit.store.ts'
import { insertEvents, lastEventId } from './events.store.ts'

export type { AuditFilter, AuditRow } from './audit.store.ts'

/** Events that one page looks through at most: a filter that matches little must not read a log of years in one go. */
const LOOKED_THROUGH = 50_000

/**
 * The audit log, newest first: each change, and each attempt that was refused or failed.
 * @param page.before id of the last row of the page before
 * @returns `nextBefore`: what the next page begins with, null at the end. A page may be short, even empty, before the end
 */
export async function auditLog(
  ctx: Context,
  filter: store.AuditFilter,
  page: { before: number | null; limit: number },
): Promise<{ rows: store.AuditRow[]; nextBefore: number | null }> {
  const before = page.before ?? (await lastEventId(ctx.db)) + 1
  const from = Math.max(0, before - LOOKED_THROUGH)
  const rows = await store.auditRows(ctx.db, filter, { before, from, limit: page.limit })
  const reached = rows.length === page.limit ? (rows.at(-1)?.id ?? from) : from
  return { rows, nextBefore: reached > (await store.firstEventId(ctx.db)) ? reached : null }
}

export type Refusal = {
  /** `anonymous` also for who could not say who they are. */
  actor: string
  origin: Origin
  projectId: string | null
  /** `POST /api/v1/…/:name`: the route, as it is declared. */
  route: string
  /** The path of the first of them, at most 300 characters. */
  path: string
  status: number
  result: 'denied' | 'failed'
  /** How many like it came since the last row. */
  count: number
}

/** Notes attempts at a change that came to nothing. There is no change to share a transaction with. */
export async function recordRefusal(ctx: Context, refusal: Refusal): Promise<void> {
  await insertEvents(ctx.db, [
    {
      project_id: refusal.projectId,
      actor: refusal.actor,
      verb: 'attempted',
      kind: 'request',
      subject: refusal.route,
      detail: JSON.stringify({ path: refusal.path, status: refusal.status, count: refusal.count }),
      request_id: refusal.origin.requestId,
      created_at_ms: ctx.now(),
      result: refusal.result,
      address: refusal.origin.address,
      user_agent: refusal.origin.userAgent,
    },
  ])
}

/** What a client is, from what it calls itself. */
export function clientKind(userAgent: string): 'mlflow' | 'browser' | 'trainyard' | 'other' | 'platform' {
  if (userAgent === '') return 'platform'
  if (/^mlflow/i.test(userAgent)) return 'mlflow'
  if (/^trainyard/i.test(userAgent)) return 'trainyard'
  return /^Mozilla\//.test(userAgent) ? 'browser' : 'other'
}
