import type { Selectable } from 'kysely'
import { rowsAmong } from '../../db/bulk.ts'
import type { Db } from '../../db/dialect.ts'
import type { RunInputsTable, RunModelsTable, RunStatus } from '../../db/tables/tracking.ts'

export type RunInputRow = Selectable<RunInputsTable>

/** The first input of this name and digest in the experiment: what it says of source, schema and profile holds for all. */
export async function firstOfDigest(
  db: Db,
  projectId: string,
  experimentId: number,
  name: string,
  digest: string,
): Promise<Pick<RunInputRow, 'source_type' | 'source' | 'schema' | 'profile'> | undefined> {
  return db
    .selectFrom('run_inputs')
    .innerJoin('runs', 'runs.id', 'run_inputs.run_id')
    .select(['run_inputs.source_type', 'run_inputs.source', 'run_inputs.schema', 'run_inputs.profile'])
    .where('run_inputs.project_id', '=', projectId)
    .where('run_inputs.name', '=', name)
    .where('run_inputs.digest', '=', digest)
    .where('runs.experiment_id', '=', experimentId)
    .orderBy('run_inputs.id')
    .limit(1)
    .executeTakeFirst()
}

/** Adds an input; one of the same name and digest that the run has already is left alone. */
export async function addInput(db: Db, row: RunInputRow): Promise<void> {
  await db
    .insertInto('run_inputs')
    .values(row)
    .onConflict((conflict) => conflict.columns(['run_id', 'name', 'digest']).doNothing())
    .execute()
}

export async function inputsOf(db: Db, runIds: readonly string[]): Promise<RunInputRow[]> {
  const [head, tail] = ['SELECT * FROM run_inputs', 'ORDER BY run_id, id']
  return rowsAmong(db, { head, column: 'run_id', values: runIds, tail })
}

/** Runs of the project that read a dataset version, newest first. */
export async function runsOfVersion(
  db: Db,
  projectId: string,
  versionId: string,
  limit: number,
): Promise<{ id: string; name: string; status: RunStatus }[]> {
  return db
    .selectFrom('run_inputs')
    .innerJoin('runs', 'runs.id', 'run_inputs.run_id')
    .select(['runs.id', 'runs.name', 'runs.status'])
    .distinct()
    .select('runs.started_at_ms')
    .where('run_inputs.dataset_version_id', '=', versionId)
    .where('runs.project_id', '=', projectId)
    .where('runs.lifecycle', '=', 'active')
    .orderBy('runs.started_at_ms', 'desc')
    .orderBy('runs.id')
    .limit(limit)
    .execute()
}

export type DatasetSummaryRow = {
  is_default: number
  wire_id: string | null
  experiment_id: number
  name: string
  digest: string
  context: string | null
}

/** The distinct inputs of experiments' runs, deleted ones among them, as MLflow lists them. */
export async function datasetSummaries(
  db: Db,
  projectId: string,
  experimentIds: readonly number[],
  limit: number,
): Promise<DatasetSummaryRow[]> {
  if (experimentIds.length === 0) return []
  return db
    .selectFrom('run_inputs')
    .innerJoin('runs', 'runs.id', 'run_inputs.run_id')
    .innerJoin('experiments', 'experiments.id', 'runs.experiment_id')
    .select([
      'experiments.is_default',
      'experiments.wire_id',
      'runs.experiment_id',
      'run_inputs.name',
      'run_inputs.digest',
      'run_inputs.context',
    ])
    .distinct()
    .where('run_inputs.project_id', '=', projectId)
    .where('runs.experiment_id', 'in', experimentIds)
    .orderBy('runs.experiment_id')
    .orderBy('run_inputs.name')
    .orderBy('run_inputs.digest')
    .orderBy('run_inputs.context')
    .limit(limit)
    .execute()
}

export async function putRunModels(db: Db, rows: readonly RunModelsTable[]): Promise<void> {
  if (rows.length === 0) return
  await db
    .insertInto('run_models')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['run_id', 'direction', 'model_id']).doUpdateSet((eb) => ({ step: eb.ref('excluded.step') })),
    )
    .execute()
}

export async function runModelsOf(db: Db, runIds: readonly string[]): Promise<RunModelsTable[]> {
  const [head, tail] = ['SELECT * FROM run_models', 'ORDER BY run_id, model_id']
  return rowsAmong(db, { head, column: 'run_id', values: runIds, tail })
}

/** The version that the platform gave this run under this name, when it started it. */
export async function givenVersion(db: Db, runId: string, name: string): Promise<string | null> {
  const row = await db
    .selectFrom('run_inputs')
    .select('dataset_version_id')
    .where('run_id', '=', runId)
    .where('name', '=', name)
    .where('source_type', '=', 'trainyard')
    .executeTakeFirst()
  return row?.dataset_version_id ?? null
}
