import { queryOptions } from '@tanstack/react-query'
import type { Scope } from '../paths.ts'
import { client, ok } from './client.ts'
import { key } from './query.ts'
import type { Body } from './schema-types.ts'

export type CatalogueKind = 'dataset' | 'ai-model'
export type StacAsset = { href: string; type?: string; title?: string; roles?: string[]; 'file:size'?: number }
export type StacLink = { rel: string; href: string; type?: string; title?: string }

/** A STAC item as our catalogue writes it: STAC leaves properties open, so what is not always there is optional here. */
export type StacItem = {
  id: string
  collection: CatalogueKind
  geometry: unknown
  stac_extensions: string[]
  properties: {
    title: string
    description?: string
    datetime: string
    version: string
    license?: string
    'mlops:project': string
    'mlops:message'?: string
    'mlops:digest'?: string
    'mlops:aliases'?: string[]
    'mlops:metrics'?: Record<string, number>
    'mlflow:model_uri'?: string
    'mlflow:run_id'?: string
    'mlm:framework'?: string
    'mlm:framework_version'?: string
    'mlm:architecture'?: string
    'mlm:tasks'?: string[]
    'processing:lineage'?: string
    'table:row_count'?: number
    'table:columns'?: { name: string; type?: string }[]
  }
  assets: Record<string, StacAsset>
  links: StacLink[]
}
type SearchBody = Body<'/api/stac/search'>
type Page = { features: StacItem[]; links: (StacLink & { body?: unknown })[]; numberMatched: number }

export type CatalogueFilter = { text: string; kind: CatalogueKind | null; everywhere: boolean }
export type CatalogueAnswer = { items: StacItem[]; complete: boolean }

const PAGE_ITEMS = 200
/** More than this nobody reads in a table: the search narrows it. */
const MAX_PAGES = 5

/** Items by words and kind; of this project, or of all that the reader may see. */
export function catalogueQuery(scope: Scope, filter: CatalogueFilter) {
  return queryOptions({
    queryKey: key(scope, 'catalogue', filter),
    queryFn: ({ signal }) => search(scope, filter, signal),
    placeholderData: (before) => before,
  })
}

async function search(scope: Scope, filter: CatalogueFilter, signal: AbortSignal): Promise<CatalogueAnswer> {
  let body: SearchBody = {
    limit: PAGE_ITEMS,
    sortby: [{ field: 'created', direction: 'desc' }],
    ...(filter.kind === null ? {} : { collections: [filter.kind] }),
    ...(filter.text.trim() === '' ? {} : { q: filter.text.trim().split(/\s+/) }),
  }
  const items: StacItem[] = []
  for (let count = 0; count < MAX_PAGES; count++) {
    const page = (await ok(client.POST('/api/stac/search', { body, signal }))) as unknown as Page
    items.push(...page.features)
    const next = page.links.find((link) => link.rel === 'next')
    if (next === undefined) return { items: ours(items, scope, filter), complete: true }
    body = next.body as SearchBody
  }
  return { items: ours(items, scope, filter), complete: false }
}

function ours(items: StacItem[], scope: Scope, filter: CatalogueFilter): StacItem[] {
  const project = `${scope.owner}/${scope.project}`
  return filter.everywhere ? items : items.filter((item) => item.properties['mlops:project'] === project)
}
