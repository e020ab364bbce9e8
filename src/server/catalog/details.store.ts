import type { Selectable } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { DatasetFilesTable, DatasetVersionsTable } from '../../db/tables/datasets.ts'
import type { ModelFormsTable, ModelVersionsTable } from '../../db/tables/registry.ts'

/** What an item says beyond what it is found by. Each function takes the version ids of one page. */

export type DatasetDetailRow = Selectable<DatasetVersionsTable> & {
  dataset: string
  dataset_description: string
  licence: string
}

export async function datasetDetails(db: Db, versionIds: string[]): Promise<DatasetDetailRow[]> {
  if (versionIds.length === 0) return []
  return db
    .selectFrom('dataset_versions as v')
    .innerJoin('datasets as d', 'd.id', 'v.dataset_id')
    .selectAll('v')
    .select(['d.name as dataset', 'd.description as dataset_description', 'd.licence'])
    .where('v.id', 'in', versionIds)
    .execute()
}

export async function filesOf(db: Db, versionIds: string[]): Promise<Selectable<DatasetFilesTable>[]> {
  if (versionIds.length === 0) return []
  return db.selectFrom('dataset_files').selectAll().where('version_id', 'in', versionIds).orderBy('path').execute()
}

export type VersionRef = { id: string; thing_id: string; project_id: string; name: string; version: number }

/** Where some dataset versions are found; those of deleted datasets are left out. */
export async function datasetRefs(db: Db, versionIds: string[]): Promise<VersionRef[]> {
  if (versionIds.length === 0) return []
  return db
    .selectFrom('dataset_versions as v')
    .innerJoin('datasets as d', 'd.id', 'v.dataset_id')
    .select(['v.id', 'd.id as thing_id', 'v.project_id', 'd.name', 'v.version'])
    .where('v.id', 'in', versionIds)
    .where('d.deleted_at_ms', 'is', null)
    .execute()
}

export type ModelDetailRow = Selectable<ModelVersionsTable> & {
  model: string
  model_description: string
  logged_model_type: string | null
}

export async function modelDetails(db: Db, versionIds: string[]): Promise<ModelDetailRow[]> {
  if (versionIds.length === 0) return []
  return db
    .selectFrom('model_versions as v')
    .innerJoin('registered_models as m', 'm.id', 'v.model_id')
    .leftJoin('logged_models as l', 'l.id', 'v.logged_model_id')
    .selectAll('v')
    .select(['m.name as model', 'm.description as model_description', 'l.model_type as logged_model_type'])
    .where('v.id', 'in', versionIds)
    .execute()
}

/** The version numbers that exist of some datasets or models, to link neighbours. */
export async function versionNumbers(
  db: Db,
  thingIds: { datasets: string[]; models: string[] },
): Promise<{ thing_id: string; version: number }[]> {
  const datasets =
    thingIds.datasets.length === 0
      ? []
      : await db
          .selectFrom('dataset_versions')
          .select(['dataset_id as thing_id', 'version'])
          .where('dataset_id', 'in', thingIds.datasets)
          .where('deleted_at_ms', 'is', null)
          .orderBy('version')
          .execute()
  const models =
    thingIds.models.length === 0
      ? []
      : await db
          .selectFrom('model_versions')
          .select(['model_id as thing_id', 'version'])
          .where('model_id', 'in', thingIds.models)
          .where('deleted_at_ms', 'is', null)
          .orderBy('version')
          .execute()
  return [...datasets, ...models]
}

export async function aliasesOf(db: Db, versionIds: string[]): Promise<{ version_id: string; alias: string }[]> {
  if (versionIds.length === 0) return []
  return db
    .selectFrom('model_aliases')
    .select(['version_id', 'alias'])
    .where('version_id', 'in', versionIds)
    .orderBy('alias')
    .execute()
}

export async function versionTags(
  db: Db,
  versionIds: string[],
): Promise<{ version_id: string; key: string; value: string }[]> {
  if (versionIds.length === 0) return []
  return db.selectFrom('model_version_tags').selectAll().where('version_id', 'in', versionIds).execute()
}

export async function modelTags(
  db: Db,
  modelIds: string[],
): Promise<{ model_id: string; key: string; value: string }[]> {
  if (modelIds.length === 0) return []
  return db.selectFrom('registered_model_tags').selectAll().where('model_id', 'in', modelIds).execute()
}

export async function formsOf(db: Db, versionIds: string[]): Promise<Selectable<ModelFormsTable>[]> {
  if (versionIds.length === 0) return []
  return db.selectFrom('model_forms').selectAll().where('version_id', 'in', versionIds).execute()
}

export type RunFacts = {
  params: { run_id: string; key: string; value: string }[]
  metrics: { run_id: string; key: string; value: number; is_nan: number }[]
  inputs: { run_id: string; tags: string; dataset_version_id: string | null }[]
}

/** Parameters, latest metrics and dataset inputs of the runs that made some models. */
export async function runFacts(db: Db, runIds: string[]): Promise<RunFacts> {
  if (runIds.length === 0) return { params: [], metrics: [], inputs: [] }
  const [params, metrics, inputs] = await Promise.all([
    db
      .selectFrom('run_params')
      .select(['run_id', 'key', 'value'])
      .where('run_id', 'in', runIds)
      .orderBy('key')
      .execute(),
    db
      .selectFrom('metric_series')
      .select(['run_id', 'key', 'value', 'is_nan'])
      .where('run_id', 'in', runIds)
      .orderBy('key')
      .execute(),
    db
      .selectFrom('run_inputs')
      .select(['run_id', 'tags', 'dataset_version_id'])
      .where('run_id', 'in', runIds)
      .where('dataset_version_id', 'is not', null)
      .orderBy('id')
      .execute(),
  ])
  return { params, metrics, inputs }
}
