import type { Selectable } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { ModelAliasesTable, RegisteredModelsTable } from '../../db/tables/registry.ts'

export type ModelRow = Selectable<RegisteredModelsTable>
export type AliasRow = Selectable<ModelAliasesTable>
export type NamedAlias = { model_id: string; alias: string; version: number; version_id: string }

export async function modelByName(db: Db, projectId: string, name: string): Promise<ModelRow | undefined> {
  return db
    .selectFrom('registered_models')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('name', '=', name)
    .where('deleted_at_ms', 'is', null)
    .executeTakeFirst()
}

export async function modelsOf(db: Db, projectId: string): Promise<ModelRow[]> {
  return db
    .selectFrom('registered_models')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('deleted_at_ms', 'is', null)
    .orderBy('name')
    .execute()
}

/** Adds a model; false when an active one of this name exists. */
export async function insertModel(db: Db, row: ModelRow): Promise<boolean> {
  const result = await db
    .insertInto('registered_models')
    .values(row)
    .onConflict((conflict) => conflict.columns(['project_id', 'name']).where('deleted_at_ms', 'is', null).doNothing())
    .executeTakeFirst()
  return Number(result.numInsertedOrUpdatedRows ?? 0) > 0
}

export async function updateModel(
  db: Db,
  id: string,
  change: Partial<Pick<ModelRow, 'name' | 'description' | 'updated_at_ms' | 'deleted_at_ms'>>,
): Promise<void> {
  await db.updateTable('registered_models').set(change).where('id', '=', id).execute()
}

/** Holds the model's row until the transaction ends, so that changes below it stand one behind the other. */
export async function lockModel(db: Db, id: string): Promise<void> {
  await db
    .updateTable('registered_models')
    .set((eb) => ({ updated_at_ms: eb.ref('updated_at_ms') }))
    .where('id', '=', id)
    .execute()
}

/**
 * Takes the model's next version number. The row stays locked until the transaction ends, so two takers never get the
 * same. Undefined when the model was deleted meanwhile.
 */
export async function takeVersionNumber(db: Db, modelId: string, nowMs: number): Promise<number | undefined> {
  const row = await db
    .updateTable('registered_models')
    .set((eb) => ({ last_version: eb('last_version', '+', 1), updated_at_ms: nowMs }))
    .where('id', '=', modelId)
    .where('deleted_at_ms', 'is', null)
    .returning('last_version')
    .executeTakeFirst()
  return row?.last_version
}

export async function putModelTag(db: Db, modelId: string, key: string, value: string): Promise<void> {
  await db
    .insertInto('registered_model_tags')
    .values({ model_id: modelId, key, value })
    .onConflict((conflict) => conflict.columns(['model_id', 'key']).doUpdateSet({ value }))
    .execute()
}

export async function deleteModelTag(db: Db, modelId: string, key: string): Promise<void> {
  await db.deleteFrom('registered_model_tags').where('model_id', '=', modelId).where('key', '=', key).execute()
}

export async function tagsOfModels(
  db: Db,
  modelIds: readonly string[],
): Promise<{ model_id: string; key: string; value: string }[]> {
  if (modelIds.length === 0) return []
  return db
    .selectFrom('registered_model_tags')
    .selectAll()
    .where('model_id', 'in', [...modelIds])
    .orderBy('key')
    .execute()
}

export async function aliasesOfModels(db: Db, modelIds: readonly string[]): Promise<NamedAlias[]> {
  if (modelIds.length === 0) return []
  return db
    .selectFrom('model_aliases')
    .innerJoin('model_versions', 'model_versions.id', 'model_aliases.version_id')
    .select(['model_aliases.model_id', 'model_aliases.alias', 'model_aliases.version_id', 'model_versions.version'])
    .where('model_aliases.model_id', 'in', [...modelIds])
    .orderBy('model_aliases.alias')
    .execute()
}

export async function putAlias(db: Db, row: AliasRow): Promise<void> {
  await db
    .insertInto('model_aliases')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .columns(['model_id', 'alias'])
        .doUpdateSet({ version_id: row.version_id, updated_at_ms: row.updated_at_ms, updated_by: row.updated_by }),
    )
    .execute()
}

export async function deleteAlias(db: Db, modelId: string, alias: string): Promise<void> {
  await db.deleteFrom('model_aliases').where('model_id', '=', modelId).where('alias', '=', alias).execute()
}

export async function deleteAliasesOfVersion(db: Db, versionId: string): Promise<void> {
  await db.deleteFrom('model_aliases').where('version_id', '=', versionId).execute()
}

export async function deleteAliasesOfModel(db: Db, modelId: string): Promise<void> {
  await db.deleteFrom('model_aliases').where('model_id', '=', modelId).execute()
}

/** How many versions each model has, and the newest one's number. */
export async function countVersions(
  db: Db,
  modelIds: readonly string[],
): Promise<{ model_id: string; count: number; newest: number }[]> {
  if (modelIds.length === 0) return []
  const rows = await db
    .selectFrom('model_versions')
    .select((eb) => ['model_id', eb.fn.countAll<number>().as('count'), eb.fn.max('version').as('newest')])
    .where('model_id', 'in', [...modelIds])
    .where('deleted_at_ms', 'is', null)
    .groupBy('model_id')
    .execute()
  return rows.map((row) => ({ model_id: row.model_id, count: Number(row.count), newest: Number(row.newest) }))
}
