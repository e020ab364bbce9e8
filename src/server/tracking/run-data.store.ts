import { type Selectable, sql } from 'kysely'
import { type Db, inChunks } from '../../db/dialect.ts'
import type {
  LatestMetricsTable,
  LoggedModelMetricsTable,
  MetricsTable,
  RunParamsTable,
  RunTagsTable,
} from '../../db/tables/tracking.ts'

export type MetricRow = Selectable<MetricsTable>
export type ModelMetricRow = Selectable<LoggedModelMetricsTable>

/** Adds points; those that are there already are left alone. */
export async function addMetrics(db: Db, rows: readonly MetricRow[]): Promise<void> {
  await inChunks(rows, 6, (chunk) =>
    db
      .insertInto('metrics')
      .values(chunk)
      .onConflict((conflict) => conflict.doNothing())
      .execute(),
  )
}

/** Moves the latest point of each key forward by (step, time, value). One row a key; sorted, so that writers cannot deadlock. */
export async function raiseLatest(db: Db, rows: readonly Selectable<LatestMetricsTable>[]): Promise<void> {
  const sorted = [...rows].sort((a, b) => (a.key < b.key ? -1 : 1))
  await inChunks(sorted, 6, (chunk) =>
    db
      .insertInto('latest_metrics')
      .values(chunk)
      .onConflict((conflict) =>
        conflict
          .columns(['run_id', 'key'])
          .doUpdateSet((eb) => ({
            step: eb.ref('excluded.step'),
            timestamp_ms: eb.ref('excluded.timestamp_ms'),
            value: eb.ref('excluded.value'),
            is_nan: eb.ref('excluded.is_nan'),
          }))
          .where(
            sql<boolean>`(excluded.step, excluded.timestamp_ms, excluded.value) > (latest_metrics.step, latest_metrics.timestamp_ms, latest_metrics.value)`,
          ),
      )
      .execute(),
  )
}

export async function addModelMetrics(db: Db, rows: readonly ModelMetricRow[]): Promise<void> {
  await inChunks(rows, 9, (chunk) =>
    db
      .insertInto('logged_model_metrics')
      .values(chunk)
      .onConflict((conflict) => conflict.doNothing())
      .execute(),
  )
}

/** Adds params that are not there yet; returns how many were added. */
export async function addParams(db: Db, rows: readonly RunParamsTable[]): Promise<number> {
  if (rows.length === 0) return 0
  const sorted = [...rows].sort((a, b) => (a.key < b.key ? -1 : 1))
  const done = await db
    .insertInto('run_params')
    .values(sorted)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return Number(done.numInsertedOrUpdatedRows ?? 0n)
}

export async function paramsWithKeys(db: Db, runId: string, keys: readonly string[]): Promise<RunParamsTable[]> {
  return db.selectFrom('run_params').selectAll().where('run_id', '=', runId).where('key', 'in', keys).execute()
}

export async function putTags(db: Db, runId: string, tags: ReadonlyMap<string, string>): Promise<void> {
  if (tags.size === 0) return
  const rows = [...tags].map(([key, value]) => ({ run_id: runId, key, value })).sort((a, b) => (a.key < b.key ? -1 : 1))
  await inChunks(rows, 3, (chunk) =>
    db
      .insertInto('run_tags')
      .values(chunk)
      .onConflict((conflict) =>
        conflict.columns(['run_id', 'key']).doUpdateSet((eb) => ({ value: eb.ref('excluded.value') })),
      )
      .execute(),
  )
}

export async function deleteTag(db: Db, runId: string, key: string): Promise<boolean> {
  const done = await db.deleteFrom('run_tags').where('run_id', '=', runId).where('key', '=', key).executeTakeFirst()
  return done.numDeletedRows > 0n
}

export async function paramsOf(db: Db, runIds: readonly string[]): Promise<RunParamsTable[]> {
  return collect(runIds, (ids) =>
    db.selectFrom('run_params').selectAll().where('run_id', 'in', ids).orderBy('run_id').orderBy('key').execute(),
  )
}

export async function tagsOf(db: Db, runIds: readonly string[]): Promise<RunTagsTable[]> {
  return collect(runIds, (ids) =>
    db.selectFrom('run_tags').selectAll().where('run_id', 'in', ids).orderBy('run_id').orderBy('key').execute(),
  )
}

export async function latestOf(db: Db, runIds: readonly string[]): Promise<Selectable<LatestMetricsTable>[]> {
  return collect(runIds, (ids) =>
    db.selectFrom('latest_metrics').selectAll().where('run_id', 'in', ids).orderBy('run_id').orderBy('key').execute(),
  )
}

/** The rows of as many queries as the engine's bind-parameter limit makes of the ids. */
export async function collect<T>(ids: readonly string[], read: (ids: string[]) => Promise<T[]>): Promise<T[]> {
  const rows: T[] = []
  await inChunks(ids, 1, async (chunk) => {
    for (const row of await read(chunk)) rows.push(row)
  })
  return rows
}
