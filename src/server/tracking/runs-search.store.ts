import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { Lifecycle } from '../../db/tables/tracking.ts'
import type { ValueTest } from '../../lib/search-test.ts'
import { type RunRow, selectRuns } from './runs.store.ts'
import { satisfies } from './search.store.ts'

export type RunColumn = 'id' | 'name' | 'user_name' | 'status' | 'artifact_uri' | 'started_at_ms' | 'ended_at_ms'
export type RunCondition =
  | { on: 'attribute'; column: RunColumn; test: ValueTest }
  | { on: 'metric' | 'param' | 'tag'; key: string; test: ValueTest }
  | { on: 'dataset'; column: 'name' | 'digest' | 'context'; test: ValueTest }
export type RunSort =
  | { on: 'attribute'; column: RunColumn; descending: boolean }
  | { on: 'metric' | 'param' | 'tag'; key: string; descending: boolean }

export type RunSearch = {
  projectId: string
  /** Null: every experiment of the project. */
  experimentIds: readonly number[] | null
  /** Null: both. */
  lifecycle: Lifecycle | null
  conditions: readonly RunCondition[]
  sorts: readonly RunSort[]
  offset: number
  limit: number
}

const VALUE_TABLES = { metric: 'metric_series', param: 'run_params', tag: 'run_tags' } as const

/** Runs that meet every condition, in order; missing values last in both directions, then the newest first. */
export async function searchRuns(db: Db, search: RunSearch): Promise<RunRow[]> {
  let query = selectRuns(db, search.projectId)
  if (search.experimentIds !== null) {
    if (search.experimentIds.length === 0) return []
    query = query.where('runs.experiment_id', 'in', search.experimentIds)
  }
  if (search.lifecycle !== null) query = query.where('runs.lifecycle', '=', search.lifecycle)
  for (const condition of search.conditions) query = query.where(conditionSql(db, condition))
  for (const sort of search.sorts) {
    for (const order of orderSql(sort)) query = query.orderBy(order)
  }
  if (!search.sorts.some((sort) => sort.on === 'attribute' && sort.column === 'started_at_ms')) {
    query = query.orderBy('runs.started_at_ms', 'desc')
  }
  return query.orderBy('runs.id').offset(search.offset).limit(search.limit).execute()
}

function conditionSql(db: Db, condition: RunCondition): Expression<SqlBool> {
  if (condition.on === 'attribute') return satisfies(db, sql.ref(`runs.${condition.column}`), condition.test)
  if (condition.on === 'dataset') {
    const test = satisfies(db, sql.ref(`i.${condition.column}`), condition.test)
    return sql<SqlBool>`EXISTS (SELECT 1 FROM run_inputs AS i WHERE i.run_id = runs.id AND ${test})`
  }
  const table = sql.table(VALUE_TABLES[condition.on])
  const found = sql`SELECT 1 FROM ${table} AS v WHERE v.run_id = runs.id AND v.key = ${condition.key}`
  if (condition.test.kind === 'null') {
    return condition.test.negated ? sql<SqlBool>`EXISTS (${found})` : sql<SqlBool>`NOT EXISTS (${found})`
  }
  const test = satisfies(db, sql.ref('v.value'), condition.test)
  if (condition.on !== 'metric') return sql<SqlBool>`EXISTS (${found} AND ${test})`
  // NaN is stored as 0 with a flag: it differs from every number and equals or orders with none.
  const differs = condition.test.kind === 'number' && condition.test.operator === '!='
  const whole = differs ? sql`(v.is_nan = 1 OR ${test})` : sql`(v.is_nan = 0 AND ${test})`
  return sql<SqlBool>`EXISTS (${found} AND ${whole})`
}

function orderSql(sort: RunSort): RawBuilder<unknown>[] {
  const direction = sql.raw(sort.descending ? 'DESC' : 'ASC')
  if (sort.on === 'attribute') {
    const column = sql.ref(`runs.${sort.column}`)
    return [sql`CASE WHEN ${column} IS NULL THEN 1 ELSE 0 END`, sql`${column} ${direction}`]
  }
  const table = sql.table(VALUE_TABLES[sort.on])
  const of = (what: RawBuilder<unknown>) =>
    sql`(SELECT ${what} FROM ${table} AS s WHERE s.run_id = runs.id AND s.key = ${sort.key})`
  const rank = sort.on === 'metric' ? sql`s.is_nan` : sql`0`
  return [sql`COALESCE(${of(rank)}, 2)`, sql`${of(sql.ref('s.value'))} ${direction}`]
}
