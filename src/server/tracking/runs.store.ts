import type { Selectable } from 'kysely'
import { insertMany, rowsAmong } from '../../db/bulk.ts'
import type { Db } from '../../db/dialect.ts'
import type { RunsTable } from '../../db/tables/tracking.ts'

/** The tag that is a run's name. It has no row among the tags: a run has it or not (`name_tagged`). */
export const NAME_TAG = 'mlflow.runName'

const RUN_COLUMNS = {
  id: 'text',
  project_id: 'text',
  experiment_id: 'int',
  name: 'text',
  name_tagged: 'int',
  user_name: 'text',
  status: 'text',
  lifecycle: 'text',
  started_at_ms: 'int',
  ended_at_ms: 'int',
  deleted_at_ms: 'int',
  artifact_uri: 'text',
  job_id: 'text',
  last_write_at_ms: 'int',
} as const

/** A run with what its experiment adds to it. */
export type RunRow = Selectable<RunsTable> & { is_default: number; wire_id: string | null; experiment_name: string }

const WITH_EXPERIMENT = `SELECT runs.*, experiments.is_default, experiments.wire_id, experiments.name AS experiment_name
  FROM runs JOIN experiments ON experiments.id = runs.experiment_id`

/** Runs of a project in the order of the ids; those it has not are left out. */
export async function runsByIds(db: Db, projectId: string, ids: readonly string[]): Promise<RunRow[]> {
  const and = { column: 'runs.project_id', value: projectId }
  const rows = await rowsAmong<RunRow>(db, { head: WITH_EXPERIMENT, column: 'runs.id', values: ids, and })
  const byId = new Map(rows.map((row) => [row.id, row]))
  return ids.flatMap((id) => byId.get(id) ?? [])
}

export async function insertRuns(db: Db, rows: readonly Selectable<RunsTable>[]): Promise<void> {
  await insertMany(
    db,
    { table: 'runs', columns: RUN_COLUMNS },
    rows.map((row) => Object.keys(RUN_COLUMNS).map((column) => row[column as keyof typeof RUN_COLUMNS])),
  )
}

export async function updateRun(
  db: Db,
  runId: string,
  change: Partial<Pick<RunRow, 'name' | 'status' | 'lifecycle' | 'ended_at_ms' | 'deleted_at_ms' | 'last_write_at_ms'>>,
): Promise<void> {
  // Who names a run sets the tag that is its name.
  const tagged = change.name === undefined ? {} : { name_tagged: 1 }
  await db
    .updateTable('runs')
    .set({ ...change, ...tagged })
    .where('id', '=', runId)
    .execute()
}

/** The run whose child this one is, by its tag. */
export async function parentOf(db: Db, runId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('run_tags')
    .select('value')
    .where('run_id', '=', runId)
    .where('key', '=', 'mlflow.parentRunId')
    .executeTakeFirst()
  return row?.value
}

/** Active runs whose parent is this one, oldest first. */
export async function childrenOf(
  db: Db,
  projectId: string,
  runId: string,
  limit: number,
): Promise<Pick<RunRow, 'id' | 'name' | 'status'>[]> {
  return db
    .selectFrom('run_tags')
    .innerJoin('runs', 'runs.id', 'run_tags.run_id')
    .select(['runs.id', 'runs.name', 'runs.status'])
    .where('run_tags.key', '=', 'mlflow.parentRunId')
    .where((eb) => eb(eb.fn<number>('length', ['run_tags.value']), '<=', 64))
    .where('run_tags.value', '=', runId)
    .where('runs.project_id', '=', projectId)
    .where('runs.lifecycle', '=', 'active')
    .orderBy('runs.started_at_ms')
    .orderBy('runs.id')
    .limit(limit)
    .execute()
}
