import { createHash } from 'node:crypto'
import type { Context } from '../../context.ts'
import type { Project } from '../projects/projects.service.ts'
import { type ImportedKind, importedThing, putImportedThing } from './moves.store.ts'

/** What an earlier import, whole or stopped in the middle, made of a thing. */
export type Known = { targetId: string; fingerprint: string | null; importedAtMs: number }

export async function knownThing(
  ctx: Context,
  project: Project,
  kind: ImportedKind,
  sourceId: string,
): Promise<Known | null> {
  const row = await importedThing(ctx.db, project.id, kind, sourceId)
  if (row === undefined) return null
  return { targetId: row.target_id, fingerprint: row.fingerprint, importedAtMs: row.imported_at_ms }
}

/** Notes a thing as begun (`fingerprint` null) or as wholly here. Joins the caller's transaction. */
export async function noteThing(
  tx: Context,
  project: Project,
  kind: ImportedKind,
  sourceId: string,
  targetId: string,
  fingerprint: string | null,
): Promise<void> {
  await putImportedThing(tx.db, {
    project_id: project.id,
    kind,
    source_id: sourceId,
    target_id: targetId,
    fingerprint,
    imported_at_ms: tx.now(),
  })
}

/** A hash of everything in a value. */
export function fingerprintOf(value: unknown): string {
  const text = JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === 'bigint') return `${inner}n`
    return typeof inner === 'number' && !Number.isFinite(inner) ? String(inner) : inner
  })
  return createHash('sha256').update(text).digest('hex')
}
