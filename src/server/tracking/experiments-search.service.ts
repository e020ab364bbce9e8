import type { Context } from '../../context.ts'
import { badRequest } from '../../lib/errors.ts'
import { cutPage, decodePlaceToken } from '../../lib/place-token.ts'
import { type Comparison, parseFilter, parseOrderBy } from '../../lib/search-filter.ts'
import { type ValueTest, valueTest } from '../../lib/search-test.ts'
import { type Experiment, experimentOf, getExperiment } from './experiments.service.ts'
import {
  type ExperimentColumn,
  type ExperimentCondition,
  orderTerms,
  searchExperiments as searchRows,
} from './experiments-search.store.ts'
import { DEFAULT_EXPERIMENT_ID } from './records.ts'
import { checkMaxResults, lifecycleOf, type ViewType } from './runs-search.service.ts'

const COLUMNS: Readonly<Record<string, ExperimentColumn>> = {
  name: 'name',
  experiment_id: 'experiment_id',
  creation_time: 'created_at_ms',
  last_update_time: 'updated_at_ms',
}
const ATTRIBUTE_ENTITIES = new Set(['', 'attribute', 'attributes', 'attr'])

function columnOf(key: string, field: string): ExperimentColumn {
  const column = Object.hasOwn(COLUMNS, key) ? COLUMNS[key] : undefined
  if (column === undefined) {
    throw badRequest(
      `Invalid attribute key '${key.slice(0, 100)}' in ${field}; it must be one of ${Object.keys(COLUMNS).join(', ')}.`,
      field,
    )
  }
  return column
}

function condition(comparison: Comparison): ExperimentCondition {
  const { entity, key } = comparison
  if (comparison.isLowerCase === true && comparison.value.kind !== 'none') {
    // MLflow takes them in any case in every search but this one; a client that sees them taken here would fail there.
    throw badRequest(`Invalid comparator '${comparison.operator.toLowerCase()}': write it in capitals.`, 'filter')
  }
  if (entity === 'tag' || entity === 'tags') {
    return { on: 'tag', key, test: valueTest(comparison, `${entity}.${key}`, { text: true, null: true }) }
  }
  if (!ATTRIBUTE_ENTITIES.has(entity)) {
    throw badRequest(
      `Invalid entity type '${entity.slice(0, 100)}' in filter; it must be attributes or tags.`,
      'filter',
    )
  }
  const column = columnOf(key, 'filter')
  if (column === 'created_at_ms' || column === 'updated_at_ms') {
    if (comparison.value.kind === 'number' && !/^[+-]?\d+$/.test(comparison.value.text)) {
      throw badRequest(`Invalid value for numeric attribute '${key}': ${comparison.value.text.slice(0, 50)}`, 'filter')
    }
    return { on: 'attribute', column, test: valueTest(comparison, key, { number: true }) }
  }
  const test = valueTest(comparison, key, { text: true, in: column === 'experiment_id' })
  if (column === 'experiment_id' && test.kind === 'text' && test.operator !== '=' && test.operator !== '!=') {
    throw badRequest(`Invalid comparator for experiment_id: ${test.operator}`, 'filter')
  }
  if (column === 'experiment_id') checkIds(test)
  return { on: 'attribute', column, test }
}

function checkIds(test: ValueTest): void {
  const ids = test.kind === 'in' ? test.items : test.kind === 'text' ? [test.text] : []
  const wrong = ids.find((id) => !/^\s*[+-]?\d+\s*$/.test(id))
  if (wrong === undefined) return
  throw badRequest(`Invalid experiment ID '${wrong.slice(0, 50)}'. Experiment ID must be a valid integer.`, 'filter')
}

export type ExperimentSearch = {
  filter?: string
  orderBy?: readonly string[]
  view?: ViewType
  /** 1 to 50000. */
  maxResults: number
  pageToken?: string
}

/** Experiments by MLflow's grammar; the newest first. @throws AppError bad_request (filter, order_by, page_token, max_results) */
export async function searchExperiments(
  ctx: Context,
  projectId: string,
  search: ExperimentSearch,
): Promise<{ experiments: Experiment[]; nextPageToken: string | null }> {
  checkMaxResults(search.maxResults, 50_000)
  const conditions = parseFilter(search.filter ?? '').map(condition)
  const orderBy = search.orderBy ?? []
  const sorts = parseOrderBy(orderBy, 'taken').map((field) => {
    if (!ATTRIBUTE_ENTITIES.has(field.entity))
      throw badRequest(`Experiments cannot be ordered by ${field.entity}.`, 'order_by')
    return { column: columnOf(field.key, 'order_by'), descending: field.descending }
  })
  const after = decodePlaceToken(search.pageToken, orderBy, orderTerms(sorts))
  await getExperiment(ctx, projectId, DEFAULT_EXPERIMENT_ID) // every project has one
  const found = await searchRows(ctx.db, {
    projectId,
    lifecycle: lifecycleOf(search.view ?? 'ACTIVE_ONLY'),
    conditions,
    sorts,
    after,
    limit: search.maxResults + 1,
  })
  const { rows, nextPageToken } = cutPage(found, search.maxResults, orderBy)
  return { experiments: rows.map(experimentOf), nextPageToken }
}
