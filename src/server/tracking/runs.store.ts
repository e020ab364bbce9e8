import type { Selectable } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { Lifecycle, RunsTable } from '../../db/tables/tracking.ts'

/** A run with what its experiment adds to it. */
export type RunRow = Selectable<RunsTable> & { is_default: number; experiment_name: string }

export function selectRuns(db: Db, projectId: string) {
  return db
    .selectFrom('runs')
    .innerJoin('experiments', 'experiments.id', 'runs.experiment_id')
    .selectAll('runs')
    .select(['experiments.is_default', 'experiments.name as experiment_name'])
    .where('runs.project_id', '=', projectId)
}

export async function runById(db: Db, projectId: string, runId: string): Promise<RunRow | undefined> {
  return selectRuns(db, projectId).where('runs.id', '=', runId).executeTakeFirst()
}

/** What a write needs to know of a run, and no more: this is on the path of every logged metric. */
export async function runState(
  db: Db,
  projectId: string,
  runId: string,
): Promise<{ id: string; lifecycle: Lifecycle; experiment_id: number } | undefined> {
  return db
    .selectFrom('runs')
    .select(['id', 'lifecycle', 'experiment_id'])
    .where('id', '=', runId)
    .where('project_id', '=', projectId)
    .executeTakeFirst()
}

export async function insertRun(db: Db, row: Selectable<RunsTable>): Promise<void> {
  await db.insertInto('runs').values(row).execute()
}

export async function updateRun(
  db: Db,
  runId: string,
  change: Partial<Pick<RunRow, 'name' | 'status' | 'lifecycle' | 'ended_at_ms' | 'deleted_at_ms'>>,
): Promise<void> {
  await db.updateTable('runs').set(change).where('id', '=', runId).execute()
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
