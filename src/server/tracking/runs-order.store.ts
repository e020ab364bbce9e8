import { type RawBuilder, sql } from 'kysely'
import type { Term } from '../../db/keyset.ts'
import { isNameTag, type RunColumn, VALUE_TABLES } from './runs-conditions.store.ts'

export type RunSort =
  | { on: 'attribute'; column: RunColumn; descending: boolean }
  | { on: 'metric' | 'param' | 'tag'; key: string; descending: boolean }

/** Rank of what a sort looks at: a number or text, then NaN, then nothing. Missing values are last in both directions. */
export const PRESENT = 0
export const NAN = 1
export const MISSING = 2

/** The alias of the table that a sort by a metric, param or tag reads. */
const alias = (index: number) => sql.ref(`sort_${index}`)
const column = (index: number, name: string) => sql.ref(`sort_${index}.${name}`)

/** The joins that sorts by metrics, params and tags need; `skip`: that one is where the query begins. */
export function sortJoins(sorts: readonly RunSort[], skip: number | null): RawBuilder<unknown> {
  const joins = sorts.flatMap((sort, index) => {
    if (sort.on === 'attribute' || isNameTag(sort) || index === skip) return []
    const table = sql.table(VALUE_TABLES[sort.on])
    return [
      sql`LEFT JOIN ${table} AS ${alias(index)} ON ${column(index, 'run_id')} = runs.id AND ${column(index, 'key')} = ${sort.key}`,
    ]
  })
  return sql.join(joins, sql` `)
}

/**
 * The terms of an order: those of its sorts, each led by its rank where values can be missing, then the newest first, then
 * the id, so that no two runs share a place.
 */
export function orderTerms(sorts: readonly RunSort[]): Term[] {
  const terms = sorts.flatMap((sort, index) =>
    sort.on === 'attribute' ? attributeTerms(sort) : valueTerms(sort, index),
  )
  if (!sorts.some((sort) => sort.on === 'attribute' && sort.column === 'started_at_ms'))
    terms.push({ value: sql`runs.started_at_ms`, type: 'number', descending: true })
  terms.push({ value: sql`runs.id`, type: 'text', descending: false })
  return terms
}

function attributeTerms(sort: Extract<RunSort, { on: 'attribute' }>): Term[] {
  const { descending } = sort
  if (sort.column !== 'ended_at_ms') {
    const type = sort.column === 'started_at_ms' ? 'number' : 'text'
    return [{ value: sql.ref(`runs.${sort.column}`), type, descending }]
  }
  return [
    { value: sql`CASE WHEN runs.ended_at_ms IS NULL THEN 1 ELSE 0 END`, type: 'number', descending: false },
    { value: sql`COALESCE(runs.ended_at_ms, 0)`, type: 'number', descending },
  ]
}

function valueTerms(sort: Extract<RunSort, { key: string }>, index: number): Term[] {
  if (isNameTag(sort)) return nameTagTerms(sort.descending)
  const value = column(index, 'value')
  const rank: Term = { value: rankOf(sort, index), type: 'number', descending: false }
  if (sort.on === 'metric')
    return [rank, { value: sql`COALESCE(${value}, 0)`, type: 'number', descending: sort.descending }]
  return [rank, { value: sql`COALESCE(${value}, '')`, type: 'text', descending: sort.descending }]
}

/** The tag that is the run's name lies with the run. */
function nameTagTerms(descending: boolean): Term[] {
  const [has, not] = [sql.lit(PRESENT), sql.lit(MISSING)]
  return [
    { value: sql`CASE WHEN runs.name_tagged = 1 THEN ${has} ELSE ${not} END`, type: 'number', descending: false },
    { value: sql`CASE WHEN runs.name_tagged = 1 THEN runs.name ELSE '' END`, type: 'text', descending },
  ]
}

function rankOf(sort: Extract<RunSort, { key: string }>, index: number): RawBuilder<unknown> {
  if (sort.on === 'metric') return sql`COALESCE(${column(index, 'is_nan')}, ${sql.lit(MISSING)})`
  return sql`CASE WHEN ${column(index, 'value')} IS NULL THEN ${sql.lit(MISSING)} ELSE ${sql.lit(PRESENT)} END`
}
