import type { Db } from '../../db/dialect.ts'
import type { ImportedKind, ImportedThingsTable } from '../../db/tables/moves.ts'

export type { ImportedKind } from '../../db/tables/moves.ts'

export async function importedThing(
  db: Db,
  projectId: string,
  kind: ImportedKind,
  sourceId: string,
): Promise<ImportedThingsTable | undefined> {
  return db
    .selectFrom('imported_things')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('kind', '=', kind)
    .where('source_id', '=', sourceId)
    .executeTakeFirst()
}

export async function putImportedThing(db: Db, row: ImportedThingsTable): Promise<void> {
  await db
    .insertInto('imported_things')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['project_id', 'kind', 'source_id']).doUpdateSet({
        target_id: row.target_id,
        fingerprint: row.fingerprint,
        imported_at_ms: row.imported_at_ms,
      }),
    )
    .execute()
}
