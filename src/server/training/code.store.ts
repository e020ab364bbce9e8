import type { Selectable } from 'kysely'
import { type Db, inChunks } from '../../db/dialect.ts'
import type { CodeFilesTable } from '../../db/tables/training.ts'

export type CodeFileRow = Selectable<CodeFilesTable>

/** Adds the files of a snapshot; those of a snapshot that is there already stay as they are. */
export async function insertCodeFiles(db: Db, rows: readonly CodeFileRow[]): Promise<void> {
  await inChunks(rows, 5, (chunk) =>
    db
      .insertInto('code_files')
      .values(chunk)
      .onConflict((conflict) => conflict.columns(['project_id', 'digest', 'path']).doNothing())
      .execute(),
  )
}

export async function codeFiles(db: Db, projectId: string, digest: string): Promise<CodeFileRow[]> {
  return db
    .selectFrom('code_files')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('digest', '=', digest)
    .orderBy('path')
    .execute()
}
