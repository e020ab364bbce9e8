import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import { type Db, ilike, like } from '../../db/dialect.ts'
import * as keyset from '../../db/keyset.ts'
import { type ModelRow, modelByName, tagsOfModels } from './models.store.ts'
import type { NamedVersionRow } from './versions.store.ts'

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
  /** Ends with what tells apart all rows: the name of models, name and number of versions. */
  order: readonly SearchOrder[]
  /** Leave out what has this tag with the value `true`; null shows all. */
  hideTag: string | null
  limit: number
  /** The place of the last row of the page before; null for the first page. */
  after: keyset.Place | null
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

/** A version without a run has the run id '', as in MLflow: `run_id = ''` finds those. */
const VERSION_COLUMNS = {
  name: sql.ref<string>('registered_models.name'),
  run_id: sql<string>`COALESCE(model_versions.run_id, '')`,
  source: sql.ref<string>('model_versions.source'),
} as const

const TYPES = { name: 'text', version: 'number', created_at_ms: 'number', updated_at_ms: 'number' } as const

/** The terms of an order of models. */
export function modelTerms(order: readonly SearchOrder[]): keyset.Term[] {
  return order.map(({ column, descending }) => ({
    value: sql.ref(`registered_models.${column}`),
    type: TYPES[column],
    descending,
  }))
}

/** The terms of an order of versions. */
export function versionTerms(order: readonly SearchOrder[], name = VERSION_COLUMNS.name): keyset.Term[] {
  return order.map(({ column, descending }) => ({
    value: column === 'name' ? name : sql.ref(`model_versions.${column}`),
    type: TYPES[column],
    descending,
  }))
}

/** Active models of a project that meet all conditions (on `name` and tags). */
export async function searchModelRows(db: Db, query: SearchQuery): Promise<keyset.Placed<ModelRow>[]> {
  const terms = modelTerms(query.order)
  const where: Expression<SqlBool>[] = [
    sql<SqlBool>`registered_models.project_id = ${query.projectId}`,
    sql<SqlBool>`registered_models.deleted_at_ms IS NULL`,
  ]
  for (const condition of query.conditions) {
    if (condition.on === 'tag') where.push(hasModelTag(db, condition.key, condition.condition))
    else if (condition.on === 'name') where.push(matches(db, VERSION_COLUMNS.name, condition.condition))
  }
  if (query.hideTag !== null) where.push(sql<SqlBool>`NOT ${hasModelTag(db, query.hideTag, TRUE)}`)
  return keyset.pageAlong<ModelRow>(terms, query.after, query.limit, (stretch, limit) =>
    keyset.readPlaced(
      db,
      terms,
      sql`SELECT registered_models.*, ${keyset.placeColumns(terms)} FROM registered_models
        WHERE ${sql.join([...where, stretch], sql` AND `)} ${keyset.orderBy(terms)} LIMIT ${limit}`,
    ),
  )
}

/** Versions of a project that meet all conditions. A prompt's model hides its versions, too. */
export async function searchVersionRows(db: Db, query: SearchQuery): Promise<keyset.Placed<NamedVersionRow>[]> {
  const only = onlyName(query.conditions)
  if (only !== null) return searchVersionsOfModel(db, query, only)
  const terms = versionTerms(query.order)
  const where = [
    sql<SqlBool>`registered_models.id = model_versions.model_id`,
    sql<SqlBool>`registered_models.project_id = ${query.projectId}`,
    sql<SqlBool>`registered_models.deleted_at_ms IS NULL`,
    sql<SqlBool>`model_versions.project_id = ${query.projectId}`,
    ...versionDemands(db, query, VERSION_COLUMNS.name),
    ...(query.hideTag === null ? [] : [sql<SqlBool>`NOT ${hasModelTag(db, query.hideTag, TRUE)}`]),
  ]
  const names = query.order.findIndex(({ column }) => column === 'name')
  return keyset.pageAlong<NamedVersionRow>(terms, query.after, query.limit, (stretch, limit, fixedTerms) => {
    // Where SQLite begins (PostgreSQL has statistics): at the models where the order goes by their names, or the stretch has
    // only one; at the versions, along the index of the order, everywhere else.
    const tables = ['registered_models', 'model_versions']
    if (names > 0 && names >= fixedTerms) tables.reverse()
    return keyset.readPlaced(
      db,
      terms,
      sql`SELECT model_versions.*, registered_models.name, ${keyset.placeColumns(terms)}
        FROM ${sql.raw(tables.join(' CROSS JOIN '))}
        WHERE ${sql.join([...where, stretch], sql` AND `)} ${keyset.orderBy(terms)} LIMIT ${limit}`,
    )
  })
}

/** The same of one model of the project, without a join: PostgreSQL would expect one version of it, and sort its ten thousand. */
async function searchVersionsOfModel(
  db: Db,
  query: SearchQuery,
  modelName: string,
): Promise<keyset.Placed<NamedVersionRow>[]> {
  const model = await modelByName(db, query.projectId, modelName)
  if (model === undefined) return []
  const tags = query.hideTag === null ? [] : await tagsOfModels(db, [model.id])
  if (tags.some(({ key, value }) => key === query.hideTag && value.toLowerCase() === 'true')) return []
  const name = sql<string>`CAST(${model.name} AS TEXT)`
  const terms = versionTerms(query.order, name)
  const where = [sql<SqlBool>`model_versions.model_id = ${model.id}`, ...versionDemands(db, query, name)]
  return keyset.pageAlong<NamedVersionRow>(terms, query.after, query.limit, (stretch, limit) =>
    keyset.readPlaced(
      db,
      terms,
      sql`SELECT model_versions.*, ${name} AS name, ${keyset.placeColumns(terms)} FROM model_versions
        WHERE ${sql.join([...where, stretch], sql` AND `)} ${keyset.orderBy(terms)} LIMIT ${limit}`,
    ),
  )
}

function versionDemands(db: Db, query: SearchQuery, name: RawBuilder<string>): RawBuilder<SqlBool>[] {
  const where = [
    sql<SqlBool>`model_versions.deleted_at_ms IS NULL`,
    ...query.conditions.map((condition) => sql<SqlBool>`${versionCondition(db, condition, name)}`),
  ]
  if (query.hideTag !== null) where.push(sql<SqlBool>`NOT ${hasVersionTag(db, query.hideTag, TRUE)}`)
  return where
}

/** The one name that a filter leaves; null when it leaves several. */
function onlyName(conditions: readonly SearchCondition[]): string | null {
  for (const { on, ...rest } of conditions)
    if (on === 'name' && 'condition' in rest && rest.condition.operator === '=') return rest.condition.text
  return null
}

function versionCondition(db: Db, condition: SearchCondition, name: RawBuilder<string>): Expression<SqlBool> {
  if (condition.on === 'tag') return hasVersionTag(db, condition.key, condition.condition)
  if (condition.on === 'version')
    return sql<SqlBool>`model_versions.version ${sql.raw(condition.operator)} ${condition.number}`
  if (condition.on === 'name') return matches(db, name, condition.condition)
  // A run that is named is looked for in the column itself, which has an index.
  const { operator } = condition.condition
  const isNamed = condition.on === 'run_id' && operator === '=' && condition.condition.text !== ''
  const column = isNamed ? sql.ref<string>('model_versions.run_id') : VERSION_COLUMNS[condition.on]
  return matches(db, column, condition.condition)
}
