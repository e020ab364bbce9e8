import { CompiledQuery, type Selectable } from 'kysely'
import { type Db, isPostgres } from '../../db/dialect.ts'
import type { ExperimentsTable, Lifecycle } from '../../db/tables/tracking.ts'

export type ExperimentRow = Selectable<ExperimentsTable>

export async function defaultExperiment(db: Db, projectId: string): Promise<ExperimentRow | undefined> {
  return db
    .selectFrom('experiments')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('is_default', '=', 1)
    .executeTakeFirst()
}

/** An experiment by the id that clients see: the one it was imported with, else its number of the global sequence. */
export async function experimentByWireId(db: Db, projectId: string, id: string): Promise<ExperimentRow | undefined> {
  const number = Number(id)
  const own = Number.isSafeInteger(number) ? await oneExperiment(db, OWN, projectId, number) : undefined
  return own ?? oneExperiment(db, IMPORTED, projectId, id)
}

/** As texts: each batch of new runs asks, and to build the query takes longer than to find one row. */
const ONE_OF_PROJECT = 'SELECT * FROM experiments WHERE project_id = $1 AND is_default = 0 AND'
const OWN = ofBoth(`${ONE_OF_PROJECT} id = $2 AND wire_id IS NULL`)
const IMPORTED = ofBoth(`${ONE_OF_PROJECT} wire_id = $2`)

function ofBoth(postgres: string) {
  return { postgres, sqlite: postgres.replace(/\$\d/g, '?') }
}

async function oneExperiment(
  db: Db,
  texts: { postgres: string; sqlite: string },
  projectId: string,
  id: string | number,
): Promise<ExperimentRow | undefined> {
  const text = texts[isPostgres(db) ? 'postgres' : 'sqlite']
  return (await db.executeQuery<ExperimentRow>(CompiledQuery.raw(text, [projectId, id]))).rows[0]
}

/** The active one of this name, else the latest deleted one. */
export async function experimentByName(db: Db, projectId: string, name: string): Promise<ExperimentRow | undefined> {
  return db
    .selectFrom('experiments')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('name', '=', name)
    .orderBy('lifecycle') // active < deleted
    .orderBy('updated_at_ms', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** Row ids of the experiments (by the ids that clients see) that belong to the project; others are left out. */
export async function experimentRowIds(
  db: Db,
  projectId: string,
  ids: readonly string[],
  withDefault: boolean,
): Promise<number[]> {
  // Three queries: with OR over the partial index of the Default, SQLite gives up ("internal query planner error").
  const select = () => db.selectFrom('experiments').select('id').where('project_id', '=', projectId)
  const others = () => select().where('is_default', '=', 0)
  const numbers = ids.map(Number).filter(Number.isSafeInteger)
  const own =
    numbers.length === 0 ? [] : await others().where('id', 'in', numbers).where('wire_id', 'is', null).execute()
  const imported = ids.length === 0 ? [] : await others().where('wire_id', 'in', ids).execute()
  const known = withDefault ? await select().where('is_default', '=', 1).execute() : []
  return [...own, ...imported, ...known].map((row) => row.id)
}

export async function insertExperiment(db: Db, row: Omit<ExperimentRow, 'id'>): Promise<{ id: number } | undefined> {
  return db
    .insertInto('experiments')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
}

export async function updateExperiment(
  db: Db,
  id: number,
  change: Partial<Pick<ExperimentRow, 'name' | 'lifecycle' | 'artifact_location' | 'updated_at_ms'>>,
): Promise<void> {
  await db.updateTable('experiments').set(change).where('id', '=', id).execute()
}

/** Deletes or restores every run of an experiment with it. */
export async function setLifecycleOfRuns(
  db: Db,
  experimentId: number,
  lifecycle: Lifecycle,
  deletedAtMs: number | null,
): Promise<void> {
  await db
    .updateTable('runs')
    .set({ lifecycle, deleted_at_ms: deletedAtMs })
    .where('experiment_id', '=', experimentId)
    .where('lifecycle', '!=', lifecycle)
    .execute()
}

export async function experimentTags(
  db: Db,
  ids: readonly number[],
): Promise<{ experiment_id: number; key: string; value: string }[]> {
  if (ids.length === 0) return []
  return db
    .selectFrom('experiment_tags')
    .selectAll()
    .where('experiment_id', 'in', ids)
    .orderBy('experiment_id')
    .orderBy('key')
    .execute()
}

export async function putExperimentTag(db: Db, experimentId: number, key: string, value: string): Promise<void> {
  await db
    .insertInto('experiment_tags')
    .values({ experiment_id: experimentId, key, value })
    .onConflict((conflict) => conflict.columns(['experiment_id', 'key']).doUpdateSet({ value }))
    .execute()
}

export async function deleteExperimentTag(db: Db, experimentId: number, key: string): Promise<boolean> {
  const done = await db
    .deleteFrom('experiment_tags')
    .where('experiment_id', '=', experimentId)
    .where('key', '=', key)
    .executeTakeFirst()
  return done.numDeletedRows > 0n
}

export type ExperimentListRow = ExperimentRow & { run_count: number; newest_run_at_ms: number | null }

/** Every experiment of the project with the number of its active runs; the Default first, then the oldest. */
export async function listExperiments(db: Db, projectId: string): Promise<ExperimentListRow[]> {
  const rows = await db
    .selectFrom('experiments')
    .leftJoin('runs', (join) =>
      join.onRef('runs.experiment_id', '=', 'experiments.id').on('runs.lifecycle', '=', 'active'),
    )
    .selectAll('experiments')
    .select((eb) => [
      eb.fn.count<number>('runs.id').as('run_count'),
      eb.fn.max('runs.started_at_ms').as('newest_run_at_ms'),
    ])
    .where('experiments.project_id', '=', projectId)
    .groupBy('experiments.id')
    .orderBy('experiments.is_default', 'desc')
    .orderBy('experiments.id')
    .execute()
  return rows.map((row) => ({ ...row, run_count: Number(row.run_count) }))
}
