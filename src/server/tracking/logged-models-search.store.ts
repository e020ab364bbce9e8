import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import { satisfies } from '../../db/value-test.ts'
import type { ValueTest } from '../../lib/search-test.ts'
import { type LoggedModelRow, selectLoggedModels } from './logged-models.store.ts'

export type ModelColumn =
  | 'id'
  | 'name'
  | 'status'
  | 'source_run_id'
  | 'model_type'
  | 'artifact_uri'
  | 'experiment_id'
  | 'lifecycle'
  | 'created_at_ms'
  | 'updated_at_ms'
export type DatasetFilter = { name: string; digest: string | null }
export type ModelCondition =
  | { on: 'attribute'; column: ModelColumn; test: ValueTest }
  | { on: 'param' | 'tag'; key: string; test: ValueTest }
  | { on: 'metric'; key: string; test: ValueTest }
export type ModelSort =
  | { on: 'attribute'; column: ModelColumn; descending: boolean }
  | { on: 'metric'; key: string; dataset: { name: string | null; digest: string | null }; descending: boolean }

export type ModelSearch = {
  projectId: string
  experimentIds: readonly number[]
  conditions: readonly ModelCondition[]
  /** Metric conditions look at values on these only; without such a condition: models with any metric on them. */
  datasets: readonly DatasetFilter[]
  sorts: readonly ModelSort[]
  offset: number
  limit: number
}

/** Active logged models that meet every condition; missing values last, then the newest first. */
export async function searchLoggedModels(db: Db, search: ModelSearch): Promise<LoggedModelRow[]> {
  if (search.experimentIds.length === 0) return []
  let query = selectLoggedModels(db, search.projectId)
    .where('logged_models.lifecycle', '=', 'active')
    .where('logged_models.experiment_id', 'in', search.experimentIds)
  for (const condition of search.conditions) query = query.where(conditionSql(db, condition, search.datasets))
  if (search.datasets.length > 0 && !search.conditions.some((condition) => condition.on === 'metric')) {
    query = query.where(
      sql<SqlBool>`EXISTS (SELECT 1 FROM logged_model_metrics AS v WHERE v.model_id = logged_models.id ${onDatasets(search.datasets)})`,
    )
  }
  for (const sort of search.sorts) {
    for (const order of orderSql(sort)) query = query.orderBy(order)
  }
  const sortsBy = (column: ModelColumn) =>
    search.sorts.some((sort) => sort.on === 'attribute' && sort.column === column)
  if (!sortsBy('created_at_ms')) query = query.orderBy('logged_models.created_at_ms', 'desc')
  if (!sortsBy('id')) query = query.orderBy('logged_models.id')
  return query.offset(search.offset).limit(search.limit).execute()
}

/**
 * A column's value as clients see it: a model without a type or a source run has '' there, as in MLflow, and is found by
 * `!=`.
 */
function columnSql(column: ModelColumn): RawBuilder<unknown> {
  switch (column) {
    case 'model_type':
    case 'source_run_id':
      return sql`COALESCE(${sql.ref(`logged_models.${column}`)}, '')`
    case 'experiment_id':
      return sql`CASE WHEN experiments.is_default = 1 THEN '0' ELSE COALESCE(experiments.wire_id, CAST(logged_models.experiment_id AS TEXT)) END`
    default:
      return sql.ref(`logged_models.${column}`)
  }
}

/** As `columnSql`, for an order: states in the order of their numbers, experiments by theirs. */
function sortSql(column: ModelColumn): RawBuilder<unknown> {
  if (column === 'status') {
    return sql`CASE logged_models.status WHEN 'LOGGED_MODEL_PENDING' THEN 1 WHEN 'LOGGED_MODEL_READY' THEN 2 ELSE 3 END`
  }
  if (column !== 'experiment_id') return columnSql(column)
  return sql`CASE WHEN experiments.is_default = 1 THEN 0 ELSE COALESCE(CAST(experiments.wire_id AS BIGINT), logged_models.experiment_id) END`
}

function onDatasets(datasets: readonly DatasetFilter[]): RawBuilder<unknown> {
  if (datasets.length === 0) return sql``
  const either = datasets.map(({ name, digest }) =>
    digest === null ? sql`v.dataset_name = ${name}` : sql`(v.dataset_name = ${name} AND v.dataset_digest = ${digest})`,
  )
  return sql`AND (${sql.join(either, sql` OR `)})`
}

function conditionSql(db: Db, condition: ModelCondition, datasets: readonly DatasetFilter[]): Expression<SqlBool> {
  if (condition.on === 'attribute') return satisfies(db, columnSql(condition.column), condition.test)
  const test = satisfies(db, sql.ref('v.value'), condition.test)
  if (condition.on === 'metric') {
    const differs = condition.test.kind === 'number' && condition.test.operator === '!='
    const whole = differs ? sql`(v.is_nan = 1 OR ${test})` : sql`(v.is_nan = 0 AND ${test})`
    return sql<SqlBool>`EXISTS (SELECT 1 FROM logged_model_metrics AS v WHERE v.model_id = logged_models.id AND v.key = ${condition.key} AND ${whole} ${onDatasets(datasets)})`
  }
  const table = sql.table(condition.on === 'param' ? 'logged_model_params' : 'logged_model_tags')
  return sql<SqlBool>`EXISTS (SELECT 1 FROM ${table} AS v WHERE v.model_id = logged_models.id AND v.key = ${condition.key} AND ${test})`
}

function orderSql(sort: ModelSort): RawBuilder<unknown>[] {
  const direction = sql.raw(sort.descending ? 'DESC' : 'ASC')
  if (sort.on === 'attribute') {
    const column = sortSql(sort.column)
    return [sql`CASE WHEN ${column} IS NULL THEN 1 ELSE 0 END`, sql`${column} ${direction}`]
  }
  const { name, digest } = sort.dataset
  const of = (what: string) => sql`(SELECT ${sql.ref(what)} FROM logged_model_metrics AS s
    WHERE s.model_id = logged_models.id AND s.key = ${sort.key}
      ${name === null ? sql`` : sql`AND s.dataset_name = ${name}`} ${digest === null ? sql`` : sql`AND s.dataset_digest = ${digest}`}
    ORDER BY s.timestamp_ms DESC, s.step DESC, s.run_id LIMIT 1)`
  return [sql`COALESCE(${of('s.is_nan')}, 2)`, sql`${of('s.value')} ${direction}`]
}
