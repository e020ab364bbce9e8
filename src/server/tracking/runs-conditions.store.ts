import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Db } from '../../db/dialect.ts'
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

/** Characters of a param's or tag's value that the search index holds (migration 5). */
export const INDEXED = 64

/** What one condition asks of `runs`. */
export function conditionSql(db: Db, condition: RunCondition): Expression<SqlBool> {
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
  return sql<SqlBool>`EXISTS (${found} AND ${valueSql(db, condition, condition.test)})`
}

/** The test of a value in `v`. NaN is stored as 0 with a flag: it differs from every number and equals or orders with none. */
function valueSql(db: Db, condition: RunCondition, test: ValueTest): Expression<SqlBool> {
  const satisfied = satisfies(db, sql.ref('v.value'), test)
  if (condition.on !== 'metric') return satisfied
  const differs = test.kind === 'number' && test.operator === '!='
  return differs ? sql<SqlBool>`(v.is_nan = 1 OR ${satisfied})` : sql<SqlBool>`(v.is_nan = 0 AND ${satisfied})`
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
  const place = sql`v.experiment_id IN (${experiments}) AND v.key = ${key} AND ${inOrder(condition.on, 'v')}`
  if (condition.on === 'metric') {
    if (test.kind !== 'number' || test.operator === '!=') return null
    return sql`${table} AS v WHERE ${place} AND ${valueSql(db, condition, test)}`
  }
  if (test.kind !== 'text' || test.operator !== '=') return null
  const start = sql`substr(v.value, 1, ${sql.lit(INDEXED)}) = substr(${test.text}, 1, ${sql.lit(INDEXED)})`
  return sql`${table} AS v WHERE ${place} AND ${start} AND v.value = ${test.text}`
}

/** The name that a run must have to meet the condition; null when it asks for something else. */
function nameAsked(condition: RunCondition): string | null {
  const asks = condition.on === 'attribute' ? condition.column === 'name' : isNameTag(condition)
  return asks && condition.test.kind === 'text' && condition.test.operator === '=' ? condition.test.text : null
}

/** Is this the tag that repeats the run's name? The index of names has it, that of tags has not (migration 11). */
export function isNameTag(of: { on: string; key?: string }): boolean {
  return of.on === 'tag' && of.key === NAME_TAG
}

/** In words of the index: the engines take a partial one only for a query that repeats its condition. */
export function inOrder(on: keyof typeof VALUE_TABLES, alias: string): RawBuilder<unknown> {
  return on === 'tag' ? sql`${sql.ref(`${alias}.key`)} <> ${sql.lit(NAME_TAG)}` : sql`1 = 1`
}

/** How many entries there are, counted no further than `limit`. */
export async function countEntries(db: Db, entries: RawBuilder<unknown>, limit: number): Promise<number> {
  const { rows } = await sql<{
    count: number
  }>`SELECT COUNT(*) AS count FROM (SELECT 1 FROM ${entries} LIMIT ${sql.lit(limit)}) AS counted`.execute(db)
  return Number(rows[0]?.count)
}
