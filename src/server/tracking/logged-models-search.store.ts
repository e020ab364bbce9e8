import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import * as keyset from '../../db/keyset.ts'
import { satisfies } from '../../db/value-test.ts'
import type { ValueTest } from '../../lib/search-test.ts'
import type { LoggedModelRow } from './logged-models.store.ts'

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
  /** The place of the last model of the page before; null for the first page. */
  after: keyset.Place | null
  limit: number
}

/** So many experiments are walked one by one, each in order, and merged. */
const MAX_WALKS = 32

/**
 * Active logged models that meet every condition; missing values last, then the newest first. Along the indexes of each
 * experiment where there is one of the order; over all models of the experiments where there is none.
 */
export async function searchLoggedModels(db: Db, search: ModelSearch): Promise<keyset.Placed<LoggedModelRow>[]> {
  if (search.experimentIds.length === 0) return []
  const terms = orderTerms(search.sorts)
  const isIndexed = search.sorts.every((sort) => sort.on === 'attribute') && search.experimentIds.length <= MAX_WALKS
  if (!isIndexed) {
    const behind = search.after === null ? sql<SqlBool>`1 = 1` : keyset.behind(terms, search.after)
    return read(db, search, search.experimentIds, behind, search.limit)
  }
  const walks: keyset.Placed<LoggedModelRow>[][] = []
  for (const experiment of search.experimentIds) {
    const walk = keyset.pageAlong<LoggedModelRow>(terms, search.after, search.limit, (stretch, limit) =>
      read(db, search, [experiment], stretch, limit),
    )
    walks.push(await walk)
  }
  return keyset.mergePlaced(terms, walks, search.limit)
}

async function read(
  db: Db,
  search: ModelSearch,
  experimentIds: readonly number[],
  place: RawBuilder<SqlBool>,
  limit: number,
): Promise<keyset.Placed<LoggedModelRow>[]> {
  const terms = orderTerms(search.sorts)
  const where: Expression<SqlBool>[] = [
    sql<SqlBool>`logged_models.project_id = ${search.projectId}`,
    sql<SqlBool>`logged_models.experiment_id IN (${sql.join(experimentIds)})`,
    sql<SqlBool>`logged_models.lifecycle = 'active'`,
    ...search.conditions.map((condition) => conditionSql(db, condition, search.datasets)),
    place,
  ]
  if (search.datasets.length > 0 && !search.conditions.some((condition) => condition.on === 'metric')) {
    where.push(
      sql<SqlBool>`EXISTS (SELECT 1 FROM logged_model_metrics AS v WHERE v.model_id = logged_models.id ${onDatasets(search.datasets)})`,
    )
  }
  return keyset.readPlaced<LoggedModelRow>(
    db,
    terms,
    sql`SELECT logged_models.*, experiments.is_default, experiments.wire_id, ${keyset.placeColumns(terms)}
      FROM logged_models CROSS JOIN experiments
      WHERE experiments.id = logged_models.experiment_id AND ${sql.join(where, sql` AND `)}
      ${keyset.orderBy(terms)} LIMIT ${limit}`,
  )
}

/** The terms of an order; the newest first and the id behind them, so that no two models share a place. */
export function orderTerms(sorts: readonly ModelSort[]): keyset.Term[] {
  const terms = sorts.flatMap((sort) => (sort.on === 'attribute' ? [attributeTerm(sort)] : metricTerms(sort)))
  const sortsBy = (column: ModelColumn) => sorts.some((sort) => sort.on === 'attribute' && sort.column === column)
  if (!sortsBy('created_at_ms')) terms.push(attributeTerm({ column: 'created_at_ms', descending: true }))
  if (!sortsBy('id')) terms.push(attributeTerm({ column: 'id', descending: false }))
  return terms
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

/** As `columnSql`; a run that is named is looked for in the column itself, which has an index. */
function filterSql({ column, test }: Extract<ModelCondition, { on: 'attribute' }>): RawBuilder<unknown> {
  const named = test.kind === 'text' && test.operator === '=' && test.text !== ''
  return column === 'source_run_id' && named ? sql`logged_models.source_run_id` : columnSql(column)
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
  if (condition.on === 'attribute') return satisfies(db, filterSql(condition), condition.test)
  const test = satisfies(db, sql.ref('v.value'), condition.test)
  if (condition.on === 'metric') {
    const differs = condition.test.kind === 'number' && condition.test.operator === '!='
    const whole = differs ? sql`(v.is_nan = 1 OR ${test})` : sql`(v.is_nan = 0 AND ${test})`
    return sql<SqlBool>`EXISTS (SELECT 1 FROM logged_model_metrics AS v WHERE v.model_id = logged_models.id AND v.key = ${condition.key} AND ${whole} ${onDatasets(datasets)})`
  }
  const table = sql.table(condition.on === 'param' ? 'logged_model_params' : 'logged_model_tags')
  return sql<SqlBool>`EXISTS (SELECT 1 FROM ${table} AS v WHERE v.model_id = logged_models.id AND v.key = ${condition.key} AND ${test})`
}

function attributeTerm({ column, descending }: { column: ModelColumn; descending: boolean }): keyset.Term {
  return { value: sortSql(column), type: TYPES[column] ?? 'text', descending }
}

const TYPES: Readonly<Partial<Record<ModelColumn, keyset.Term['type']>>> = {
  status: 'number',
  experiment_id: 'int64',
  created_at_ms: 'number',
  updated_at_ms: 'number',
}

/** A number, then NaN, then nothing; of several values the newest. */
function metricTerms(sort: Extract<ModelSort, { on: 'metric' }>): keyset.Term[] {
  const { name, digest } = sort.dataset
  const of = (what: string) => sql`(SELECT ${sql.ref(what)} FROM logged_model_metrics AS s
    WHERE s.model_id = logged_models.id AND s.key = ${sort.key}
      ${name === null ? sql`` : sql`AND s.dataset_name = ${name}`} ${digest === null ? sql`` : sql`AND s.dataset_digest = ${digest}`}
    ORDER BY s.timestamp_ms DESC, s.step DESC, s.run_id LIMIT 1)`
  return [
    { value: sql`COALESCE(${of('s.is_nan')}, 2)`, type: 'number', descending: false },
    { value: sql`COALESCE(${of('s.value')}, 0)`, type: 'number', descending: sort.descending },
  ]
}
