import { type Db, freezeRows, inChunks } from '../../db/dialect.ts'
import type { EntryRow } from './artifacts.store.ts'

/**
 * A folder's entries and all below it, by folder and name. None of them is overwritten or deleted until this transaction
 * ends.
 */
export async function frozenBelow(db: Db, projectId: string, folder: string, limit: number): Promise<EntryRow[]> {
  return db
    .selectFrom('artifact_entries')
    .selectAll()
    .where('project_id', '=', projectId)
    .where((eb) =>
      eb.or([
        eb('folder', '=', folder),
        eb.and([eb('folder', '>=', `${folder}/`), eb('folder', '<', `${folder}0`)]), // `0` follows `/`
      ]),
    )
    .orderBy('folder')
    .orderBy('name')
    .limit(limit)
    .modifyEnd(freezeRows(db))
    .execute()
}

export async function insertEntries(db: Db, rows: readonly EntryRow[]): Promise<void> {
  await inChunks(rows, 7, (some) => db.insertInto('artifact_entries').values(some).execute())
}
