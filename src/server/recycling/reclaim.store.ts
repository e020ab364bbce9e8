import type { Selectable } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { ReclaimsTable } from '../../db/tables/recycling.ts'

export type ReclaimRow = Selectable<ReclaimsTable>

export async function insertReclaim(db: Db, row: ReclaimRow): Promise<void> {
  await db.insertInto('reclaims').values(row).execute()
}

export async function updateReclaim(
  db: Db,
  id: string,
  change: Partial<Pick<ReclaimRow, 'state' | 'report' | 'error' | 'finished_at_ms'>>,
): Promise<void> {
  await db.updateTable('reclaims').set(change).where('id', '=', id).execute()
}

export async function reclaimById(db: Db, id: string): Promise<ReclaimRow | undefined> {
  return db.selectFrom('reclaims').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function newestReclaims(db: Db, limit: number): Promise<ReclaimRow[]> {
  return db
    .selectFrom('reclaims')
    .selectAll()
    .orderBy('created_at_ms', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

/** When the last real sweep was asked for; null when none ever was. */
export async function lastSweep(db: Db): Promise<number | null> {
  const row = await db
    .selectFrom('reclaims')
    .select((eb) => eb.fn.max('created_at_ms').as('at'))
    .where('dry_run', '=', 0)
    .executeTakeFirst()
  return row?.at ?? null
}

/** Whether blobs of this database were ever removed: then a store that it refers to nothing of is no surprise. */
export async function everSwept(db: Db): Promise<boolean> {
  const row = await db.selectFrom('tombstones').select('thing_id').limit(1).executeTakeFirst()
  return row !== undefined
}

/** Artifact folders of what was deleted for ever since a moment. */
export async function recentFolders(
  db: Db,
  sinceMs: number,
): Promise<{ project_id: string; artifact_path: string | null }[]> {
  return db
    .selectFrom('tombstones')
    .select(['project_id', 'artifact_path'])
    .where('artifact_path', 'is not', null)
    .where('deleted_at_ms', '>', sinceMs)
    .execute()
}
