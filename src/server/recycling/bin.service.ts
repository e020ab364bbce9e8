import { type Context, inTransaction } from '../../context.ts'
import { isUniqueViolation } from '../../db/dialect.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, badRequest, conflict, notFound } from '../../lib/errors.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { restoreExperiment } from '../tracking/experiment-changes.service.ts'
import { restoreRun } from '../tracking/runs.service.ts'
import * as store from './bin.store.ts'
import type { Need } from './doomed.store.ts'
import { BIN_KINDS, type BinKind, WORDS } from './kinds.ts'
import { bytesOf, inBin, needsOf } from './purge.service.ts'

/** A soft-deleted thing. */
export type BinItem = {
  kind: BinKind
  id: string
  /** As it is called: `name/3` for versions. */
  name: string
  deletedAtMs: number
  /** Null when nobody noted it (an import, or a time before it was noted). */
  deletedBy: string | null
  /** Things that come back with it. */
  contents: number
  /** Bytes that deleting it for ever frees. */
  bytes: number
}

/**
 * What lies in a project's recycle bin, the latest deletion first.
 * @throws AppError bad_request for a page token of no page
 */
export async function listBin(
  ctx: Context,
  projectId: string,
  options: { kind?: BinKind; limit: number; pageToken?: string },
): Promise<{ items: BinItem[]; nextPageToken: string | null }> {
  const after = options.pageToken === undefined ? null : cursorOf(options.pageToken)
  const kinds = options.kind === undefined ? BIN_KINDS : [options.kind]
  const found: { kind: BinKind; row: store.BinRow }[] = []
  for (const kind of kinds) {
    const rows = await store.binRows(ctx.db, projectId, kind, after, options.limit + 1)
    for (const row of rows) found.push({ kind, row })
  }
  found.sort(
    (a, b) => b.row.deleted_at_ms - a.row.deleted_at_ms || compare(a.kind, b.kind) || compare(a.row.id, b.row.id),
  )
  const page = found.slice(0, options.limit)
  const last = page.at(-1)
  return {
    items: await describe(ctx, projectId, page),
    nextPageToken: found.length <= options.limit || last === undefined ? null : tokenOf(last),
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

function tokenOf({ kind, row }: { kind: BinKind; row: store.BinRow }): string {
  return Buffer.from(JSON.stringify([row.deleted_at_ms, kind, row.id])).toString('base64url')
}

function cursorOf(token: string): store.BinCursor {
  try {
    const [deletedAtMs, kind, id] = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as unknown[]
    const known = BIN_KINDS.find((one) => one === kind)
    if (Number.isSafeInteger(deletedAtMs) && known !== undefined && typeof id === 'string' && !id.includes('\0'))
      return { deletedAtMs: deletedAtMs as number, kind: known, id }
  } catch {}
  throw badRequest('Invalid page token: it is none that this list gave out.', 'page_token')
}

async function describe(
  ctx: Context,
  projectId: string,
  page: readonly { kind: BinKind; row: store.BinRow }[],
): Promise<BinItem[]> {
  const who = new Map<string, { actor: string; created_at_ms: number }[]>()
  for (const [kind, items] of Map.groupBy(page, (item) => item.kind)) {
    const subjects = items.map(({ row }) => row.subject)
    for (const event of await store.deletions(ctx.db, projectId, kind, subjects)) {
      const key = `${kind}:${event.subject}`
      who.set(key, [...(who.get(key) ?? []), event])
    }
  }
  const items: BinItem[] = []
  for (const { kind, row } of page) {
    const distance = (event: { created_at_ms: number }) => Math.abs(event.created_at_ms - row.deleted_at_ms)
    const events = (who.get(`${kind}:${row.subject}`) ?? []).sort((a, b) => distance(a) - distance(b))
    const { doomed } = await inBin(ctx, projectId, kind, row.id)
    items.push({
      kind,
      id: row.id,
      name: row.name,
      deletedAtMs: row.deleted_at_ms,
      deletedBy: events[0]?.actor ?? null,
      contents: row.contents,
      bytes: await bytesOf(ctx, doomed),
    })
  }
  return items
}

/** One thing of the bin, with what stands in the way of deleting it for ever. @throws AppError not_found */
export async function binItem(
  ctx: Context,
  projectId: string,
  kind: BinKind,
  id: string,
): Promise<BinItem & { neededBy: Need[] }> {
  const { row, doomed } = await inBin(ctx, projectId, kind, id)
  const [item] = await describe(ctx, projectId, [{ kind, row }])
  if (item === undefined) throw notFound(`There is no ${WORDS[kind]} "${id.slice(0, 100)}" in the recycle bin.`)
  return { ...item, neededBy: await needsOf(ctx, doomed) }
}

/**
 * Takes a thing out of the bin, with what went with it. Aliases of a model do not come back: where they point was free to
 * be chosen again.
 * @throws AppError not_found, conflict when its name is taken by now, forbidden for a job
 */
export async function restore(ctx: Context, actor: Actor, project: Project, kind: BinKind, id: string): Promise<void> {
  if (actor.run !== null) throw new AppError('forbidden', 'The token of a job may not restore anything.')
  const taken = (name: string) =>
    conflict(
      `Another ${WORDS[kind]} is named "${name}" by now. Rename that one, or delete it, and restore this one then.`,
      'name',
    )
  let name = ''
  try {
    await inTransaction(ctx, async (tx) => {
      const { row } = await inBin(tx, project.id, kind, id)
      name = row.name
      if (kind === 'experiment') return restoreExperiment(tx, actor, project, id)
      if (kind === 'run') return restoreRun(tx, actor, project, id)
      await store.bringBack(tx.db, project.id, kind, row, tx.now())
      await recordEvent(tx, actor, {
        projectId: project.id,
        verb: 'restored',
        kind,
        subject: row.subject,
        detail: { name: row.name },
      })
    })
  } catch (error) {
    if (isUniqueViolation(error) || (error instanceof AppError && error.code === 'conflict')) throw taken(name)
    throw error
  }
}
