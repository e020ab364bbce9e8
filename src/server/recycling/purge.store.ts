import { type Insertable, sql } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { BinKind, TombstonesTable } from '../../db/tables/recycling.ts'
import type { Doomed } from './doomed.store.ts'

export async function insertTombstones(db: Db, rows: readonly Insertable<TombstonesTable>[]): Promise<void> {
  for (const row of rows)
    await db
      .insertInto('tombstones')
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .execute()
}

/**
 * Holds the thing's row until the transaction ends, so that of two who delete it for ever one is second, and nobody brings
 * it back meanwhile. False when it is not there.
 */
export async function holdRow(db: Db, { kind, id, projectId }: Doomed): Promise<boolean> {
  const table = sql.table(TABLES[kind])
  const held = await sql<{ id: unknown }>`UPDATE ${table} SET project_id = project_id
    WHERE id = ${id} AND project_id = ${projectId} RETURNING id`.execute(db)
  return held.rows.length > 0
}

const TABLES: Record<BinKind, string> = {
  dataset: 'datasets',
  dataset_version: 'dataset_versions',
  experiment: 'experiments',
  logged_model: 'logged_models',
  model: 'registered_models',
  model_version: 'model_versions',
  run: 'runs',
}

/**
 * Where an experiment keeps its artifacts when nobody said otherwise: a folder of its own, with what belongs to none of its
 * runs too (the files of traces). Undefined when another experiment was told to keep its artifacts there.
 */
export async function ownFolder(db: Db, projectId: string, experimentId: number): Promise<string | undefined> {
  const own = await db
    .selectFrom('experiments')
    .select(['id', 'is_default', 'wire_id', 'artifact_location'])
    .where('project_id', '=', projectId)
    .where('id', '=', experimentId)
    .executeTakeFirst()
  const path = own === undefined ? '' : own.is_default === 1 ? '0' : (own.wire_id ?? String(own.id))
  if (own?.artifact_location !== `mlflow-artifacts:/${path}`) return undefined
  const others = await sql<{ id: number }>`SELECT id FROM experiments
    WHERE project_id = ${projectId} AND id <> ${experimentId}
      AND (artifact_location = ${own.artifact_location} OR artifact_location LIKE ${`mlflow-artifacts:/${path}/%`}
        OR artifact_location LIKE ${`mlflow-artifacts:///${path}/%`} OR artifact_location = ${`mlflow-artifacts:///${path}`})
    LIMIT 1`.execute(db)
  return others.rows.length > 0 ? undefined : path
}

/** An experiment's row id behind the id that clients see. */
export async function experimentRowId(db: Db, projectId: string, id: string): Promise<number | undefined> {
  const query = db.selectFrom('experiments').select('id').where('project_id', '=', projectId)
  if (id === '0') return (await query.where('is_default', '=', 1).executeTakeFirst())?.id
  const others = query.where('is_default', '=', 0)
  const number = Number(id)
  const own = Number.isSafeInteger(number)
    ? await others.where('id', '=', number).where('wire_id', 'is', null).executeTakeFirst()
    : undefined
  return (own ?? (await others.where('wire_id', '=', id).executeTakeFirst()))?.id
}

/** Gives up the name: the rows go in steps, and somebody may want it before they are gone. */
export async function freeExperimentName(db: Db, id: number): Promise<void> {
  await db
    .updateTable('experiments')
    .set({ name: sql<string>`'deleted for ever: ' || CAST(id AS TEXT)` })
    .where('id', '=', id)
    .execute()
}

/** The next runs and logged models of an experiment, for a purge in steps. */
export async function someRuns(db: Db, experimentId: number, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('runs')
    .select('id')
    .where('experiment_id', '=', experimentId)
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map((row) => row.id)
}

export async function someLoggedModels(db: Db, experimentId: number, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('logged_models')
    .select('id')
    .where('experiment_id', '=', experimentId)
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map((row) => row.id)
}

/** Runs with their params, metrics, tags and inputs, which go with the row. */
export async function deleteRuns(db: Db, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  // What these runs measured on models: on those of their experiment and those that they used. There is no index by run.
  await sql`DELETE FROM logged_model_metrics WHERE run_id IN (${sql.join([...ids])}) AND model_id IN (
    SELECT id FROM logged_models WHERE experiment_id IN (SELECT experiment_id FROM runs WHERE id IN (${sql.join([...ids])}))
    UNION SELECT model_id FROM run_models WHERE run_id IN (${sql.join([...ids])}))`.execute(db)
  await db
    .deleteFrom('runs')
    .where('id', 'in', [...ids])
    .execute()
}

export async function deleteLoggedModels(db: Db, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await db
    .deleteFrom('run_models')
    .where('model_id', 'in', [...ids])
    .execute()
  await db
    .deleteFrom('logged_models')
    .where('id', 'in', [...ids])
    .execute()
}

export async function deleteExperiment(db: Db, id: number): Promise<void> {
  await db.deleteFrom('experiments').where('id', '=', id).execute()
}

/**
 * Empties model versions. Their rows stay, without content: predictions and decisions that were made with them still say
 * which version of what it was.
 */
export async function emptyModelVersions(db: Db, { modelVersions }: Doomed): Promise<void> {
  await sql`DELETE FROM model_forms WHERE version_id IN (${modelVersions})`.execute(db)
  await sql`DELETE FROM model_version_tags WHERE version_id IN (${modelVersions})`.execute(db)
  await sql`DELETE FROM model_aliases WHERE version_id IN (${modelVersions})`.execute(db)
  await sql`UPDATE model_versions SET description = '', run_link = '', source = '', download_uri = '', artifact_path = NULL,
    mlmodel = NULL WHERE id IN (${modelVersions})`.execute(db)
}

export async function emptyModel(db: Db, id: string): Promise<void> {
  await db.deleteFrom('registered_model_tags').where('model_id', '=', id).execute()
  await db.updateTable('registered_models').set({ description: '' }).where('id', '=', id).execute()
}

/** Empties dataset versions. Their rows stay, without files: runs and decisions of the past still say which one it was. */
export async function emptyDatasetVersions(db: Db, { datasetVersions }: Doomed): Promise<void> {
  await sql`DELETE FROM dataset_files WHERE version_id IN (${datasetVersions})`.execute(db)
  await sql`UPDATE dataset_versions SET message = '', recipe = NULL, profile = NULL, profile_state = 'none'
    WHERE id IN (${datasetVersions})`.execute(db)
}

export async function emptyDataset(db: Db, id: string): Promise<void> {
  await db.updateTable('datasets').set({ description: '' }).where('id', '=', id).execute()
}

/** The versions of the set, for their own tombstones. */
export async function versionsOf(
  db: Db,
  { modelVersions, datasetVersions }: Doomed,
): Promise<{ kind: 'model_version' | 'dataset_version'; id: string; name: string }[]> {
  const { rows } = await sql<{ kind: 'model_version' | 'dataset_version'; id: string; name: string }>`
    SELECT 'model_version' AS kind, v.id, m.name || '/' || v.version AS name
      FROM model_versions AS v JOIN registered_models AS m ON m.id = v.model_id WHERE v.id IN (${modelVersions})
    UNION ALL SELECT 'dataset_version', v.id, d.name || '/' || v.version
      FROM dataset_versions AS v JOIN datasets AS d ON d.id = v.dataset_id WHERE v.id IN (${datasetVersions})`.execute(
    db,
  )
  return rows
}

export async function tombstoneOf(
  db: Db,
  projectId: string,
  kind: BinKind,
  id: string,
): Promise<{ name: string; deleted_by: string; deleted_at_ms: number } | undefined> {
  return db
    .selectFrom('tombstones')
    .select(['name', 'deleted_by', 'deleted_at_ms'])
    .where('project_id', '=', projectId)
    .where('kind', '=', kind)
    .where('thing_id', '=', id)
    .executeTakeFirst()
}
