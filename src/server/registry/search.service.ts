import type { Context } from '../../context.ts'
import { badRequest } from '../../lib/errors.ts'
import { cutPage, decodePlaceToken } from '../../lib/place-token.ts'
import {
  type Comparison,
  isNumberOperator,
  isTextComparison,
  parseFilter,
  parseOrderBy,
} from '../../lib/search-filter.ts'
import { loadVersions, type ModelVersion } from './lookup.service.ts'
import { modelsFromRows, PROMPT_TAG, type RegisteredModel } from './models.service.ts'
import {
  modelTerms,
  type SearchCondition,
  type SearchOrder,
  type SearchQuery,
  searchModelRows,
  searchVersionRows,
  type TextCondition,
  versionTerms,
} from './search.store.ts'

export type RegistrySearch = {
  filter?: string
  orderBy?: string[]
  /** At least 1; the door checks its own upper limit. */
  maxResults: number
  pageToken?: string
}

type Attributes = {
  text: Readonly<Record<string, 'name' | 'run_id' | 'source'>>
  lists: readonly string[]
  numbers: Readonly<Record<string, 'version'>>
  order: Readonly<Record<string, SearchOrder['column']>>
}

const MODEL_ATTRIBUTES: Attributes = {
  text: { name: 'name' },
  lists: ['name'],
  numbers: {},
  order: { name: 'name', timestamp: 'updated_at_ms', last_updated_timestamp: 'updated_at_ms' },
}
const VERSION_ATTRIBUTES: Attributes = {
  text: { name: 'name', run_id: 'run_id', source_path: 'source' },
  lists: ['name', 'run_id'],
  numbers: { version_number: 'version' },
  order: {
    name: 'name',
    version_number: 'version',
    creation_timestamp: 'created_at_ms',
    last_updated_timestamp: 'updated_at_ms',
  },
}
const ATTRIBUTE_ENTITIES = ['', 'attribute', 'attributes', 'attr']
const TAG_ENTITIES = ['tag', 'tags']

/** Registered models that match MLflow's filter; prompts only when the filter asks for them. @throws AppError bad_request */
export async function searchModels(
  ctx: Context,
  projectId: string,
  search: RegistrySearch,
): Promise<{ models: RegisteredModel[]; nextPageToken: string | null }> {
  const query = buildQuery(projectId, search, MODEL_ATTRIBUTES, [{ column: 'name', descending: false }])
  const after = decodePlaceToken(search.pageToken, query.order, modelTerms(query.order))
  const found = await searchModelRows(ctx.db, { ...query, after })
  const { rows, nextPageToken } = cutPage(found, search.maxResults, query.order)
  return { models: await modelsFromRows(ctx, rows), nextPageToken }
}

/** Model versions that match MLflow's filter, newest change first; prompts only when asked for. @throws AppError bad_request */
export async function searchVersions(
  ctx: Context,
  projectId: string,
  search: RegistrySearch,
): Promise<{ versions: ModelVersion[]; nextPageToken: string | null }> {
  const query = buildQuery(
    projectId,
    { ...search, orderBy: search.orderBy?.length ? search.orderBy : ['last_updated_timestamp DESC'] },
    VERSION_ATTRIBUTES,
    [
      { column: 'name', descending: false },
      { column: 'version', descending: true },
    ],
  )
  const after = decodePlaceToken(search.pageToken, query.order, versionTerms(query.order))
  const found = await searchVersionRows(ctx.db, { ...query, after })
  const { rows, nextPageToken } = cutPage(found, search.maxResults, query.order)
  return { versions: await loadVersions(ctx, rows), nextPageToken }
}

function buildQuery(
  projectId: string,
  search: RegistrySearch,
  attributes: Attributes,
  tieBreakers: SearchOrder[],
): Omit<SearchQuery, 'after'> {
  const comparisons = parseFilter(search.filter ?? '')
  const wantsPrompts = asksForPrompts(comparisons)
  const conditions = comparisons
    .filter((comparison) => wantsPrompts || !isPromptTag(comparison))
    .map((comparison) => conditionOf(comparison, attributes))
  const order = orderOf(search.orderBy ?? [], attributes)
  return {
    projectId,
    conditions,
    order: [...order, ...tieBreakers.filter((last) => order.every((field) => field.column !== last.column))],
    hideTag: wantsPrompts ? null : PROMPT_TAG,
    limit: search.maxResults + 1,
  }
}

function isPromptTag({ entity, key }: Comparison): boolean {
  return TAG_ENTITIES.includes(entity.toLowerCase()) && key === PROMPT_TAG
}

/**
 * Only the first condition on the prompt tag decides, as in MLflow. The client adds `!= 'true'` to every search of
 * models, which untagged ones must match: unless prompts are asked for, conditions on that tag are dropped and prompts hidden.
 */
function asksForPrompts(comparisons: readonly Comparison[]): boolean {
  const first = comparisons.find(isPromptTag)
  if (first === undefined || first.value.kind !== 'text') return false
  const value = first.value.text.toLowerCase()
  return (first.operator === '=' && value === 'true') || (first.operator === '!=' && value === 'false')
}

function conditionOf(comparison: Comparison, attributes: Attributes): SearchCondition {
  const { entity, key, operator, value } = comparison
  if (TAG_ENTITIES.includes(entity.toLowerCase()))
    return { on: 'tag', key, condition: textCondition(comparison, false) }
  if (!ATTRIBUTE_ENTITIES.includes(entity.toLowerCase()))
    throw badRequest(
      `Invalid entity type '${entity.slice(0, 50)}' in the filter: attributes and tags can be searched.`,
      'filter',
    )
  const text = Object.hasOwn(attributes.text, key) ? attributes.text[key] : undefined
  if (text !== undefined) return { on: text, condition: textCondition(comparison, attributes.lists.includes(key)) }
  const number = Object.hasOwn(attributes.numbers, key) ? attributes.numbers[key] : undefined
  if (number === undefined)
    throw badRequest(
      `Invalid attribute name: ${key.slice(0, 100)}. Valid names are ${Object.keys({ ...attributes.text, ...attributes.numbers }).join(', ')}.`,
      'filter',
    )
  if (!isNumberOperator(operator)) throw badRequest(`Invalid comparator for attribute ${key}: ${operator}`, 'filter')
  const written = value.kind === 'number' || value.kind === 'text' ? value.text : ''
  if (!/^[+-]?\d{1,15}$/.test(written))
    throw badRequest(`Invalid value for numeric attribute '${key}': ${written.slice(0, 50)}`, 'filter')
  return { on: number, operator, number: Number(written) }
}

function textCondition(comparison: Comparison, lists: boolean): TextCondition {
  const { operator, value, key } = comparison
  if (isTextComparison(comparison) && value.kind === 'text')
    return { operator: operator as '=' | '!=' | 'LIKE' | 'ILIKE', text: value.text }
  if (lists && value.kind === 'list') {
    if (value.items.length === 0) throw badRequest(`The list for ${key} is empty.`, 'filter')
    return { operator: operator as 'IN' | 'NOT IN', items: value.items }
  }
  throw badRequest(
    `Invalid comparator for ${key.slice(0, 100)}: ${operator} with a ${value.kind}. Texts are written in quotes and compared by =, !=, LIKE or ILIKE.`,
    'filter',
  )
}

function orderOf(clauses: readonly string[], attributes: Attributes): SearchOrder[] {
  const order: SearchOrder[] = []
  for (const { entity, key, descending } of parseOrderBy(clauses)) {
    const column =
      ATTRIBUTE_ENTITIES.includes(entity.toLowerCase()) && Object.hasOwn(attributes.order, key)
        ? attributes.order[key]
        : undefined
    if (column === undefined)
      throw badRequest(
        `Invalid order by key '${key.slice(0, 100)}' specified. Valid keys are ${Object.keys(attributes.order).join(', ')}.`,
        'order_by',
      )
    if (order.some((field) => field.column === column))
      throw badRequest('`order_by` contains duplicate fields.', 'order_by')
    order.push({ column, descending })
  }
  return order
}
