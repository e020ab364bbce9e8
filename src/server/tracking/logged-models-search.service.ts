import type { Context } from '../../context.ts'
import { badRequest } from '../../lib/errors.ts'
import { cutPage, decodePlaceToken } from '../../lib/place-token.ts'
import { type Comparison, parseFilter } from '../../lib/search-filter.ts'
import { valueTest } from '../../lib/search-test.ts'
import { rowIdsOf } from './experiments.service.ts'
import { type LoggedModel, loggedModelOf } from './logged-models.service.ts'
import {
  type DatasetFilter,
  type ModelColumn,
  type ModelCondition,
  type ModelSort,
  orderTerms,
  searchLoggedModels as searchRows,
} from './logged-models-search.store.ts'
import { checkMaxResults } from './runs-search.service.ts'

const COLUMNS: Readonly<Record<string, ModelColumn>> = {
  model_id: 'id',
  name: 'name',
  status: 'status',
  source_run_id: 'source_run_id',
  model_type: 'model_type',
  artifact_location: 'artifact_uri',
  artifact_uri: 'artifact_uri',
  experiment_id: 'experiment_id',
  lifecycle_stage: 'lifecycle',
  creation_time: 'created_at_ms',
  creation_timestamp: 'created_at_ms',
  creation_timestamp_ms: 'created_at_ms',
  last_updated_timestamp: 'updated_at_ms',
  last_updated_timestamp_ms: 'updated_at_ms',
}
/** By the client's names, and by MLflow's numbers, which its own server compares with. */
const STATUS_NAMES: Readonly<Record<string, string>> = {
  PENDING: 'LOGGED_MODEL_PENDING',
  READY: 'LOGGED_MODEL_READY',
  FAILED: 'LOGGED_MODEL_UPLOAD_FAILED',
  1: 'LOGGED_MODEL_PENDING',
  2: 'LOGGED_MODEL_READY',
  3: 'LOGGED_MODEL_UPLOAD_FAILED',
}

function columnOf(key: string, field: string): ModelColumn {
  const column = Object.hasOwn(COLUMNS, key) ? COLUMNS[key] : undefined
  if (column === undefined) throw badRequest(`Invalid ${field} field name: ${key.slice(0, 100)}`, field)
  return column
}

function condition(comparison: Comparison): ModelCondition {
  const { entity, key } = comparison
  const name = entity === '' ? key : `${entity}.${key}`
  if (entity === 'metrics') return { on: 'metric', key, test: valueTest(comparison, name, { number: true }) }
  if (entity === 'params' || entity === 'tags') {
    return {
      on: entity === 'params' ? 'param' : 'tag',
      key,
      test: valueTest(comparison, name, { text: true, in: true }),
    }
  }
  if (entity !== '' && entity !== 'attributes') {
    throw badRequest(
      `Invalid entity type: '${entity.slice(0, 100)}'. Expected one of attributes, metrics, params, tags.`,
      'filter',
    )
  }
  const column = columnOf(key, 'filter')
  if (column === 'created_at_ms' || column === 'updated_at_ms') {
    return { on: 'attribute', column, test: valueTest(comparison, name, { number: true }) }
  }
  const test = valueTest(column === 'status' ? withTextStatus(comparison) : comparison, name, { text: true, in: true })
  if (column === 'status' && test.kind === 'text') test.text = STATUS_NAMES[test.text.toUpperCase()] ?? test.text
  if (column === 'status' && test.kind === 'in')
    test.items = test.items.map((item) => STATUS_NAMES[item.toUpperCase()] ?? item)
  return { on: 'attribute', column, test }
}

function withTextStatus(comparison: Comparison): Comparison {
  const { value } = comparison
  return value.kind === 'number' ? { ...comparison, value: { kind: 'text', text: value.text } } : comparison
}

export type LoggedModelOrder = { fieldName: string; ascending: boolean; datasetName?: string; datasetDigest?: string }

function sort(order: LoggedModelOrder): ModelSort {
  const dot = order.fieldName.indexOf('.')
  const descending = !order.ascending
  if (dot < 0) return { on: 'attribute', column: columnOf(order.fieldName, 'order_by'), descending }
  if (order.fieldName.slice(0, dot) !== 'metrics') {
    throw badRequest(
      `Invalid order by field name: ${order.fieldName.slice(0, 100)}. Only metrics are supported.`,
      'order_by',
    )
  }
  return {
    on: 'metric',
    key: order.fieldName.slice(dot + 1),
    dataset: { name: order.datasetName ?? null, digest: order.datasetDigest ?? null },
    descending,
  }
}

export type LoggedModelSearch = {
  experimentIds: readonly string[]
  filter?: string
  datasets?: readonly DatasetFilter[]
  orderBy?: readonly LoggedModelOrder[]
  maxResults: number
  pageToken?: string
}

/**
 * Active logged models by MLflow's grammar. A token is good for the search that gave it out and no other.
 * @throws AppError bad_request (filter, order_by, datasets, page_token, max_results)
 */
export async function searchLoggedModels(
  ctx: Context,
  projectId: string,
  search: LoggedModelSearch,
): Promise<{ models: LoggedModel[]; nextPageToken: string | null }> {
  checkMaxResults(search.maxResults, 50_000)
  if ((search.orderBy ?? []).length > 50) throw badRequest('order_by may hold at most 50 fields.', 'order_by')
  if ((search.datasets ?? []).length > 100) throw badRequest('datasets may hold at most 100 entries.', 'datasets')
  if (search.datasets?.some((dataset) => dataset.name === '') === true) {
    throw badRequest('`dataset_name` in the `datasets` clause must be specified.', 'datasets')
  }
  const sorts = (search.orderBy ?? []).map(sort)
  const belonging = [search.experimentIds, search.filter ?? '', search.orderBy ?? []]
  const after = decodePlaceToken(search.pageToken, belonging, orderTerms(sorts))
  const found = await searchRows(ctx.db, {
    projectId,
    experimentIds: await rowIdsOf(ctx, projectId, search.experimentIds),
    conditions: parseFilter(search.filter ?? '').map(condition),
    datasets: search.datasets ?? [],
    sorts,
    after,
    limit: search.maxResults + 1,
  })
  const { rows, nextPageToken } = cutPage(found, search.maxResults, belonging)
  return { models: rows.map(loggedModelOf), nextPageToken }
}
