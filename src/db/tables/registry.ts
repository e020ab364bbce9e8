export type RegisteredModelsTable = {
  id: string
  project_id: string
  name: string
  description: string
  created_at_ms: number
  updated_at_ms: number
  deleted_at_ms: number | null
  /** Version numbers are never reused while the model lives. */
  last_version: number
}
export type RegisteredModelTagsTable = { model_id: string; key: string; value: string }
export type ModelAliasesTable = {
  model_id: string
  alias: string
  version_id: string
  updated_at_ms: number
  updated_by: string
}

export type ModelVersionsTable = {
  id: string
  model_id: string
  project_id: string
  version: number
  /** As the client gave it (`models:/m-…`, `runs:/…`, `mlflow-artifacts:/…`, `s3://…`). */
  source: string
  run_id: string | null
  logged_model_id: string | null
  run_link: string
  description: string
  stage: string
  status: 'READY' | 'PENDING_REGISTRATION' | 'FAILED_REGISTRATION'
  created_by: string
  created_at_ms: number
  updated_at_ms: number
  deleted_at_ms: number | null
  /** Where a client downloads the files from: the source with `models:` references followed. */
  download_uri: string
  /** Folder of the model's files inside the project's artifacts (`1/models/m-…/artifacts`); null when it lies elsewhere. */
  artifact_path: string | null
  /** JSON `MlModel` (registry/mlmodel.ts); null until it was read. */
  mlmodel: string | null
  /** The version that this one is a copy of, perhaps in another project. */
  copied_from: string | null
  /** Of a copy's files (artifacts/sharing.service.ts); null for what is no copy, and for files in another store. */
  content_digest: string | null
}
export type ModelVersionTagsTable = { version_id: string; key: string; value: string }

export type ModelFormState = 'queued' | 'running' | 'ready' | 'refused' | 'failed'
export type ModelFormsTable = {
  id: string
  version_id: string
  project_id: string
  kind: 'onnx'
  state: ModelFormState
  job_id: string | null
  /** Jobs submitted since it was last asked for: a lost one is repeated at most twice. */
  attempts: number
  blob_sha256: string | null
  size_bytes: number | null
  /** JSON parity report; what it holds: registry/registry.schema.ts `FormReport`. */
  report: string | null
  /** Why it was refused or failed, in a sentence for the user. */
  reason: string | null
  created_at_ms: number
  updated_at_ms: number
}
