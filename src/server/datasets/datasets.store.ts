import { type Selectable, sql } from 'kysely'
import { type Db, inChunks } from '../../db/dialect.ts'
import type {
  DatasetFilesTable,
  DatasetsTable,
  DatasetVersionsTable,
  ProjectBlobsTable,
} from '../../db/tables/datasets.ts'

export type DatasetRow = Selectable<DatasetsTable>
export type VersionRow = Selectable<DatasetVersionsTable>
export type FileRow = Selectable<DatasetFilesTable>
/** A version with the name of its dataset and, when it has a parent, the parent's dataset and number. */
export type NamedVersionRow = VersionRow & {
  dataset: string
  parent_dataset: string | null
  parent_version: number | null
}

/** Adds the dataset unless an active one of this name exists; who comes second finds the first one's row. */
export async function insertDataset(db: Db, row: DatasetRow): Promise<boolean> {
  const result = await db
    .insertInto('datasets')
    .values(row)
    .onConflict((conflict) => conflict.columns(['project_id', 'name']).where('deleted_at_ms', 'is', null).doNothing())
    .executeTakeFirst()
  return Number(result.numInsertedOrUpdatedRows ?? 0) > 0
}

export async function datasetByName(db: Db, projectId: string, name: string): Promise<DatasetRow | undefined> {
  return db
    .selectFrom('datasets')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('name', '=', name)
    .where('deleted_at_ms', 'is', null)
    .executeTakeFirst()
}

export async function listDatasets(db: Db, projectId: string): Promise<DatasetRow[]> {
  return db
    .selectFrom('datasets')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('deleted_at_ms', 'is', null)
    .orderBy('name')
    .execute()
}

/** Holds the dataset's row until the transaction ends, so that version numbers are given one after the other. */
export async function lockDataset(db: Db, id: string): Promise<DatasetRow> {
  return db
    .updateTable('datasets')
    .set((eb) => ({ last_version: eb.ref('last_version') }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

export async function updateDataset(
  db: Db,
  id: string,
  change: Partial<Pick<DatasetRow, 'description' | 'licence' | 'last_version' | 'deleted_at_ms'>>,
): Promise<void> {
  await db.updateTable('datasets').set(change).where('id', '=', id).execute()
}

export async function insertVersion(db: Db, row: VersionRow, files: FileRow[]): Promise<void> {
  await db.insertInto('dataset_versions').values(row).execute()
  await inChunks(files, 4, (chunk) => db.insertInto('dataset_files').values(chunk).execute())
}

function namedVersions(db: Db) {
  return db
    .selectFrom('dataset_versions as v')
    .innerJoin('datasets as d', 'd.id', 'v.dataset_id')
    .leftJoin('dataset_versions as p', 'p.id', 'v.parent_id')
    .leftJoin('datasets as pd', 'pd.id', 'p.dataset_id')
    .selectAll('v')
    .select(['d.name as dataset', 'pd.name as parent_dataset', 'p.version as parent_version'])
}

/** A version of a project's active dataset; the latest when `version` is null. */
export async function versionByName(
  db: Db,
  projectId: string,
  name: string,
  version: number | null,
): Promise<NamedVersionRow | undefined> {
  let query = namedVersions(db)
    .where('v.project_id', '=', projectId)
    .where('d.name', '=', name)
    .where('d.deleted_at_ms', 'is', null)
    .where('v.deleted_at_ms', 'is', null)
  query = version === null ? query.orderBy('v.version', 'desc').limit(1) : query.where('v.version', '=', version)
  return query.executeTakeFirst()
}

export async function versionById(db: Db, id: string): Promise<NamedVersionRow | undefined> {
  return namedVersions(db).where('v.id', '=', id).executeTakeFirst()
}

/** Newest first. */
export async function versionsOfDataset(db: Db, datasetId: string): Promise<NamedVersionRow[]> {
  return namedVersions(db)
    .where('v.dataset_id', '=', datasetId)
    .where('v.deleted_at_ms', 'is', null)
    .orderBy('v.version', 'desc')
    .execute()
}

/** The newest version of each active dataset of a project. */
export async function latestVersions(db: Db, projectId: string): Promise<NamedVersionRow[]> {
  return namedVersions(db)
    .where('v.project_id', '=', projectId)
    .where('d.deleted_at_ms', 'is', null)
    .where('v.version', '=', (eb) =>
      eb
        .selectFrom('dataset_versions as n')
        .select((inner) => inner.fn.max('n.version').as('newest'))
        .whereRef('n.dataset_id', '=', 'd.id')
        .where('n.deleted_at_ms', 'is', null),
    )
    .execute()
}

/** What was made from a version, in this project. */
export async function childVersions(
  db: Db,
  projectId: string,
  parentId: string,
): Promise<{ dataset: string; version: number }[]> {
  return db
    .selectFrom('dataset_versions as v')
    .innerJoin('datasets as d', 'd.id', 'v.dataset_id')
    .select(['d.name as dataset', 'v.version'])
    .where('v.project_id', '=', projectId)
    .where('v.parent_id', '=', parentId)
    .where('d.deleted_at_ms', 'is', null)
    .where('v.deleted_at_ms', 'is', null)
    .orderBy('v.created_at_ms')
    .execute()
}

/** In the order of the manifest. */
export async function filesOfVersion(db: Db, versionId: string): Promise<FileRow[]> {
  return db.selectFrom('dataset_files').selectAll().where('version_id', '=', versionId).orderBy('path').execute()
}

export async function fileOfVersion(db: Db, versionId: string, path: string): Promise<FileRow | undefined> {
  return db
    .selectFrom('dataset_files')
    .selectAll()
    .where('version_id', '=', versionId)
    .where('path', '=', path)
    .executeTakeFirst()
}

/** Writes what a profile found, once: false when it was written (or the version has none to make). */
export async function finishProfile(
  db: Db,
  versionId: string,
  change: Pick<VersionRow, 'profile_state' | 'profile' | 'profile_error'>,
): Promise<boolean> {
  const result = await db
    .updateTable('dataset_versions')
    .set(change)
    .where('id', '=', versionId)
    .where('profile_state', '=', 'queued')
    .executeTakeFirst()
  return Number(result.numUpdatedRows) > 0
}

/** Notes that a project holds this content, and that it was sent now. */
export async function putProjectBlob(db: Db, row: Selectable<ProjectBlobsTable>): Promise<void> {
  await db
    .insertInto('project_blobs')
    .values(row)
    .onConflict((conflict) => conflict.columns(['project_id', 'sha256']).doUpdateSet({ used_at_ms: row.used_at_ms }))
    .execute()
}

/** Notes that somebody counts on these contents being here, where nobody did since `beforeMs`. */
export async function touchProjectBlobs(
  db: Db,
  projectId: string,
  hashes: string[],
  { nowMs, beforeMs }: { nowMs: number; beforeMs: number },
): Promise<void> {
  await inChunks(hashes, 1, (chunk) =>
    db
      .updateTable('project_blobs')
      .set({ used_at_ms: nowMs })
      .where('project_id', '=', projectId)
      .where('sha256', 'in', chunk)
      .where('used_at_ms', '<', beforeMs)
      .execute(),
  )
}

/** The size of each of these contents that the project holds. */
export async function projectBlobSizes(db: Db, projectId: string, hashes: string[]): Promise<Map<string, number>> {
  const sizes = new Map<string, number>()
  await inChunks(hashes, 1, async (chunk) => {
    const rows = await db
      .selectFrom('project_blobs')
      .select(['sha256', 'size_bytes'])
      .where('project_id', '=', projectId)
      .where('sha256', 'in', chunk)
      .execute()
    for (const row of rows) sizes.set(row.sha256, row.size_bytes)
  })
  return sizes
}

/** Number of versions by dataset of a project. */
export async function versionCounts(db: Db, projectId: string): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('dataset_versions')
    .select(['dataset_id', sql<number>`count(*)`.as('count')])
    .where('project_id', '=', projectId)
    .where('deleted_at_ms', 'is', null)
    .groupBy('dataset_id')
    .execute()
  return new Map(rows.map((row) => [row.dataset_id, Number(row.count)]))
}

/** Puts a version into the bin; false when it lies there. */
export async function markVersionDeleted(db: Db, id: string, nowMs: number): Promise<boolean> {
  const result = await db
    .updateTable('dataset_versions')
    .set({ deleted_at_ms: nowMs })
    .where('id', '=', id)
    .where('deleted_at_ms', 'is', null)
    .executeTakeFirst()
  return Number(result.numUpdatedRows) > 0
}
