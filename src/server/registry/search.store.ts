import { type Expression, type ReferenceExpression, type SqlBool, sql } from 'kysely'
import { type Db, ilike, like } from '../../db/dialect.ts'
import type { Tables } from '../../db/tables.ts'
import type { ModelRow } from './models.store.ts'
import { type NamedVersionRow, namedVersions } from './versions.store.ts'

/** One condition on a text column or a tag's value. */
export type TextCondition =
  | { operator: '=' | '!=' | 'LIKE' | 'ILIKE'; text: string }
  | { operator: 'IN' | 'NOT IN'; items: string[] }

export type SearchCondition =
  | { on: 'name' | 'run_id' | 'source'; condition: TextCondition }
  | { on: 'version'; operator: '=' | '!=' | '>' | '>=' | '<' | '<='; number: number }
  | { on: 'tag'; key: string; condition: TextCondition }

export type SearchOrder = { column: 'name' | 'version' | 'created_at_ms' | 'updated_at_ms'; descending: boolean }
export type SearchQuery = {
  projectId: string
  conditions: SearchCondition[]
  order: SearchOrder[]
  /** Leave out what has this tag with the value `true`; null shows all. */
  hideTag: string | null
  limit: number
  offset: number
}

function matches(db: Db, column: Expression<string | null>, condition: TextCondition): Expression<SqlBool> {
  switch (condition.operator) {
    case 'LIKE':
      return like(db, column, condition.text)
    case 'ILIKE':
      return ilike(db, column, condition.text)
    case '=':
      return sql<SqlBool>`${column} = ${condition.text}`
    case '!=':
      return sql<SqlBool>`${column} != ${condition.text}`
    case 'IN':
      return condition.items.length === 0
        ? sql<SqlBool>`1 = 0`
        : sql<SqlBool>`${column} IN (${sql.join(condition.items)})`
    case 'NOT IN':
      return condition.items.length === 0
        ? sql<SqlBool>`1 = 1`
        : sql<SqlBool>`${column} NOT IN (${sql.join(condition.items)})`
  }
}

/** A tag condition: the tag must be there, also for `!=`. */
function hasModelTag(db: Db, key: string, condition: TextCondition): Expression<SqlBool> {
  const value = matches(db, sql.ref<string>('t.value'), condition)
  return sql<SqlBool>`EXISTS (SELECT 1 FROM registered_model_tags t WHERE t.model_id = registered_models.id AND t.key = ${key} AND ${value})`
}

function hasVersionTag(db: Db, key: string, condition: TextCondition): Expression<SqlBool> {
  const value = matches(db, sql.ref<string>('t.value'), condition)
  return sql<SqlBool>`EXISTS (SELECT 1 FROM model_version_tags t WHERE t.version_id = model_versions.id AND t.key = ${key} AND ${value})`
}

const TRUE: TextCondition = { operator: 'ILIKE', text: 'true' }

/** Active models of a project that meet all conditions (on `name` and tags). */
export async function searchModelRows(db: Db, query: SearchQuery): Promise<ModelRow[]> {
  let select = db
    .selectFrom('registered_models')
    .selectAll()
    .where('project_id', '=', query.projectId)
    .where('deleted_at_ms', 'is', null)
  for (const condition of query.conditions) {
    if (condition.on === 'tag') select = select.where(hasModelTag(db, condition.key, condition.condition))
    else if (condition.on === 'name') select = select.where(matches(db, sql.ref<string>('name'), condition.condition))
  }
  if (query.hideTag !== null) select = select.where(sql<SqlBool>`NOT ${hasModelTag(db, query.hideTag, TRUE)}`)
  for (const { column, descending } of query.order) {
    if (column !== 'version') select = select.orderBy(column, descending ? 'desc' : 'asc')
  }
  return select.orderBy('id').limit(query.limit).offset(query.offset).execute()
}

/** A version without a run has the run id '', as in MLflow: `run_id = ''` finds those. */
const VERSION_COLUMNS = {
  name: sql.ref<string>('registered_models.name'),
  run_id: sql<string>`COALESCE(model_versions.run_id, '')`,
  source: sql.ref<string>('model_versions.source'),
} as const
type VersionColumn = ReferenceExpression<Tables, 'model_versions' | 'registered_models'>

/** Versions of a project that meet all conditions. A prompt's model hides its versions, too. */
export async function searchVersionRows(db: Db, query: SearchQuery): Promise<NamedVersionRow[]> {
  let select = namedVersions(db)
    .where('model_versions.project_id', '=', query.projectId)
    .where('model_versions.deleted_at_ms', 'is', null)
  for (const condition of query.conditions) {
    if (condition.on === 'tag') select = select.where(hasVersionTag(db, condition.key, condition.condition))
    else if (condition.on === 'version')
      select = select.where('model_versions.version', condition.operator, condition.number)
    else select = select.where(matches(db, VERSION_COLUMNS[condition.on], condition.condition))
  }
  if (query.hideTag !== null) {
    select = select
      .where(sql<SqlBool>`NOT ${hasVersionTag(db, query.hideTag, TRUE)}`)
      .where(sql<SqlBool>`NOT ${hasModelTag(db, query.hideTag, TRUE)}`)
  }
  for (const { column, descending } of query.order) {
    const reference: VersionColumn = column === 'name' ? 'registered_models.name' : `model_versions.${column}`
    select = select.orderBy(reference, descending ? 'desc' : 'asc')
  }
  return select.orderBy('model_versions.id').limit(query.limit).offset(query.offset).execute()
}
