import type { ModelEntry } from '../../catalog/catalog.service.ts'
import { flavorFacts, frameworkOf } from './mlm.ts'

export type StacAsset = { href: string; type?: string; title?: string; roles: string[]; [extra: string]: unknown }

/** The model's own file, its ONNX form, its description and what it needs to run. At least one has the role `mlm:model`. */
export function modelAssets(entry: ModelEntry, version: string): Record<string, StacAsset> {
  const assets: Record<string, StacAsset> = {}
  const href = (path: string) => `${version}/files/content?path=${encodeURIComponent(path)}`
  const main = mainFile(entry)
  for (const file of entry.files) {
    if (file.path === main?.path) {
      assets.model = {
        href: href(file.path),
        title: file.path,
        type: `application/octet-stream; framework=${frameworkOf(entry)?.flavor ?? 'python'}`,
        roles: ['mlm:model', 'data'],
        'mlm:artifact_type': main.artifactType,
        ...fileFields(file),
      }
    } else {
      assets[file.path] = {
        href: href(file.path),
        title: file.path,
        type: mediaType(file.path),
        roles: rolesOf(file.path),
        ...fileFields(file),
      }
    }
  }
  if (assets.model === undefined) {
    assets.model = {
      href: entry.source,
      title: 'Where the model lies',
      roles: ['mlm:model'],
      'mlm:artifact_type': 'mlflow.pyfunc',
    }
  }
  if (entry.onnx !== null) {
    assets['model-onnx'] = {
      href: `${version}/onnx/content`,
      title: 'ONNX form',
      type: 'application/octet-stream; framework=onnx',
      roles: ['mlm:model', 'data'],
      'mlm:artifact_type': 'onnx.save',
      'mlm:framework': 'ONNX',
      ...fileFields(entry.onnx),
    }
  }
  return assets
}

function rolesOf(path: string): string[] {
  if (path === 'MLmodel') return ['metadata', 'mlflow:mlmodel']
  return /(^|\/)(conda\.yaml|python_env\.yaml|requirements\.txt)$/.test(path) ? ['metadata', 'runtime'] : ['metadata']
}

/** The file that holds the model itself, as its flavor names it; a model that is a folder or unknown is its MLmodel. */
function mainFile(entry: ModelEntry): { path: string; artifactType: string } | null {
  const flavor = frameworkOf(entry)?.flavor ?? 'python_function'
  const facts = flavorFacts(entry, flavor)
  const python = flavorFacts(entry, 'python_function')
  const named = [
    facts.pickled_model,
    facts.model_path,
    facts.data,
    facts.model_data,
    python.model_path,
    python.data,
  ].find((path) => typeof path === 'string' && entry.files.some((file) => file.path === path)) as string | undefined
  if (named !== undefined) return { path: named, artifactType: artifactType(flavor, facts, named) }
  return entry.files.some((file) => file.path === 'MLmodel') ? { path: 'MLmodel', artifactType: 'mlflow.pyfunc' } : null
}

function artifactType(flavor: string, facts: Record<string, unknown>, path: string): string {
  if (flavor === 'onnx') return 'onnx.save'
  if (flavor === 'pytorch') return 'torch.save'
  if (flavor === 'xgboost') return 'xgboost.Booster.save_model'
  if (flavor === 'lightgbm') return 'lightgbm.Booster.save_model'
  if (facts.serialization_format === 'skops' || path.endsWith('.skops')) return 'skops.io.dump'
  return facts.serialization_format === 'cloudpickle' ? 'cloudpickle.dump' : 'pickle.dump'
}

/** `file:size` and, where it is known, the content's hash as a multihash (sha2-256 is 0x12, 32 bytes 0x20). */
export function fileFields(file: { sha256: string | null; sizeBytes: number }): Record<string, unknown> {
  return { 'file:size': file.sizeBytes, ...(file.sha256 === null ? {} : { 'file:checksum': `1220${file.sha256}` }) }
}

const MEDIA_TYPES: Record<string, string> = {
  parquet: 'application/vnd.apache.parquet',
  csv: 'text/csv',
  tsv: 'text/tab-separated-values',
  txt: 'text/plain',
  md: 'text/markdown',
  json: 'application/json',
  geojson: 'application/geo+json',
  yaml: 'application/yaml',
  yml: 'application/yaml',
  gz: 'application/gzip',
  zip: 'application/zip',
  tar: 'application/x-tar',
  tif: 'image/tiff; application=geotiff',
  tiff: 'image/tiff; application=geotiff',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gpkg: 'application/geopackage+sqlite3',
  html: 'text/html',
}

/** A file's media type, by its name. */
export function mediaType(path: string): string {
  if (path === 'MLmodel' || path.endsWith('/MLmodel')) return 'application/yaml'
  return MEDIA_TYPES[path.split('.').at(-1)?.toLowerCase() ?? ''] ?? 'application/octet-stream'
}
