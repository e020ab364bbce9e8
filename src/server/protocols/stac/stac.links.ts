import { CATALOG_KINDS, type CatalogKind } from '../../catalog/catalog.service.ts'

export type StacLink = {
  rel: string
  href: string
  type?: string
  title?: string
  method?: string
  body?: unknown
  [extra: string]: unknown
}

export const JSON_TYPE = 'application/json'
export const GEOJSON_TYPE = 'application/geo+json'
export const SCHEMA_TYPE = 'application/schema+json'
export const OPENAPI_TYPE = 'application/vnd.oai.openapi+json; version="3.1"'

/** Every URL of the door and those of ours it points to; `base` is the server's root without a trailing slash. */
export function stacUrls(base: string) {
  const root = `${base}/api/stac`
  const version = (owner: string, project: string, noun: string, name: string, number: number) =>
    `${base}/api/v1/projects/${owner}/${project}/${noun}/${encodeURIComponent(name)}/versions/${number}`
  return {
    server: base,
    root,
    collection: (kind: CatalogKind) => `${root}/collections/${kind}`,
    item: (kind: CatalogKind, id: string) => `${root}/collections/${kind}/items/${id}`,
    dataset: (owner: string, project: string, name: string, number: number) =>
      version(owner, project, 'datasets', name, number),
    model: (owner: string, project: string, name: string, number: number) =>
      version(owner, project, 'models', name, number),
    datasetPage: (owner: string, project: string, name: string, number: number) =>
      `${base}/${owner}/${project}/data/${encodeURIComponent(name)}/versions/${number}`,
    modelPage: (owner: string, project: string, name: string, number: number) =>
      `${base}/${owner}/${project}/models/${encodeURIComponent(name)}/versions/${number}`,
    tracking: (owner: string, project: string) => `${base}/mlflow/${owner}/${project}/tracking/`,
  }
}
export type StacUrls = ReturnType<typeof stacUrls>

export const CONFORMANCE: readonly string[] = [
  'https://api.stacspec.org/v1.0.0/core',
  'https://api.stacspec.org/v1.0.0/collections',
  'https://api.stacspec.org/v1.0.0/ogcapi-features',
  'https://api.stacspec.org/v1.0.0/item-search',
  // Sorting moved to 1.1.0; pystac-client 0.9 looks for 1.0 only.
  'https://api.stacspec.org/v1.0.0/item-search#sort',
  'https://api.stacspec.org/v1.0.0/ogcapi-features#sort',
  'https://api.stacspec.org/v1.1.0/item-search#sort',
  'https://api.stacspec.org/v1.1.0/ogcapi-features#sort',
  'https://api.stacspec.org/v1.0.0-rc.1/item-search#free-text',
  'https://api.stacspec.org/v1.0.0-rc.1/ogcapi-features#free-text',
  'http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core',
  'http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson',
]

/** The landing page: a STAC catalogue and the list of what the API can do. */
export function landingPage(urls: StacUrls) {
  const link = (rel: string, path: string, type: string, extra: Partial<StacLink> = {}): StacLink => ({
    rel,
    href: `${urls.root}${path}`,
    type,
    ...extra,
  })
  return {
    type: 'Catalog',
    stac_version: '1.1.0',
    id: 'trainyard',
    title: 'Trainyard',
    description:
      'Dataset versions and model versions: each is an item that says what it was made from and where its files are.',
    conformsTo: CONFORMANCE,
    links: [
      link('self', '', JSON_TYPE),
      link('root', '', JSON_TYPE),
      link('service-desc', '/api', OPENAPI_TYPE),
      link('conformance', '/conformance', JSON_TYPE),
      link('data', '/collections', JSON_TYPE),
      link('search', '/search', GEOJSON_TYPE, { method: 'GET' }),
      link('search', '/search', GEOJSON_TYPE, { method: 'POST' }),
      link('http://www.opengis.net/def/rel/ogc/1.0/queryables', '/queryables', SCHEMA_TYPE),
      ...CATALOG_KINDS.map((kind) =>
        link('child', `/collections/${kind}`, JSON_TYPE, { title: COLLECTIONS[kind].title }),
      ),
    ],
  }
}

const COLLECTIONS: Record<CatalogKind, { title: string; description: string; keywords: string[] }> = {
  dataset: {
    title: 'Datasets',
    description: 'Versions of datasets: the files that models are trained and tested on. A version never changes.',
    keywords: ['dataset', 'training data'],
  },
  'ai-model': {
    title: 'Models',
    description: 'Versions of registered models, with what they take, what they give and what they were trained on.',
    keywords: ['machine learning', 'model'],
  },
}

/** A collection. Its place is the whole world, which STAC demands of it; items that have no place say so themselves. */
export function collectionBody(urls: StacUrls, kind: CatalogKind, extent: { fromMs: number; toMs: number } | null) {
  const self = urls.collection(kind)
  return {
    type: 'Collection',
    stac_version: '1.1.0',
    stac_extensions: [],
    id: kind,
    ...COLLECTIONS[kind],
    license: 'other',
    extent: {
      spatial: { bbox: [[-180, -90, 180, 90]] },
      temporal: { interval: [extent === null ? [null, null] : [iso(extent.fromMs), iso(extent.toMs)]] },
    },
    providers: [{ name: 'Trainyard', roles: ['host'], url: `${urls.server}/` }],
    links: [
      { rel: 'self', href: self, type: JSON_TYPE },
      { rel: 'root', href: urls.root, type: JSON_TYPE },
      { rel: 'parent', href: urls.root, type: JSON_TYPE },
      { rel: 'items', href: `${self}/items`, type: GEOJSON_TYPE },
      { rel: 'http://www.opengis.net/def/rel/ogc/1.0/queryables', href: `${self}/queryables`, type: SCHEMA_TYPE },
    ],
  }
}

/** What items can be sorted by, as a JSON schema. */
export function queryablesBody(self: string) {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: self,
    type: 'object',
    title: 'What items are found and sorted by',
    properties: {
      id: { type: 'string', title: 'Item id' },
      collection: { type: 'string', title: 'Collection', enum: [...CATALOG_KINDS] },
      title: { type: 'string', title: 'Name of the dataset or model' },
      version: { type: 'string', title: 'Version number' },
      datetime: { type: 'string', format: 'date-time', title: 'When the version was made' },
      created: { type: 'string', format: 'date-time', title: 'When the version was made' },
      updated: { type: 'string', format: 'date-time', title: 'When its description last changed' },
    },
    additionalProperties: false,
  }
}

/** RFC 3339 in UTC. */
export function iso(ms: number): string {
  return new Date(ms).toISOString()
}
