import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import * as keyset from '../../db/keyset.ts'
import type { Lifecycle } from '../../db/tables/tracking.ts'
import { satisfies } from '../../db/value-test.ts'
import type { ValueTest } from '../../lib/search-test.ts'
import type { ExperimentRow } from './experiments.store.ts'

export type ExperimentColumn = 'name' | 'experiment_id' | 'created_at_ms' | 'updated_at_ms'
export type ExperimentCondition =
  | { on: 'attribute'; column: ExperimentColumn; test: ValueTest }
  | { on: 'tag'; key: string; test: ValueTest }

export type ExperimentSort = { column: ExperimentColumn; descending: boolean }

export type ExperimentSearch = {
  projectId: string
  lifecycle: Lifecycle | null
  conditions: readonly ExperimentCondition[]
  sorts: readonly ExperimentSort[]
  /** The place of the last experiment of the page before; null for the first page. */
  after: keyset.Place | null
  limit: number
}

/** The id that clients see, as a number: the Default is 0. The indexes of migration 12 hold the same words. */
const WIRE_ID = sql`(CASE WHEN experiments.is_default = 1 THEN 0 ELSE COALESCE(CAST(experiments.wire_id AS BIGINT), experiments.id) END)`

/** The newest first unless sorted; then by the id that clients see, so that no two experiments share a place. */
export function orderTerms(sorts: readonly ExperimentSort[]): keyset.Term[] {
  const order: ExperimentSort[] = [
    ...(sorts.length === 0 ? [{ column: 'created_at_ms' as const, descending: true }] : sorts),
    { column: 'experiment_id', descending: false },
  ]
  return order
    .filter(({ column }, index) => order.findIndex((sort) => sort.column === column) === index) // a repetition decides nothing
    .map(({ column, descending }) => ({ value: columnSql(column), type: TYPES[column], descending }))
}

const TYPES = { name: 'text', experiment_id: 'int64', created_at_ms: 'number', updated_at_ms: 'number' } as const

/** Each lifecycle is walked along its own indexes; a view of both merges them. */
export async function searchExperiments(db: Db, search: ExperimentSearch): Promise<keyset.Placed<ExperimentRow>[]> {
  const terms = orderTerms(search.sorts)
  const lifecycles: Lifecycle[] = search.lifecycle === null ? ['active', 'deleted'] : [search.lifecycle]
  const walks: keyset.Placed<ExperimentRow>[][] = []
  for (const lifecycle of lifecycles) {
    const where = sql.join(
      [
        sql`experiments.project_id = ${search.projectId}`,
        sql`experiments.lifecycle = ${lifecycle}`,
        ...search.conditions.map((condition) => conditionSql(db, condition)),
      ],
      sql` AND `,
    )
    const walk = keyset.pageAlong<ExperimentRow>(terms, search.after, search.limit, (stretch, limit) =>
      keyset.readPlaced(
        db,
        terms,
        sql`SELECT experiments.*, ${keyset.placeColumns(terms)} FROM experiments
          WHERE ${where} AND ${stretch} ${keyset.orderBy(terms)} LIMIT ${limit}`,
      ),
    )
    walks.push(await walk)
  }
  return keyset.mergePlaced(terms, walks, search.limit)
}

function columnSql(column: ExperimentColumn): RawBuilder<unknown> {
  return column === 'experiment_id' ? WIRE_ID : sql.ref(`experiments.${column}`)
}

function conditionSql(db: Db, condition: ExperimentCondition): Expression<SqlBool> {
  if (condition.on === 'attribute') {
    const column = columnSql(condition.column)
    return satisfies(db, condition.column === 'experiment_id' ? sql`CAST(${column} AS TEXT)` : column, condition.test)
  }
  const found = sql`SELECT 1 FROM experiment_tags AS t WHERE t.experiment_id = experiments.id AND t.key = ${condition.key}`
  if (condition.test.kind === 'null') {
    return condition.test.negated ? sql<SqlBool>`EXISTS (${found})` : sql<SqlBool>`NOT EXISTS (${found})`
  }
  return sql<SqlBool>`EXISTS (${found} AND ${satisfies(db, sql.ref('t.value'), condition.test)})`
}
