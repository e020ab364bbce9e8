import { type Context, inTransaction } from '../../context.ts'
import { type Actor, SYSTEM } from '../../lib/actor.ts'
import { AppError, errorMessage, notFound } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import { recordEvent } from '../events/events.service.ts'
import { enqueueTask } from '../events/tasks.service.ts'
import { deleteFolder } from './folders.store.ts'
import * as store from './reclaim.store.ts'
import * as references from './references.store.ts'

/** Blobs younger than this are never swept, referred to or not: their upload may not have ended. */
export const MIN_GRACE_MS = 10 * 60_000
/** What is kept by default: who was told that content is here has this long to use it. */
export const DEFAULT_GRACE_MS = 24 * 3600_000
/** Blobs that are asked about and condemned together. */
const BATCH = 500
/** A sweep removes what it condemned within this time, or leaves it. */
const LEASE_MS = 60_000
/** Uploads that were under way when their run was deleted for ever have ended by then. */
const LATE_UPLOADS_MS = 7 * 24 * 3600_000

/** One kind of blob in figures. On disk = referenced + young + unreferenced; a real sweep removes the last. */
export type SweptKind = {
  blobs: number
  bytes: number
  referencedBlobs: number
  referencedBytes: number
  /** Nothing refers to them, but they are younger than the grace time. */
  youngBlobs: number
  youngBytes: number
  /** Removed; in a dry run: what would be. */
  unreferencedBlobs: number
  unreferencedBytes: number
  /** Referred to and not there: bytes that were lost. */
  missingBlobs: number
}
export type ReclaimReport = {
  content: SweptKind
  objects: SweptKind
  /** Leftovers of uploads that broke off. */
  leftovers: number
  /** Content that projects were sent and never used. */
  staleHoldings: number
}

const EMPTY: SweptKind = {
  blobs: 0,
  bytes: 0,
  referencedBlobs: 0,
  referencedBytes: 0,
  youngBlobs: 0,
  youngBytes: 0,
  unreferencedBlobs: 0,
  unreferencedBytes: 0,
  missingBlobs: 0,
}

/**
 * Marks what the database refers to and removes every other blob that is older than the grace time. Safe beside a server
 * at work: what becomes referred to while it runs stays (references.service.ts).
 * @param dryRun counts, and changes nothing
 */
export async function reclaim(
  ctx: Context,
  actor: Actor,
  options: { dryRun: boolean; graceMs: number },
): Promise<ReclaimReport> {
  if (options.graceMs < MIN_GRACE_MS)
    throw new AppError('bad_request', `The grace time must be at least ${MIN_GRACE_MS / 60_000} minutes.`, {
      field: 'grace_minutes',
    })
  const cutoffMs = ctx.now() - options.graceMs
  const { dryRun } = options
  await refuseWrongDatabase(ctx)
  if (!dryRun) await removeLateUploads(ctx)
  const staleHoldings = dryRun ? 0 : await inTransaction(ctx, (tx) => references.dropStaleHoldings(tx.db, cutoffMs))
  const report: ReclaimReport = {
    content: await sweepKind(ctx, 'content', cutoffMs, dryRun),
    objects: await sweepKind(ctx, 'objects', cutoffMs, dryRun),
    leftovers: dryRun ? 0 : await ctx.blobs.sweep(cutoffMs),
    staleHoldings,
  }
  if (!dryRun) {
    await inTransaction(ctx, (tx) =>
      recordEvent(tx, actor, {
        projectId: null,
        verb: 'reclaimed',
        kind: 'blobs',
        subject: 'all',
        detail: {
          blobs: report.content.unreferencedBlobs + report.objects.unreferencedBlobs,
          bytes: report.content.unreferencedBytes + report.objects.unreferencedBytes,
        },
      }),
    )
  }
  return report
}

/** A data folder beside another database would look wholly unused: that is a mistake and no rubbish. */
async function refuseWrongDatabase(ctx: Context): Promise<void> {
  for (const kind of ['content', 'objects'] as const) if ((await references.countReferenced(ctx.db, kind)) > 0) return
  if (await store.everSwept(ctx.db)) return
  let blobs = 0
  for (const kind of ['content', 'objects'] as const) for await (const _ of ctx.blobs.list(kind)) blobs++
  if (blobs > 1_000)
    throw new AppError(
      'conflict',
      `This database refers to none of the ${blobs} blobs of this store. It looks like the wrong one: nothing was removed.`,
    )
}

async function removeLateUploads(ctx: Context): Promise<void> {
  for (const { project_id, artifact_path } of await store.recentFolders(ctx.db, ctx.now() - LATE_UPLOADS_MS)) {
    if (artifact_path !== null) await inTransaction(ctx, (tx) => deleteFolder(tx.db, project_id, artifact_path))
  }
}

async function sweepKind(
  ctx: Context,
  kind: references.BlobKind,
  cutoffMs: number,
  dryRun: boolean,
): Promise<SweptKind> {
  const total = { ...EMPTY }
  let batch: { id: string; sizeBytes: number; modifiedAtMs: number }[] = []
  const flush = async () => {
    const used = await references.referenced(
      ctx.db,
      kind,
      batch.map(({ id }) => id),
      dryRun ? cutoffMs : 0,
    )
    const free = batch.filter(({ id, modifiedAtMs }) => !used.has(id) && modifiedAtMs < cutoffMs)
    const ids = free.map(({ id }) => id)
    const removed = new Set(dryRun ? ids : await sweepBlobs(ctx, kind, ids))
    for (const { id, sizeBytes } of batch) {
      const fate = removed.has(id) ? 'unreferenced' : used.has(id) || ids.includes(id) ? 'referenced' : 'young'
      total.blobs += 1
      total.bytes += sizeBytes
      total[`${fate}Blobs`] += 1
      total[`${fate}Bytes`] += sizeBytes
    }
    batch = []
  }
  for await (const blob of ctx.blobs.list(kind)) {
    batch.push(blob)
    if (batch.length >= BATCH) await flush()
  }
  if (batch.length > 0) await flush()
  total.missingBlobs = Math.max(0, (await references.countReferenced(ctx.db, kind)) - total.referencedBlobs)
  return total
}

/**
 * Removes those of these blobs that nothing refers to. Names them first, in a transaction that nobody can take a reference
 * beside; who comes after it waits until they are gone.
 * @returns what was removed
 */
export async function sweepBlobs(ctx: Context, kind: references.BlobKind, ids: readonly string[]): Promise<string[]> {
  const removed: string[] = []
  for (let i = 0; i < ids.length; i += BATCH) {
    const chunk = ids.slice(i, i + BATCH)
    const nowMs = ctx.now()
    const until = { nowMs, untilMs: nowMs + LEASE_MS }
    const condemned = await inTransaction(ctx, (tx) => references.condemn(tx.db, kind, chunk, until))
    try {
      for (const id of condemned) {
        if (ctx.now() >= until.untilMs - 1_000) break
        await ctx.blobs.remove(kind, id)
        removed.push(id)
      }
    } finally {
      await inTransaction(ctx, (tx) => references.pardon(tx.db, kind, condemned))
    }
  }
  return removed
}

/** The task that follows a deletion for ever: removes what only that thing had. */
export async function sweepTask(ctx: Context, payload: Record<string, unknown>): Promise<void> {
  const kind = payload.kind === 'content' ? 'content' : 'objects'
  const projectId = String(payload.project_id)
  const ids = (payload.ids as unknown[]).map(String)
  if (ids.length === 0) return
  if (kind === 'content') {
    const cutoffMs = ctx.now() - DEFAULT_GRACE_MS
    await inTransaction(ctx, (tx) => references.dropStaleHoldings(tx.db, cutoffMs, { projectId, ids }))
  }
  await sweepBlobs(ctx, kind, ids)
  if (kind !== 'content') return
  const lastUse = await references.lastUseOfHoldings(ctx.db, projectId, ids, ctx.now())
  // Uploaded or asked for not long ago: somebody may be about to use it. Later.
  if (lastUse !== null)
    await enqueueTask(ctx, { kind: 'recycling.sweep', payload, runAfterMs: lastUse + DEFAULT_GRACE_MS + 1_000 })
}

export type Reclaim = {
  id: string
  state: 'queued' | 'running' | 'done' | 'failed'
  dryRun: boolean
  askedBy: string
  graceMs: number
  createdAtMs: number
  finishedAtMs: number | null
  report: ReclaimReport | null
  error: string | null
}

function reclaimOf(row: store.ReclaimRow): Reclaim {
  return {
    id: row.id,
    state: row.state,
    dryRun: row.dry_run === 1,
    askedBy: row.asked_by,
    graceMs: row.grace_ms,
    createdAtMs: row.created_at_ms,
    finishedAtMs: row.finished_at_ms,
    report: row.report === null ? null : (JSON.parse(row.report) as ReclaimReport),
    error: row.error,
  }
}

/** Asks for a sweep, which is done after the answer. @throws AppError bad_request for a grace time that is too short */
export async function askForReclaim(
  ctx: Context,
  actor: Actor,
  options: { dryRun: boolean; graceMs: number },
): Promise<Reclaim> {
  const id = newId(ctx.now())
  await inTransaction(ctx, async (tx) => {
    await store.insertReclaim(tx.db, {
      id,
      state: 'queued',
      dry_run: options.dryRun ? 1 : 0,
      asked_by: actor.name,
      grace_ms: options.graceMs,
      created_at_ms: tx.now(),
      finished_at_ms: null,
      report: null,
      error: null,
    })
    await recordEvent(tx, actor, {
      projectId: null,
      verb: 'created',
      kind: 'reclaim',
      subject: id,
      detail: { dry_run: options.dryRun },
    })
    await enqueueTask(tx, { kind: 'recycling.reclaim', payload: { id } })
  })
  return findReclaim(ctx, id)
}

/** The task behind `askForReclaim`. */
export async function reclaimTask(ctx: Context, payload: Record<string, unknown>): Promise<void> {
  const row = await findReclaim(ctx, String(payload.id))
  await store.updateReclaim(ctx.db, row.id, { state: 'running' })
  try {
    const report = await reclaim(ctx, SYSTEM, row)
    await store.updateReclaim(ctx.db, row.id, {
      state: 'done',
      report: JSON.stringify(report),
      finished_at_ms: ctx.now(),
      error: null,
    })
  } catch (error) {
    await store.updateReclaim(ctx.db, row.id, {
      state: 'failed',
      error: errorMessage(error),
      finished_at_ms: ctx.now(),
    })
    if (!(error instanceof AppError)) throw error
  }
}

/** @throws AppError not_found */
export async function findReclaim(ctx: Context, id: string): Promise<Reclaim> {
  const row = await store.reclaimById(ctx.db, id)
  if (row === undefined) throw notFound('There is no such reclaim.')
  return reclaimOf(row)
}

/** The latest sweeps that were asked for, newest first. */
export async function listReclaims(ctx: Context, limit: number): Promise<Reclaim[]> {
  return (await store.newestReclaims(ctx.db, limit)).map(reclaimOf)
}
