import type { Context } from '../../context.ts'
import type { Place } from '../../db/keyset.ts'
import { badRequest } from '../../lib/errors.ts'
import { decodePlaceToken, encodePlaceToken } from '../../lib/place-token.ts'
import { type Comparison, parseFilter, parseOrderBy, type SortField } from '../../lib/search-filter.ts'
import { valueTest } from '../../lib/search-test.ts'
import { rowIdsOf } from './experiments.service.ts'
import { type RunRecord, runRecord } from './records.ts'
import { foundPage } from './run-pages.reads.ts'
import { runsByIds } from './runs.store.ts'
import type { RunSearch as FoundSearch } from './runs-asked.store.ts'
import type { RunColumn, RunCondition } from './runs-conditions.store.ts'
import { orderTerms, type RunSort } from './runs-order.store.ts'

export type ViewType = 'ACTIVE_ONLY' | 'DELETED_ONLY' | 'ALL'

/** The lifecycle that a view shows; null for both. */
export function lifecycleOf(view: ViewType): 'active' | 'deleted' | null {
  return view === 'ALL' ? null : view === 'DELETED_ONLY' ? 'deleted' : 'active'
}

const NUMERIC = new Set<RunColumn>(['started_at_ms', 'ended_at_ms'])
const COLUMNS: Readonly<Record<string, RunColumn>> = {
  run_id: 'id',
  run_uuid: 'id',
  run_name: 'name',
  'run name': 'name',
  'Run name': 'name',
  'Run Name': 'name',
  user_id: 'user_name',
  status: 'status',
  artifact_uri: 'artifact_uri',
  start_time: 'started_at_ms',
  created: 'started_at_ms',
  Created: 'started_at_ms',
  end_time: 'ended_at_ms',
}
const ENTITIES: Readonly<Record<string, 'attribute' | 'metric' | 'param' | 'tag' | 'dataset'>> = {
  '': 'attribute',
  attribute: 'attribute',
  attributes: 'attribute',
  attr: 'attribute',
  run: 'attribute',
  metric: 'metric',
  metrics: 'metric',
  param: 'param',
  params: 'param',
  parameter: 'param',
  parameters: 'param',
  tag: 'tag',
  tags: 'tag',
  dataset: 'dataset',
  datasets: 'dataset',
}

/** What an identifier of a run search names. @throws AppError bad_request naming `field` */
function entityOf(identifier: { entity: string; key: string }, field: string) {
  const entity = Object.hasOwn(ENTITIES, identifier.entity) ? ENTITIES[identifier.entity] : undefined
  if (entity === undefined) {
    throw badRequest(
      `Invalid entity type '${identifier.entity.slice(0, 100)}' in ${field}; it must be metrics, params, tags, attributes or datasets.`,
      field,
    )
  }
  return entity
}

function columnOf(key: string, field: string): RunColumn {
  const column = Object.hasOwn(COLUMNS, key) ? COLUMNS[key] : undefined
  if (column === undefined) {
    throw badRequest(
      `Invalid attribute key '${key.slice(0, 100)}' in ${field}; it must be one of run_id, run_name, user_id, status, artifact_uri, start_time, end_time. Metrics, parameters and tags are written with their kind: metrics.accuracy, params.depth, tags.team.`,
      field,
    )
  }
  return column
}

function condition(comparison: Comparison): RunCondition {
  const entity = entityOf(comparison, 'filter')
  const { key } = comparison
  if (entity === 'attribute') {
    const column = columnOf(key, 'filter')
    if (NUMERIC.has(column)) return { on: entity, column, test: valueTest(comparison, key, { number: true }) }
    return { on: entity, column, test: valueTest(comparison, key, { text: true, in: column === 'id' }) }
  }
  const name = `${comparison.entity}.${key}`
  if (entity === 'dataset') {
    if (key !== 'name' && key !== 'digest' && key !== 'context') {
      throw badRequest(
        `Invalid dataset key '${key.slice(0, 100)}' in filter; it must be name, digest or context.`,
        'filter',
      )
    }
    return { on: entity, column: key, test: valueTest(comparison, name, { text: true, in: true }) }
  }
  if (entity === 'metric') return { on: entity, key, test: valueTest(comparison, name, { number: true }) }
  return { on: entity, key, test: valueTest(comparison, name, { text: true, null: true }) }
}

function sort(field: SortField): RunSort {
  const entity = entityOf(field, 'order_by')
  const { descending, key } = field
  if (entity === 'dataset') throw badRequest('Runs cannot be ordered by datasets.', 'order_by')
  if (entity === 'attribute') return { on: entity, column: columnOf(key, 'order_by'), descending }
  return { on: entity, key, descending }
}

export type RunSearch = {
  /** As clients see them; undefined: every experiment of the project. Ids of no experiment are left out. */
  experimentIds?: readonly string[]
  filter?: string
  orderBy?: readonly string[]
  view?: ViewType
  /** 1 to 50000. */
  maxResults: number
  pageToken?: string
}

/** A search that was checked, and how its next page is named. */
export type CheckedSearch = {
  search: FoundSearch
  /** The token of the page behind a place; null behind the last. */
  tokenOf(last: Place | null): string | null
}

/** @throws AppError bad_request (filter, order_by, page_token, max_results) */
export async function checkedSearch(ctx: Context, projectId: string, search: RunSearch): Promise<CheckedSearch> {
  checkMaxResults(search.maxResults, 50_000)
  const orderBy = search.orderBy ?? []
  const sorts = parseOrderBy(orderBy).map(sort)
  return {
    search: {
      projectId,
      conditions: parseFilter(search.filter ?? '').map(condition),
      experimentIds: search.experimentIds === undefined ? null : await rowIdsOf(ctx, projectId, search.experimentIds),
      lifecycle: lifecycleOf(search.view ?? 'ACTIVE_ONLY'),
      sorts,
      after: decodePlaceToken(search.pageToken, orderBy, orderTerms(sorts)),
      limit: search.maxResults,
    },
    tokenOf: (last) => (last === null ? null : encodePlaceToken(orderBy, last)),
  }
}

/**
 * Runs by MLflow's grammar, e.g. `metrics.accuracy > 0.8 AND params.model = 'tree'` ordered by `metrics.accuracy DESC`.
 * The token is null on the last page.
 * @throws AppError bad_request (filter, order_by, page_token, max_results)
 */
export async function searchRuns(
  ctx: Context,
  projectId: string,
  asked: RunSearch,
): Promise<{ runs: RunRecord[]; nextPageToken: string | null }> {
  const { search, tokenOf } = await checkedSearch(ctx, projectId, asked)
  const { ids, last } = await ctx.reads.ask(ctx.db, foundPage, search)
  return { runs: (await runsByIds(ctx.db, projectId, ids)).map(runRecord), nextPageToken: tokenOf(last) }
}

/** @throws AppError bad_request */
export function checkMaxResults(maxResults: number, limit: number): void {
  if (maxResults < 1) {
    throw badRequest(
      `Invalid value ${maxResults} for parameter 'max_results' supplied: It must be a positive integer.`,
      'max_results',
    )
  }
  if (maxResults > limit) {
    throw badRequest(
      `Invalid value ${maxResults} for parameter 'max_results' supplied: It must be at most ${limit}.`,
      'max_results',
    )
  }
}
