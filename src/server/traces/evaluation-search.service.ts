import type { Context } from '../../context.ts'
import { badRequest } from '../../lib/errors.ts'
import { decodePageToken, encodePageToken } from '../../lib/page-token.ts'
import { type Comparison, parseFilter, parseOrderBy } from '../../lib/search-filter.ts'
import { valueTest } from '../../lib/search-test.ts'
import { rowIdsOf } from '../tracking/experiments.service.ts'
import { type EvaluationDataset, whole } from './evaluation-datasets.service.ts'
import * as store from './evaluation-datasets.store.ts'

const COLUMNS: Readonly<Record<string, store.DatasetColumn>> = {
  name: 'name',
  dataset_id: 'id',
  created_by: 'created_by',
  last_updated_by: 'updated_by',
  created_time: 'created_at_ms',
  last_update_time: 'updated_at_ms',
}
const ORDERED: readonly store.DatasetColumn[] = ['name', 'created_at_ms', 'updated_at_ms']

function condition(comparison: Comparison): store.DatasetCondition {
  const { entity, key } = comparison
  if (entity === 'tag' || entity === 'tags')
    return { on: 'tag', key, test: valueTest(comparison, `tags.${key}`, { text: true }) }
  const column = ['', 'attribute', 'attributes', 'attr', 'dataset'].includes(entity) ? columnOf(key) : undefined
  if (column === undefined) {
    throw badRequest(
      `Invalid filter: evaluation datasets are searched by ${Object.keys(COLUMNS).join(', ')} and tags.<key>.`,
      'filter_string',
    )
  }
  const numeric = column === 'created_at_ms' || column === 'updated_at_ms'
  return {
    on: 'attribute',
    column,
    test: valueTest(comparison, key, numeric ? { number: true } : { text: true, in: column === 'name' }),
  }
}

function columnOf(key: string): store.DatasetColumn | undefined {
  return Object.hasOwn(COLUMNS, key) ? COLUMNS[key] : undefined
}

/** Datasets, the newest first unless ordered. @throws AppError bad_request (filter, order_by, page_token) */
export async function searchEvaluationDatasets(
  ctx: Context,
  projectId: string,
  search: {
    experimentIds: readonly string[]
    filter?: string
    orderBy: readonly string[]
    limit: number
    token?: string
  },
): Promise<{ datasets: EvaluationDataset[]; nextPageToken: string | null }> {
  const order = parseOrderBy(search.orderBy.length === 0 ? ['created_time DESC'] : search.orderBy).map((field) => {
    const column = field.entity === '' ? columnOf(field.key) : undefined
    if (column === undefined || !ORDERED.includes(column))
      throw badRequest('Evaluation datasets are ordered by name, created_time or last_update_time.', 'order_by')
    return { column, descending: field.descending }
  })
  const offset = decodePageToken(search.token)
  const rows = await store.searchDatasets(ctx.db, {
    projectId,
    experimentIds: search.experimentIds.length === 0 ? null : await rowIdsOf(ctx, projectId, search.experimentIds),
    conditions: parseFilter(search.filter ?? '').map(condition),
    order: [...order, { column: 'id', descending: true }],
    offset,
    limit: search.limit + 1,
  })
  return {
    datasets: await whole(ctx, rows.slice(0, search.limit)),
    nextPageToken: rows.length > search.limit ? encodePageToken(offset + search.limit) : null,
  }
}
