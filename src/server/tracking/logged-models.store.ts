import type { Selectable } from 'kysely'
import { collect, type Db } from '../../db/dialect.ts'
import type { LoggedModelsTable } from '../../db/tables/tracking.ts'
import type { ModelMetricRow } from './run-data.store.ts'

/** A logged model with what its experiment adds to it. */
export type LoggedModelRow = Selectable<LoggedModelsTable> & { is_default: number; wire_id: string | null }
export type ModelValueRow = { model_id: string; key: string; value: string }

export function selectLoggedModels(db: Db, projectId: string) {
  return db
    .selectFrom('logged_models')
    .innerJoin('experiments', 'experiments.id', 'logged_models.experiment_id')
    .selectAll('logged_models')
    .select(['experiments.is_default', 'experiments.wire_id'])
    .where('logged_models.project_id', '=', projectId)
}

export async function loggedModelById(db: Db, projectId: string, id: string): Promise<LoggedModelRow | undefined> {
  return selectLoggedModels(db, projectId).where('logged_models.id', '=', id).executeTakeFirst()
}

/** Those of these ids that are active logged models of the project. */
export async function existingModels(db: Db, projectId: string, ids: readonly string[]): Promise<Set<string>> {
  const rows = await collect(ids, (chunk) =>
    db
      .selectFrom('logged_models')
      .select('id')
      .where('project_id', '=', projectId)
      .where('lifecycle', '=', 'active')
      .where('id', 'in', chunk)
      .execute(),
  )
  return new Set(rows.map((row) => row.id))
}

/** Active models that runs logged, oldest first. */
export async function modelsOfRuns(db: Db, projectId: string, runIds: readonly string[]): Promise<LoggedModelRow[]> {
  return collect(runIds, (chunk) =>
    selectLoggedModels(db, projectId)
      .where('logged_models.source_run_id', 'in', chunk)
      .where('logged_models.lifecycle', '=', 'active')
      .orderBy('logged_models.created_at_ms')
      .orderBy('logged_models.id')
      .execute(),
  )
}

export async function insertLoggedModel(db: Db, row: Selectable<LoggedModelsTable>): Promise<void> {
  await db.insertInto('logged_models').values(row).execute()
}

export async function updateLoggedModel(
  db: Db,
  id: string,
  change: Partial<Pick<LoggedModelRow, 'status' | 'lifecycle' | 'updated_at_ms'>>,
): Promise<void> {
  await db.updateTable('logged_models').set(change).where('id', '=', id).execute()
}

function sortedRows(modelId: string, values: ReadonlyMap<string, string>): ModelValueRow[] {
  return [...values].map(([key, value]) => ({ model_id: modelId, key, value })).sort((a, b) => (a.key < b.key ? -1 : 1))
}

export async function putModelParams(db: Db, modelId: string, values: ReadonlyMap<string, string>): Promise<void> {
  if (values.size === 0) return
  await db
    .insertInto('logged_model_params')
    .values(sortedRows(modelId, values))
    .onConflict((conflict) =>
      conflict.columns(['model_id', 'key']).doUpdateSet((eb) => ({ value: eb.ref('excluded.value') })),
    )
    .execute()
}

export async function putModelTags(db: Db, modelId: string, values: ReadonlyMap<string, string>): Promise<void> {
  if (values.size === 0) return
  await db
    .insertInto('logged_model_tags')
    .values(sortedRows(modelId, values))
    .onConflict((conflict) =>
      conflict.columns(['model_id', 'key']).doUpdateSet((eb) => ({ value: eb.ref('excluded.value') })),
    )
    .execute()
}

export async function deleteModelTag(db: Db, modelId: string, key: string): Promise<boolean> {
  const done = await db
    .deleteFrom('logged_model_tags')
    .where('model_id', '=', modelId)
    .where('key', '=', key)
    .executeTakeFirst()
  return done.numDeletedRows > 0n
}

export async function modelParamsOf(db: Db, ids: readonly string[]): Promise<ModelValueRow[]> {
  return collect(ids, (chunk) =>
    db
      .selectFrom('logged_model_params')
      .selectAll()
      .where('model_id', 'in', chunk)
      .orderBy('model_id')
      .orderBy('key')
      .execute(),
  )
}

export async function modelTagsOf(db: Db, ids: readonly string[]): Promise<ModelValueRow[]> {
  return collect(ids, (chunk) =>
    db
      .selectFrom('logged_model_tags')
      .selectAll()
      .where('model_id', 'in', chunk)
      .orderBy('model_id')
      .orderBy('key')
      .execute(),
  )
}

export async function modelMetricsOf(db: Db, ids: readonly string[]): Promise<ModelMetricRow[]> {
  return collect(ids, (chunk) =>
    db
      .selectFrom('logged_model_metrics')
      .selectAll()
      .where('model_id', 'in', chunk)
      .orderBy('model_id')
      .orderBy('key')
      .orderBy('step')
      .orderBy('timestamp_ms')
      .execute(),
  )
}
