import type { Insertable, Selectable } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { ModelVersionsTable } from '../../db/tables/registry.ts'

export type VersionRow = Selectable<ModelVersionsTable>
/** A version with its model's name of today. */
export type NamedVersionRow = VersionRow & { name: string }

export function namedVersions(db: Db) {
  return db
    .selectFrom('model_versions')
    .innerJoin('registered_models', 'registered_models.id', 'model_versions.model_id')
    .selectAll('model_versions')
    .select('registered_models.name as name')
}

export async function insertVersion(db: Db, row: Insertable<ModelVersionsTable>): Promise<void> {
  await db.insertInto('model_versions').values(row).execute()
}

export async function versionByNumber(db: Db, modelId: string, version: number): Promise<NamedVersionRow | undefined> {
  return namedVersions(db)
    .where('model_versions.model_id', '=', modelId)
    .where('model_versions.version', '=', version)
    .where('model_versions.deleted_at_ms', 'is', null)
    .executeTakeFirst()
}

export async function versionByAlias(db: Db, modelId: string, alias: string): Promise<NamedVersionRow | undefined> {
  return namedVersions(db)
    .innerJoin('model_aliases', 'model_aliases.version_id', 'model_versions.id')
    .where('model_aliases.model_id', '=', modelId)
    .where('model_aliases.alias', '=', alias)
    .executeTakeFirst()
}

/** Also a deleted one: lineage outlives deletion. */
export async function versionById(db: Db, id: string): Promise<NamedVersionRow | undefined> {
  return namedVersions(db).where('model_versions.id', '=', id).executeTakeFirst()
}

export async function versionsOfModels(db: Db, modelIds: readonly string[]): Promise<NamedVersionRow[]> {
  if (modelIds.length === 0) return []
  return namedVersions(db)
    .where('model_versions.model_id', 'in', [...modelIds])
    .where('model_versions.deleted_at_ms', 'is', null)
    .orderBy('model_versions.version', 'desc')
    .execute()
}

/** Per model and stage the newest version. */
export async function latestPerStage(db: Db, modelIds: readonly string[]): Promise<NamedVersionRow[]> {
  if (modelIds.length === 0) return []
  const newest = db
    .selectFrom('model_versions')
    .select((eb) => ['model_id', 'stage', eb.fn.max('version').as('newest')])
    .where('model_id', 'in', [...modelIds])
    .where('deleted_at_ms', 'is', null)
    .groupBy(['model_id', 'stage'])
    .as('latest')
  return namedVersions(db)
    .innerJoin(newest, (join) =>
      join
        .onRef('latest.model_id', '=', 'model_versions.model_id')
        .onRef('latest.newest', '=', 'model_versions.version'),
    )
    .orderBy('model_versions.version')
    .execute()
}

export async function versionsOfRun(db: Db, projectId: string, runId: string): Promise<NamedVersionRow[]> {
  return namedVersions(db)
    .where('model_versions.project_id', '=', projectId)
    .where('model_versions.run_id', '=', runId)
    .where('model_versions.deleted_at_ms', 'is', null)
    .orderBy('model_versions.created_at_ms')
    .orderBy('model_versions.id')
    .execute()
}

export async function versionsOfLoggedModels(
  db: Db,
  projectId: string,
  ids: readonly string[],
): Promise<NamedVersionRow[]> {
  if (ids.length === 0) return []
  return namedVersions(db)
    .where('model_versions.project_id', '=', projectId)
    .where('model_versions.logged_model_id', 'in', [...ids])
    .where('model_versions.deleted_at_ms', 'is', null)
    .orderBy('model_versions.created_at_ms')
    .execute()
}

type VersionChange = Partial<Pick<VersionRow, 'description' | 'stage' | 'updated_at_ms' | 'deleted_at_ms' | 'mlmodel'>>

export async function updateVersion(db: Db, id: string, change: VersionChange): Promise<void> {
  await db.updateTable('model_versions').set(change).where('id', '=', id).execute()
}

/** A model's new name is a change of each of its versions. */
export async function touchVersions(db: Db, modelId: string, nowMs: number): Promise<void> {
  await db
    .updateTable('model_versions')
    .set({ updated_at_ms: nowMs })
    .where('model_id', '=', modelId)
    .where('deleted_at_ms', 'is', null)
    .execute()
}

export async function deleteVersionsOf(db: Db, modelId: string, nowMs: number): Promise<void> {
  await db
    .updateTable('model_versions')
    .set({ deleted_at_ms: nowMs })
    .where('model_id', '=', modelId)
    .where('deleted_at_ms', 'is', null)
    .execute()
}

/** Archives a model's other versions of a stage. @returns their numbers */
export async function archiveOthers(
  db: Db,
  modelId: string,
  stage: string,
  except: string,
  nowMs: number,
): Promise<number[]> {
  const rows = await db
    .updateTable('model_versions')
    .set({ stage: 'Archived', updated_at_ms: nowMs })
    .where('model_id', '=', modelId)
    .where('stage', '=', stage)
    .where('id', '!=', except)
    .where('deleted_at_ms', 'is', null)
    .returning('version')
    .execute()
  return rows.map(({ version }) => version).sort((a, b) => a - b)
}

export async function putVersionTag(db: Db, versionId: string, key: string, value: string): Promise<void> {
  await db
    .insertInto('model_version_tags')
    .values({ version_id: versionId, key, value })
    .onConflict((conflict) => conflict.columns(['version_id', 'key']).doUpdateSet({ value }))
    .execute()
}

export async function deleteVersionTag(db: Db, versionId: string, key: string): Promise<void> {
  await db.deleteFrom('model_version_tags').where('version_id', '=', versionId).where('key', '=', key).execute()
}

/** Tags and aliases of versions; the ids come in chunks that fit the engine's parameters. */
export async function tagsOfVersions(
  db: Db,
  ids: readonly string[],
): Promise<{ version_id: string; key: string; value: string }[]> {
  return db
    .selectFrom('model_version_tags')
    .selectAll()
    .where('version_id', 'in', [...ids])
    .orderBy('key')
    .execute()
}

export async function aliasesOfVersions(
  db: Db,
  ids: readonly string[],
): Promise<{ version_id: string; alias: string }[]> {
  return db
    .selectFrom('model_aliases')
    .select(['version_id', 'alias'])
    .where('version_id', 'in', [...ids])
    .orderBy('alias')
    .execute()
}
