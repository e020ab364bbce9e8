import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import { satisfies } from '../../db/value-test.ts'
import type { ValueTest } from '../../lib/search-test.ts'
import { selectTraces, type TraceRow } from './traces.store.ts'

export type TraceColumn =
  | 'trace_id'
  | 'name'
  | 'status'
  | 'client_request_id'
  | 'run_id'
  | 'experiment_id'
  | 'started_at_ms'
  | 'duration_ms'
  | 'ended_at_ms'
export type TraceCondition =
  | { on: 'attribute'; column: TraceColumn; test: ValueTest }
  | { on: 'tag' | 'metadata'; key: string; test: ValueTest }
  | { on: 'run' | 'prompt'; target: string }
  | { on: 'assessment'; kind: 'feedback' | 'expectation' | 'issue'; name: string; test: ValueTest | null }
  /** Of one and the same span. */
  | { on: 'span'; tests: { column: 'name' | 'type' | 'status'; test: ValueTest }[] }
export type TraceSort = { descending: boolean } & (
  | { on: 'attribute'; column: TraceColumn }
  | { on: 'tag' | 'metadata'; key: string }
)
/** The sort values of the last trace of a page; missing ones are null. */
export type TraceCursor = (string | number | null)[]

export type TraceSearch = {
  projectId: string
  /** null: every experiment. */
  experimentIds: readonly number[] | null
  conditions: readonly TraceCondition[]
  /** In full, the last one unique: `sortsOf`. */
  sorts: readonly TraceSort[]
  after: TraceCursor | null
  limit: number
}
export type FoundTrace = TraceRow & { cursor: TraceCursor }

const NUMERIC: readonly TraceColumn[] = ['started_at_ms', 'duration_ms', 'ended_at_ms', 'experiment_id']
const REQUIRED: readonly TraceColumn[] = ['trace_id', 'status', 'started_at_ms', 'ended_at_ms', 'experiment_id']

/** Traces that meet every condition, in order, missing values last; those behind the cursor. */
export async function searchTraceRows(db: Db, search: TraceSearch): Promise<FoundTrace[]> {
  if (search.experimentIds?.length === 0) return []
  const keys = search.sorts.map(sortKey)
  let query = selectTraces(db, search.projectId)
  if (search.experimentIds !== null) query = query.where('traces.experiment_id', 'in', search.experimentIds)
  for (const condition of search.conditions) query = query.where(conditionSql(db, condition))
  if (search.after !== null) query = query.where(behind(keys, search.after))
  for (const key of keys) {
    if (key.nullable) query = query.orderBy(missing(key.value))
    query = query.orderBy(sql`${key.value} ${sql.raw(key.descending ? 'DESC' : 'ASC')}`)
  }
  const rows = await query
    .select(keys.map((key, index) => key.value.as(`sort_${index}`)))
    .limit(search.limit)
    .execute()
  return rows.map((row) => ({
    ...row,
    cursor: keys.map((_, index) => (row as unknown as Record<string, string | number | null>)[`sort_${index}`] ?? null),
  }))
}

type SortKey = { value: RawBuilder<string | number | null>; nullable: boolean; numeric: boolean; descending: boolean }

function sortKey(sort: TraceSort): SortKey {
  if (sort.on === 'attribute') {
    return {
      value: column(sort.column),
      nullable: !REQUIRED.includes(sort.column),
      numeric: NUMERIC.includes(sort.column),
      descending: sort.descending,
    }
  }
  const value = sql<string | null>`(SELECT v.value FROM trace_values AS v
    WHERE v.trace = traces.id AND v.kind = ${sort.on} AND v.key = ${sort.key})`
  return { value, nullable: true, numeric: false, descending: sort.descending }
}

function column(name: TraceColumn): RawBuilder<string | number | null> {
  if (name === 'ended_at_ms') return sql`(traces.started_at_ms + COALESCE(traces.duration_ms, 0))`
  return sql`${sql.ref(`traces.${name}`)}`
}

function missing(value: RawBuilder<unknown>): RawBuilder<number> {
  return sql`CASE WHEN ${value} IS NULL THEN 1 ELSE 0 END`
}

/** Rows that come after these values: equal in the first ones, then greater (or less) in the next. */
function behind(keys: readonly SortKey[], after: TraceCursor): RawBuilder<SqlBool> {
  const equals = (key: SortKey, value: string | number | null) =>
    value === null ? sql`${key.value} IS NULL` : sql`${key.value} = ${value}`
  const steps = keys.map((key, index) => {
    const value = after[index] ?? null
    const same = keys.slice(0, index).map((earlier, place) => equals(earlier, after[place] ?? null))
    const next =
      value === null
        ? sql`1 = 0` // missing ones are the last
        : sql`(${key.value} ${sql.raw(key.descending ? '<' : '>')} ${value} ${key.nullable ? sql`OR ${key.value} IS NULL` : sql``})`
    return sql`(${sql.join([...same, next], sql` AND `)})`
  })
  // The first key alone bounds the range that an index has to read.
  const [first] = keys
  const bound =
    first !== undefined && !first.nullable
      ? sql`${first.value} ${sql.raw(first.descending ? '<=' : '>=')} ${after[0] ?? null} AND `
      : sql``
  return sql<SqlBool>`(${bound}(${sql.join(steps, sql` OR `)}))`
}

function conditionSql(db: Db, condition: TraceCondition): RawBuilder<SqlBool> {
  switch (condition.on) {
    case 'attribute':
      return sql<SqlBool>`${satisfies(db, column(condition.column), condition.test)}`
    case 'run':
    case 'prompt':
      return sql<SqlBool>`EXISTS (SELECT 1 FROM trace_links AS v
        WHERE v.trace = traces.id AND v.kind = ${condition.on} AND v.target = ${condition.target})`
    case 'span': {
      const tests = condition.tests.map(({ column, test }) => sql`${satisfies(db, sql.ref(`v.${column}`), test)}`)
      return sql<SqlBool>`EXISTS (SELECT 1 FROM trace_span_kinds AS v
        WHERE v.trace = traces.id AND ${sql.join(tests, sql` AND `)})`
    }
    case 'assessment':
      return assessmentSql(db, condition)
    default: {
      const { key, test } = condition
      const where = sql`FROM trace_values AS v WHERE v.trace = traces.id AND v.kind = ${condition.on} AND v.key = ${key}`
      if (test.kind === 'null') return sql<SqlBool>`${sql.raw(test.negated ? '' : 'NOT ')}EXISTS (SELECT 1 ${where})`
      return sql<SqlBool>`EXISTS (SELECT 1 ${where} AND ${satisfies(db, sql.ref('v.value'), test)})`
    }
  }
}

function assessmentSql(db: Db, condition: Extract<TraceCondition, { on: 'assessment' }>): RawBuilder<SqlBool> {
  const { kind, name, test } = condition
  const where = sql`FROM trace_assessments AS v
    WHERE v.trace = traces.id AND v.kind = ${kind} AND v.name = ${name} AND v.valid = 1`
  if (test === null) return sql<SqlBool>`EXISTS (SELECT 1 ${where})`
  if (test.kind === 'null') return sql<SqlBool>`${sql.raw(test.negated ? '' : 'NOT ')}EXISTS (SELECT 1 ${where})`
  if (test.kind === 'number') {
    return sql<SqlBool>`EXISTS (SELECT 1 ${where} AND ${satisfies(db, sql.ref('v.number'), test)})`
  }
  if (test.kind === 'text' && (test.operator === '=' || test.operator === '!=')) {
    // A value is JSON: the text yes is "yes", the boolean true is true.
    const either = sql`v.value IN (${test.text}, ${JSON.stringify(test.text)})`
    return sql<SqlBool>`EXISTS (SELECT 1 ${where} AND ${test.operator === '=' ? either : sql`NOT (${either})`})`
  }
  return sql<SqlBool>`EXISTS (SELECT 1 ${where} AND ${satisfies(db, sql.ref('v.value'), test)})`
}
