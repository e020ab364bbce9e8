import type { Selectable } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { ArtifactUploadPartsTable, ArtifactUploadsTable } from '../../db/tables/artifacts.ts'

export type UploadRow = Selectable<ArtifactUploadsTable>
export type PartRow = Selectable<ArtifactUploadPartsTable>

export async function insertUpload(db: Db, row: UploadRow): Promise<void> {
  await db.insertInto('artifact_uploads').values(row).execute()
}

export async function uploadById(db: Db, id: string): Promise<UploadRow | undefined> {
  return db.selectFrom('artifact_uploads').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Notes the size of the parts, which the first of them tells. @returns false when it is another already */
export async function agreeOnPartSize(db: Db, id: string, sizeBytes: number): Promise<boolean> {
  const result = await db
    .updateTable('artifact_uploads')
    .set({ part_size_bytes: sizeBytes })
    .where('id', '=', id)
    .where((eb) => eb.or([eb('part_size_bytes', 'is', null), eb('part_size_bytes', '=', sizeBytes)]))
    .executeTakeFirst()
  return Number(result.numUpdatedRows) > 0
}

export async function putPartRow(db: Db, row: PartRow): Promise<void> {
  await db
    .insertInto('artifact_upload_parts')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['upload_id', 'part_number']).doUpdateSet({ size_bytes: row.size_bytes, etag: row.etag }),
    )
    .execute()
}

export async function partsOf(db: Db, uploadId: string): Promise<PartRow[]> {
  return db
    .selectFrom('artifact_upload_parts')
    .selectAll()
    .where('upload_id', '=', uploadId)
    .orderBy('part_number')
    .execute()
}

/** The row stays for a while, its parts are not needed any more. @returns false when it was complete before, or is gone */
export async function markComplete(db: Db, id: string): Promise<boolean> {
  const result = await db
    .updateTable('artifact_uploads')
    .set({ is_complete: 1 })
    .where('id', '=', id)
    .where('is_complete', '=', 0)
    .executeTakeFirst()
  await db.deleteFrom('artifact_upload_parts').where('upload_id', '=', id).execute()
  return Number(result.numUpdatedRows) > 0
}

export async function deleteUpload(db: Db, id: string): Promise<void> {
  await db.deleteFrom('artifact_uploads').where('id', '=', id).execute()
}

/** The secret of this name; the first who asks makes it. */
export async function signingSecret(db: Db, name: string, fresh: string, nowMs: number): Promise<string> {
  const found = () => db.selectFrom('signing_keys').select('secret').where('name', '=', name).executeTakeFirst()
  const known = await found()
  if (known !== undefined) return known.secret
  await db
    .insertInto('signing_keys')
    .values({ name, secret: fresh, created_at_ms: nowMs })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  return (await found())?.secret ?? fresh
}
