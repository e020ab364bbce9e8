import type { Insertable, Selectable } from 'kysely'
import { type Db, inChunks } from '../../db/dialect.ts'
import type {
  ExperimentsTable,
  LoggedModelMetricsTable,
  LoggedModelsTable,
  RunInputsTable,
  RunModelsTable,
  RunsTable,
} from '../../db/tables/tracking.ts'

/** Writes that an import needs and no client may make: rows with ids, times and lifecycles of their own. */

export type ExperimentRow = Selectable<ExperimentsTable>
type Pair = { key: string; value: string }

export async function experimentByRowId(db: Db, projectId: string, id: number): Promise<ExperimentRow | undefined> {
  return db
    .selectFrom('experiments')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('id', '=', id)
    .executeTakeFirst()
}

/** In whichever project. */
export async function experimentExists(db: Db, id: number): Promise<boolean> {
  return (await db.selectFrom('experiments').select('id').where('id', '=', id).executeTakeFirst()) !== undefined
}

/** @throws the engine's unique violation when an active experiment of this name or an experiment of this id exists */
export async function insertExperiment(db: Db, row: Insertable<ExperimentsTable>): Promise<{ id: number }> {
  return db.insertInto('experiments').values(row).returning('id').executeTakeFirstOrThrow()
}

export async function updateExperiment(db: Db, id: number, change: Partial<Omit<ExperimentRow, 'id'>>): Promise<void> {
  await db.updateTable('experiments').set(change).where('id', '=', id).execute()
}

export async function putExperimentTags(db: Db, experimentId: number, tags: readonly Pair[]): Promise<void> {
  await inChunks(tags, 3, (chunk) =>
    db
      .insertInto('experiment_tags')
      .values(chunk.map(({ key, value }) => ({ experiment_id: experimentId, key, value })))
      .onConflict((conflict) =>
        conflict.columns(['experiment_id', 'key']).doUpdateSet((eb) => ({ value: eb.ref('excluded.value') })),
      )
      .execute(),
  )
}

/** How many runs an experiment has, counted to one. */
export async function hasRuns(db: Db, experimentId: number): Promise<boolean> {
  const row = await db
    .selectFrom('runs')
    .select('id')
    .where('experiment_id', '=', experimentId)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** In whichever project: ids of runs are of the whole server. */
export async function runAnywhere(
  db: Db,
  id: string,
): Promise<Pick<RunsTable, 'project_id' | 'lifecycle'> | undefined> {
  return db.selectFrom('runs').select(['project_id', 'lifecycle']).where('id', '=', id).executeTakeFirst()
}

export async function insertRun(db: Db, row: Insertable<RunsTable>): Promise<void> {
  await db.insertInto('runs').values(row).execute()
}

export async function updateRun(db: Db, id: string, change: Partial<RunsTable>): Promise<void> {
  await db.updateTable('runs').set(change).where('id', '=', id).execute()
}

export async function putRunInput(db: Db, row: RunInputsTable): Promise<void> {
  await db
    .insertInto('run_inputs')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['run_id', 'name', 'digest']).doUpdateSet({ tags: row.tags, context: row.context }),
    )
    .execute()
}

export async function putRunModels(db: Db, rows: readonly RunModelsTable[]): Promise<void> {
  await inChunks(rows, 4, (chunk) =>
    db
      .insertInto('run_models')
      .values(chunk)
      .onConflict((conflict) =>
        conflict.columns(['run_id', 'direction', 'model_id']).doUpdateSet((eb) => ({ step: eb.ref('excluded.step') })),
      )
      .execute(),
  )
}

export async function loggedModelAnywhere(db: Db, id: string): Promise<{ project_id: string } | undefined> {
  return db.selectFrom('logged_models').select('project_id').where('id', '=', id).executeTakeFirst()
}

export async function putLoggedModel(db: Db, row: LoggedModelsTable): Promise<void> {
  await db
    .insertInto('logged_models')
    .values(row)
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet({
        name: row.name,
        status: row.status,
        lifecycle: row.lifecycle,
        updated_at_ms: row.updated_at_ms,
      }),
    )
    .execute()
}

export async function putLoggedModelValues(
  db: Db,
  table: 'logged_model_params' | 'logged_model_tags',
  modelId: string,
  values: readonly Pair[],
): Promise<void> {
  await inChunks(values, 3, (chunk) =>
    db
      .insertInto(table)
      .values(chunk.map(({ key, value }) => ({ model_id: modelId, key, value })))
      .onConflict((conflict) =>
        conflict.columns(['model_id', 'key']).doUpdateSet((eb) => ({ value: eb.ref('excluded.value') })),
      )
      .execute(),
  )
}

export async function addLoggedModelMetrics(db: Db, rows: readonly LoggedModelMetricsTable[]): Promise<void> {
  await inChunks(rows, 9, (chunk) =>
    db
      .insertInto('logged_model_metrics')
      .values(chunk)
      .onConflict((conflict) => conflict.doNothing())
      .execute(),
  )
}

/** Ids of an experiment's runs, deleted ones too, after `after` in the order of ids. */
export async function runIdsOf(
  db: Db,
  experimentId: number,
  after: string,
  limit: number,
): Promise<{ id: string; deleted_at_ms: number | null }[]> {
  return db
    .selectFrom('runs')
    .select(['id', 'deleted_at_ms'])
    .where('experiment_id', '=', experimentId)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute()
}

/** Ids of an experiment's logged models, deleted ones too, after `after` in the order of ids. */
export async function loggedModelIdsOf(db: Db, experimentId: number, after: string, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('logged_models')
    .select('id')
    .where('experiment_id', '=', experimentId)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map((row) => row.id)
}
