import type { CatalogEntry, DatasetEntry, EntryFile, ModelEntry } from '../../catalog/catalog.service.ts'
import { mlmProperties } from './mlm.ts'
import { fileFields, mediaType, modelAssets, type StacAsset } from './stac.assets.ts'
import { GEOJSON_TYPE, iso, JSON_TYPE, type StacLink, type StacUrls } from './stac.links.ts'

const VERSION_EXTENSION = 'https://stac-extensions.github.io/version/v1.2.0/schema.json'
const FILE_EXTENSION = 'https://stac-extensions.github.io/file/v2.1.0/schema.json'
const TABLE_EXTENSION = 'https://stac-extensions.github.io/table/v1.2.0/schema.json'
const PROCESSING_EXTENSION = 'https://stac-extensions.github.io/processing/v1.2.0/schema.json'
const MLM_EXTENSION = 'https://stac-extensions.github.io/mlm/v1.5.2/schema.json'

/** The STAC item of one version. A version of ours has no place on Earth yet: geometry null and no bbox. */
export function itemBody(entry: CatalogEntry, urls: StacUrls) {
  const { extensions, properties, assets } =
    entry.kind === 'dataset' ? datasetParts(entry, urls) : modelParts(entry, urls)
  return {
    type: 'Feature',
    stac_version: '1.1.0',
    stac_extensions: [VERSION_EXTENSION, FILE_EXTENSION, ...extensions],
    id: entry.itemId,
    collection: entry.kind,
    geometry: null,
    properties: {
      title: `${entry.name} version ${entry.version}`,
      ...(entry.description === '' ? {} : { description: entry.description }),
      datetime: iso(entry.createdAtMs),
      created: iso(entry.createdAtMs),
      updated: iso(entry.updatedAtMs),
      version: String(entry.version),
      deprecated: entry.kind === 'ai-model' && entry.stage === 'Archived',
      providers: [
        { name: entry.createdBy, roles: ['producer'] },
        { name: 'Trainyard', roles: ['host'], url: `${urls.server}/` },
      ],
      ...properties,
      'mlops:project': `${entry.owner}/${entry.project}`,
    },
    assets,
    links: linksOf(entry, urls),
  }
}

function linksOf(entry: CatalogEntry, urls: StacUrls): StacLink[] {
  const collection = urls.collection(entry.kind)
  const item = (rel: string, id: string | null): StacLink[] =>
    id === null ? [] : [{ rel, href: urls.item(entry.kind, id), type: GEOJSON_TYPE }]
  const page =
    entry.kind === 'dataset'
      ? urls.datasetPage(entry.owner, entry.project, entry.name, entry.version)
      : urls.modelPage(entry.owner, entry.project, entry.name, entry.version)
  return [
    ...item('self', entry.itemId),
    { rel: 'root', href: urls.root, type: JSON_TYPE },
    { rel: 'parent', href: collection, type: JSON_TYPE },
    { rel: 'collection', href: collection, type: JSON_TYPE },
    ...item('predecessor-version', entry.predecessor),
    ...item('successor-version', entry.successor),
    ...item('latest-version', entry.latest),
    ...entry.derivedFrom.map((one) => ({
      rel: 'derived_from',
      href: urls.item(one.kind, one.itemId),
      type: GEOJSON_TYPE,
      title: one.title,
      ...(one.split === null ? {} : { 'ml-aoi:split': one.split }),
    })),
    { rel: 'alternate', href: page, type: 'text/html', title: 'Page in Trainyard' },
    ...(entry.kind === 'dataset' ? [] : modelLinks(entry, urls, page)),
  ]
}

function modelLinks(entry: ModelEntry, urls: StacUrls, page: string): StacLink[] {
  return [
    { rel: 'mlflow:model', href: page, type: 'text/html', 'mlflow:uri': `models:/${entry.name}/${entry.version}` },
    { rel: 'mlflow:tracking-uri', href: urls.tracking(entry.owner, entry.project) },
  ]
}

function datasetParts(entry: DatasetEntry, urls: StacUrls) {
  const content = `${urls.dataset(entry.owner, entry.project, entry.name, entry.version)}/files/content`
  const columns = entry.files.find((file) => file.columns !== null)?.columns ?? null
  const parent = entry.derivedFrom[0]
  const lineage =
    parent === undefined ? null : `${entry.fromRecipe ? 'made by a recipe from' : 'made from'} ${parent.title}`
  const names = assetNames(entry.files)
  return {
    extensions: [...(columns === null ? [] : [TABLE_EXTENSION]), ...(lineage === null ? [] : [PROCESSING_EXTENSION])],
    properties: {
      license: licence(entry.licence),
      ...(entry.rowCount === null ? {} : { 'table:row_count': entry.rowCount }),
      ...(columns === null ? {} : { 'table:columns': columns }),
      ...(lineage === null ? {} : { 'processing:lineage': lineage, 'processing:datetime': iso(entry.createdAtMs) }),
      ...(entry.message === '' ? {} : { 'mlops:message': entry.message }),
      'mlops:digest': `sha256:${entry.digest}`,
    },
    assets: Object.fromEntries(
      entry.files.map((file): [string, StacAsset] => [
        names.get(file.path) ?? file.path,
        {
          href: `${content}?path=${encodeURIComponent(file.path)}`,
          title: file.path,
          type: mediaType(file.path),
          roles: ['data'],
          ...fileFields(file),
          ...(file.rowCount === null ? {} : { 'table:row_count': file.rowCount }),
          ...(splitOf(file.path) === null ? {} : { 'mlops:split': splitOf(file.path) }),
        },
      ]),
    ),
  }
}

function modelParts(entry: ModelEntry, urls: StacUrls) {
  const version = urls.model(entry.owner, entry.project, entry.name, entry.version)
  const licenceTag = entry.tags.license ?? entry.tags.licence ?? ''
  return {
    extensions: [MLM_EXTENSION, PROCESSING_EXTENSION],
    properties: {
      license: licence(licenceTag),
      ...mlmProperties(entry),
      'processing:facility': 'Trainyard',
      'processing:datetime': iso(entry.createdAtMs),
      ...(entry.runId === null
        ? {}
        : { 'processing:lineage': `MLflow run ${entry.runId}`, 'mlflow:run_id': entry.runId }),
      'mlflow:model_uri': `models:/${entry.name}/${entry.version}`,
      ...(entry.loggedModelId === null ? {} : { 'mlflow:model_id': entry.loggedModelId }),
      ...(entry.mlmodel?.signature == null ? {} : { 'mlops:signature': entry.mlmodel.signature }),
      ...(Object.keys(entry.metrics).length === 0 ? {} : { 'mlops:metrics': entry.metrics }),
      'mlops:stage': entry.stage,
      'mlops:aliases': entry.aliases,
    },
    assets: modelAssets(entry, version),
  }
}

/** An SPDX name as it is; anything else is `other`, which STAC knows. */
function licence(text: string): string {
  return /^[\w.+-]+$/.test(text) ? text : 'other'
}

/** `train.parquet` → `train`; the whole path where two files would share a name. */
function assetNames(files: EntryFile[]): Map<string, string> {
  const stem = (path: string) => (path.split('/').at(-1) ?? path).replace(/(\.[a-z0-9]+)+$/i, '')
  return new Map(
    files.map((file) => {
      const name = stem(file.path)
      const alone = name !== '' && files.filter((other) => stem(other.path) === name).length === 1
      return [file.path, alone ? name : file.path]
    }),
  )
}

function splitOf(path: string): string | null {
  const name = (path.split('/').at(-1) ?? '').toLowerCase()
  if (/^train\b/.test(name)) return 'train'
  if (/^test\b/.test(name)) return 'test'
  return /^(val|valid|validation|validate)\b/.test(name) ? 'validate' : null
}
