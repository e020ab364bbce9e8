import { type Expression, type SqlBool, sql } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { Lifecycle } from '../../db/tables/tracking.ts'
import { satisfies } from '../../db/value-test.ts'
import type { ValueTest } from '../../lib/search-test.ts'
import type { ExperimentRow } from './experiments.store.ts'

export type ExperimentColumn = 'name' | 'experiment_id' | 'created_at_ms' | 'updated_at_ms'
export type ExperimentCondition =
  | { on: 'attribute'; column: ExperimentColumn; test: ValueTest }
  | { on: 'tag'; key: string; test: ValueTest }

export type ExperimentSearch = {
  projectId: string
  lifecycle: Lifecycle | null
  conditions: readonly ExperimentCondition[]
  sorts: readonly { column: ExperimentColumn; descending: boolean }[]
  offset: number
  limit: number
}

/** The id that clients see, as a number: the Default is 0. */
const WIRE_ID = sql`(CASE WHEN experiments.is_default = 1 THEN 0 ELSE COALESCE(CAST(experiments.wire_id AS BIGINT), experiments.id) END)`

export async function searchExperiments(db: Db, search: ExperimentSearch): Promise<ExperimentRow[]> {
  let query = db.selectFrom('experiments').selectAll().where('project_id', '=', search.projectId)
  if (search.lifecycle !== null) query = query.where('lifecycle', '=', search.lifecycle)
  for (const condition of search.conditions) query = query.where(conditionSql(db, condition))
  for (const { column, descending } of search.sorts) {
    query = query.orderBy(sql`${columnSql(column)} ${sql.raw(descending ? 'DESC' : 'ASC')}`)
  }
  if (search.sorts.length === 0) query = query.orderBy('created_at_ms', 'desc')
  return query.orderBy(WIRE_ID).offset(search.offset).limit(search.limit).execute()
}

function columnSql(column: ExperimentColumn): Expression<unknown> {
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
