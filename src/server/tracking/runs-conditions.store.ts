import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import { alongIndex, type Db, isPostgres } from '../../db/dialect.ts'
import { satisfies } from '../../db/value-test.ts'
import type { ValueTest } from '../../lib/search-test.ts'
import { NAME_TAG } from './runs.store.ts'

export type RunColumn = 'id' | 'name' | 'user_name' | 'status' | 'artifact_uri' | 'started_at_ms' | 'ended_at_ms'
export type RunCondition =
  | { on: 'attribute'; column: RunColumn; test: ValueTest }
  | { on: 'metric' | 'param' | 'tag'; key: string; test: ValueTest }
  | { on: 'dataset'; column: 'name' | 'digest' | 'context'; test: ValueTest }

/** Where the values of runs lie that searches look at. */
export const VALUE_TABLES = { metric: 'metric_series', param: 'run_params', tag: 'run_tags' } as const

/** The indexes of texts by experiment, key, beginning of the value and run. */
const TEXT_INDEXES = { param: 'run_params_order', tag: 'run_tags_order' } as const

/** Characters of a param's or tag's value that the search index holds (migration 16). */
const INDEXED = 64

/** What the search index holds of a value. */
export function beginningOf(value: string): string {
  return value.length <= INDEXED ? value : [...value].slice(0, INDEXED).join('')
}

/** Columns of a query that say which run a condition is asked of: before its row in `runs` is looked up, where possible. */
export type RunColumns = {
  id: RawBuilder<unknown>
  experimentId: RawBuilder<unknown>
  /** The query walks along an order and stops when a page is full: conditions are asked of one run after the other. */
  isWalk?: boolean
}
export const OF_RUNS: RunColumns = columnsOf('runs', 'id')

/** The columns of a table or subquery that has a row a run. */
export function columnsOf(alias: string, id = 'run_id'): RunColumns {
  return { id: sql.ref(`${alias}.${id}`), experimentId: sql.ref(`${alias}.experiment_id`) }
}

/** What one condition asks of a run. */
export function conditionSql(db: Db, condition: RunCondition, of: RunColumns = OF_RUNS): Expression<SqlBool> {
  if (condition.on === 'attribute') return satisfies(db, sql.ref(`runs.${condition.column}`), condition.test)
  if (condition.on === 'dataset') {
    const test = satisfies(db, sql.ref(`i.${condition.column}`), condition.test)
    return exists(db, of, sql`SELECT 1 FROM run_inputs AS i WHERE i.run_id = ${of.id} AND ${test}`)
  }
  if (isNameTag(condition)) return nameTagSql(db, condition.test)
  const table = sql.table(VALUE_TABLES[condition.on])
  const index = isLookedUp(condition) ? alongIndex(db, TEXT_INDEXES[condition.on]) : null
  if (isLookedUp(condition) && index !== null) {
    // The entries of one value lie together, those of one run's values far from the next run's: few pages are read, not many.
    const place = sql`v.experiment_id = ${of.experimentId} AND v.key = ${condition.key}`
    const entry = sql`${isText(condition.test.text)} AND v.run_id = ${of.id}`
    return exists(db, of, sql`SELECT 1 FROM ${table} AS v ${index} WHERE ${place} AND ${entry}`)
  }
  const found = sql`SELECT 1 FROM ${table} AS v WHERE v.run_id = ${of.id} AND v.key = ${condition.key}`
  if (condition.test.kind !== 'null')
    return exists(db, of, sql`${found} AND ${valueSql(db, condition, condition.test)}`)
  return condition.test.negated ? exists(db, of, found) : sql<SqlBool>`NOT EXISTS (${found})`
}

/** What a condition of the tag that is the run's name asks: it has no row of its own. */
function nameTagSql(db: Db, test: ValueTest): Expression<SqlBool> {
  if (test.kind === 'null') return sql<SqlBool>`runs.name_tagged = ${sql.lit(test.negated ? 1 : 0)}`
  return sql<SqlBool>`runs.name_tagged = 1 AND ${satisfies(db, sql.ref('runs.name'), test)}`
}

/**
 * SQLite makes a join of an EXISTS without LIMIT, and looks up the run and what it is ordered by before that. PostgreSQL
 * makes one without OFFSET, and of runs that meet several conditions it expects so few that it reads whole tables for them
 * rather than to walk until a page is full.
 */
function exists(db: Db, { isWalk = false }: RunColumns, found: RawBuilder<unknown>): Expression<SqlBool> {
  return isPostgres(db) && isWalk ? sql`EXISTS (${found} OFFSET 0)` : sql`EXISTS (${found} LIMIT 1)`
}

/** The test of a value in `v`. NaN is stored as 0 with a flag: it differs from every number and equals or orders with none. */
function valueSql(db: Db, condition: RunCondition, test: ValueTest): Expression<SqlBool> {
  const satisfied = satisfies(db, sql.ref('v.value'), test)
  if (condition.on !== 'metric') return satisfied
  const differs = test.kind === 'number' && test.operator === '!='
  return differs ? sql<SqlBool>`(v.is_nan = 1 OR ${satisfied})` : sql<SqlBool>`(v.is_nan = 0 AND ${satisfied})`
}

type Lookup = { on: 'param' | 'tag'; key: string; test: { kind: 'text'; operator: '='; text: string } }

/** Is this a value that the index of texts is entered with? */
function isLookedUp(condition: RunCondition): condition is Lookup {
  const { on, test } = condition
  return (on === 'param' || on === 'tag') && !isNameTag(condition) && test.kind === 'text' && test.operator === '='
}

/** The value in `v` is this text, in words of the index, which tells all of a text that is shorter than what it holds. */
function isText(text: string): RawBuilder<unknown> {
  const beginning = sql`v.beginning = ${beginningOf(text)}`
  return text.length < INDEXED ? beginning : sql`${beginning} AND v.value = ${text}`
}

/** The conditions in the order in which a run is best asked them: those that most runs fail, for the least work, first. */
export function cheapestFirst(conditions: readonly RunCondition[]): RunCondition[] {
  return conditions.toSorted((a, b) => Number(isLookedUp(b)) - Number(isLookedUp(a)))
}

/**
 * The entries of the search index that meet a condition, as `FROM … AS v WHERE …`; null when the index cannot narrow it
 * (what differs, patterns, datasets, attributes).
 */
export function indexedEntries(
  db: Db,
  condition: RunCondition,
  experiments: RawBuilder<unknown>,
): RawBuilder<unknown> | null {
  const name = nameAsked(condition)
  if (name !== null) {
    const names = sql`(SELECT id AS run_id, experiment_id, lifecycle, name FROM runs) AS v`
    return sql`${names} WHERE v.experiment_id IN (${experiments}) AND v.lifecycle IN ('active', 'deleted') AND v.name = ${name}`
  }
  if (condition.on === 'attribute' || condition.on === 'dataset') return null
  const { test, key } = condition
  const table = sql.table(VALUE_TABLES[condition.on])
  const place = sql`v.experiment_id IN (${experiments}) AND v.key = ${key}`
  if (condition.on === 'metric') {
    if (test.kind !== 'number' || test.operator === '!=') return null
    return sql`${table} AS v WHERE ${place} AND ${valueSql(db, condition, test)}`
  }
  if (test.kind !== 'text' || test.operator !== '=') return null
  return sql`${table} AS v WHERE ${place} AND ${isText(test.text)}`
}

/** The name that a run must have to meet the condition; null when it asks for something else. */
function nameAsked(condition: RunCondition): string | null {
  const asks = condition.on === 'attribute' ? condition.column === 'name' : isNameTag(condition)
  return asks && condition.test.kind === 'text' && condition.test.operator === '=' ? condition.test.text : null
}

/** Is this the tag that is the run's name? It lies with the run, not with the tags (migration 19). */
export function isNameTag(of: { on: string; key?: string }): boolean {
  return of.on === 'tag' && of.key === NAME_TAG
}

/** How many entries there are, counted no further than `limit`. */
export async function countEntries(db: Db, entries: RawBuilder<unknown>, limit: number): Promise<number> {
  const { rows } = await sql<{
    count: number
  }>`SELECT COUNT(*) AS count FROM (SELECT 1 FROM ${entries} LIMIT ${sql.lit(limit)}) AS counted`.execute(db)
  return Number(rows[0]?.count)
}
