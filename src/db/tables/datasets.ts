import type { Generated } from 'kysely'

export type DatasetsTable = {
  id: string
  project_id: string
  name: string
  description: string
  licence: string
  created_at_ms: number
  created_by: string
  deleted_at_ms: number | null
  last_version: number
}

export type DatasetVersionsTable = {
  id: string
  dataset_id: string
  project_id: string
  version: number
  /** SHA-256 of the canonical manifest (path, hash and size of each file, sorted by path). */
  digest: string
  message: string
  /** The version this one was made from; may belong to another dataset of the project. */
  parent_id: string | null
  /** JSON of the recipe that made it; null for an upload. */
  recipe: string | null
  /** The job that made it, when one did. */
  job_id: string | null
  size_bytes: number
  file_count: number
  row_count: number | null
  profile_state: 'queued' | 'ready' | 'failed' | 'none'
  /** JSON profile per tabular file; what it holds: datasets/profiles.schema.ts. */
  profile: string | null
  profile_error: string | null
  created_at_ms: number
  created_by: string
  deleted_at_ms: Generated<number | null>
}

export type DatasetFilesTable = { version_id: string; path: string; sha256: string; size_bytes: number }

/** Which content a project holds: knowing a hash gives no right to read it. */
export type ProjectBlobsTable = {
  project_id: string
  sha256: string
  size_bytes: number
  created_at_ms: number
  /** When somebody last sent it or was told that it is here: what is unused is kept this long and the grace time. */
  used_at_ms: Generated<number>
}
