import type { Selectable } from 'kysely'
import { insertMany, rowsAmong } from '../../db/bulk.ts'
import { type Db, inChunks, isPostgres, jsonPairs } from '../../db/dialect.ts'
import type { Lifecycle, LoggedModelMetricsTable, RunValue } from '../../db/tables/tracking.ts'
import { NAME_TAG } from './runs.store.ts'
import { beginningOf } from './runs-conditions.store.ts'

export type ModelMetricRow = Selectable<LoggedModelMetricsTable>
export type RunState = {
  id: string
  project_id: string
  experiment_id: number
  lifecycle: Lifecycle
  last_write_at_ms: number | null
}

/**
 * What writes need to know of their runs. `lock`: nobody else changes these runs' params or names until the transaction ends (in the
 * order of their ids, so that writers cannot deadlock).
 */
export async function runStates(db: Db, runIds: readonly string[], lock: boolean): Promise<Map<string, RunState>> {
  const head = 'SELECT id, project_id, experiment_id, lifecycle, last_write_at_ms FROM runs'
  const locked = lock && isPostgres(db) ? 'FOR NO KEY UPDATE' : ''
  const rows = await rowsAmong<RunState>(db, { head, column: 'id', values: runIds, tail: `ORDER BY id ${locked}` })
  return new Map(rows.map((row) => [row.id, row]))
}

/** Notes that runs were heard of. */
export async function touchRuns(db: Db, runIds: readonly string[], atMs: number): Promise<void> {
  if (runIds.length === 0) return
  await db
    .updateTable('runs')
    .set({ last_write_at_ms: atMs })
    .where('id', 'in', [...runIds].sort())
    .execute()
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

const KEY_VALUE = { run_id: 'text', key: 'text', value: 'text', experiment_id: 'int', beginning: 'text' } as const
const VALUE_COLUMNS = ['run_id', 'key', 'value', 'experiment_id'] as const
const byName = (a: RunValue, b: RunValue) =>
  a.run_id < b.run_id ? -1 : a.run_id > b.run_id ? 1 : a.key < b.key ? -1 : 1
const cells = (row: RunValue) => [row.run_id, row.key, row.value, row.experiment_id, beginningOf(row.value)]

/** Adds params that are known to be new. */
export async function addParams(db: Db, rows: readonly RunValue[]): Promise<void> {
  await insertMany(db, { table: 'run_params', columns: KEY_VALUE }, [...rows].sort(byName).map(cells))
}

/** Those of the named params that are there. */
export async function knownParams(db: Db, names: readonly { run_id: string; key: string }[]): Promise<RunValue[]> {
  const byRun = Map.groupBy(names, (name) => name.run_id)
  const rows: RunValue[] = []
  for (const [runId, own] of byRun) {
    const keys = own.map((name) => name.key)
    const query = db.selectFrom('run_params').select(VALUE_COLUMNS).where('run_id', '=', runId).where('key', 'in', keys)
    rows.push(...(await query.execute()))
  }
  return rows
}

/** Sets tags, each named once; never the one that is the run's name (`updateRun`). */
export async function putTags(db: Db, rows: readonly RunValue[]): Promise<void> {
  const suffix = 'ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value, beginning = excluded.beginning'
  await insertMany(db, { table: 'run_tags', columns: KEY_VALUE, suffix }, [...rows].sort(byName).map(cells))
}

/** False when it was not there. A run keeps its name when the tag that is the name is deleted. */
export async function deleteTag(db: Db, runId: string, key: string): Promise<boolean> {
  if (key === NAME_TAG) {
    const named = db.updateTable('runs').set({ name_tagged: 0 }).where('id', '=', runId).where('name_tagged', '=', 1)
    return (await named.executeTakeFirst()).numUpdatedRows > 0n
  }
  const done = await db.deleteFrom('run_tags').where('run_id', '=', runId).where('key', '=', key).executeTakeFirst()
  return done.numDeletedRows > 0n
}

/** Params of runs as JSON text (`jsonPairs`), by run id; none for a run without. */
export async function paramTexts(db: Db, runIds: readonly string[]): Promise<Map<string, string>> {
  return textsOf(db, 'run_params', runIds)
}

/** Tags, as `paramTexts`, without the one that is the run's name. */
export async function tagTexts(db: Db, runIds: readonly string[]): Promise<Map<string, string>> {
  return textsOf(db, 'run_tags', runIds)
}

async function textsOf(
  db: Db,
  table: 'run_params' | 'run_tags',
  runIds: readonly string[],
): Promise<Map<string, string>> {
  const head = `SELECT run_id, ${jsonPairs(db)} AS pairs FROM ${table}`
  const asked = { head, column: 'run_id', values: runIds, tail: 'GROUP BY run_id' }
  const rows = await rowsAmong<{ run_id: string; pairs: string }>(db, asked)
  return new Map(rows.map((row) => [row.run_id, row.pairs]))
}

export async function paramsOf(db: Db, runIds: readonly string[]): Promise<RunValue[]> {
  const [head, tail] = [`SELECT ${VALUE_COLUMNS.join(', ')} FROM run_params`, 'ORDER BY run_id, key']
  return rowsAmong(db, { head, column: 'run_id', values: runIds, tail })
}

export async function tagsOf(db: Db, runIds: readonly string[]): Promise<RunValue[]> {
  const head = `SELECT ${VALUE_COLUMNS.join(', ')} FROM run_tags`
  const rows = await rowsAmong<RunValue>(db, { head, column: 'run_id', values: runIds })
  return [...rows, ...(await namesAsTags(db, runIds))].sort(byName)
}

async function namesAsTags(db: Db, runIds: readonly string[]): Promise<RunValue[]> {
  const head = `SELECT id AS run_id, '${NAME_TAG}' AS key, name AS value, experiment_id FROM runs`
  return rowsAmong(db, { head, column: 'id', values: runIds, tail: 'AND name_tagged = 1' })
}
