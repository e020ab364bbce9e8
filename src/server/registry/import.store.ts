import type { Db } from '../../db/dialect.ts'
import type { ModelVersionsTable, RegisteredModelsTable } from '../../db/tables/registry.ts'

/** Writes that an import needs and no client may make: models and versions with numbers, times and stages of their own. */

export async function modelById(db: Db, projectId: string, id: string): Promise<RegisteredModelsTable | undefined> {
  return db
    .selectFrom('registered_models')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('id', '=', id)
    .where('deleted_at_ms', 'is', null)
    .executeTakeFirst()
}

export async function updateModel(db: Db, id: string, change: Partial<RegisteredModelsTable>): Promise<void> {
  await db.updateTable('registered_models').set(change).where('id', '=', id).execute()
}

/** Whatever became of it: a number is given once. */
export async function versionOfNumber(
  db: Db,
  modelId: string,
  version: number,
): Promise<ModelVersionsTable | undefined> {
  return db
    .selectFrom('model_versions')
    .selectAll()
    .where('model_id', '=', modelId)
    .where('version', '=', version)
    .executeTakeFirst()
}

export async function updateVersion(db: Db, id: string, change: Partial<ModelVersionsTable>): Promise<void> {
  await db.updateTable('model_versions').set(change).where('id', '=', id).execute()
}
