import type { Selectable } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { ModelFormsTable } from '../../db/tables/registry.ts'

export type FormRow = Selectable<ModelFormsTable>

export async function onnxFormRow(db: Db, versionId: string): Promise<FormRow | undefined> {
  return db
    .selectFrom('model_forms')
    .selectAll()
    .where('version_id', '=', versionId)
    .where('kind', '=', 'onnx')
    .executeTakeFirst()
}

export async function onnxFormRows(db: Db, versionIds: readonly string[]): Promise<FormRow[]> {
  return db
    .selectFrom('model_forms')
    .selectAll()
    .where('version_id', 'in', [...versionIds])
    .where('kind', '=', 'onnx')
    .execute()
}

export async function formOfJob(db: Db, projectId: string, jobId: string): Promise<FormRow | undefined> {
  return db
    .selectFrom('model_forms')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .executeTakeFirst()
}

/** Adds the form, or begins it anew; the moment it was first asked for stays. */
export async function putForm(db: Db, row: FormRow): Promise<void> {
  const { id: _id, version_id: _version, created_at_ms: _created, ...change } = row
  await db
    .insertInto('model_forms')
    .values(row)
    .onConflict((conflict) => conflict.columns(['version_id', 'kind']).doUpdateSet(change))
    .execute()
}

type Ending = Pick<FormRow, 'state' | 'blob_sha256' | 'size_bytes' | 'report' | 'reason' | 'updated_at_ms'>

/** Ends the form that waits for this job; false when it does not wait for it any more. */
export async function endForm(db: Db, id: string, jobId: string, change: Ending): Promise<boolean> {
  const result = await db
    .updateTable('model_forms')
    .set(change)
    .where('id', '=', id)
    .where('job_id', '=', jobId)
    .where('state', 'in', ['queued', 'running'])
    .executeTakeFirst()
  return Number(result.numUpdatedRows) > 0
}
