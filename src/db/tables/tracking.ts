import type { Generated } from 'kysely'

export type Lifecycle = 'active' | 'deleted'
export type RunStatus = 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED'

export type ExperimentsTable = {
  /** One global sequence. On the wire the project's Default shows as "0", all others as this number. */
  id: Generated<number>
  project_id: string
  is_default: number
  name: string
  artifact_location: string
  lifecycle: Lifecycle
  created_at_ms: number
  updated_at_ms: number
}

export type ExperimentTagsTable = { experiment_id: number; key: string; value: string }

export type RunsTable = {
  id: string
  project_id: string
  experiment_id: number
  name: string
  user_name: string
  status: RunStatus
  lifecycle: Lifecycle
  started_at_ms: number
  ended_at_ms: number | null
  deleted_at_ms: number | null
  artifact_uri: string
  /** The job that executes this run, when the platform launched it. */
  job_id: string | null
}

export type RunParamsTable = { run_id: string; key: string; value: string }
export type RunTagsTable = { run_id: string; key: string; value: string }

/** `value` is 0 when `is_nan`; ±Infinity is stored as ±1.797e308, as MLflow's SQL store does. `step` and the time are full int64. */
export type MetricsTable = {
  run_id: string
  key: string
  step: number | bigint
  timestamp_ms: number | bigint
  value: number
  is_nan: number
}
/** The point with the greatest (step, timestamp, value) of each key. */
export type LatestMetricsTable = MetricsTable

export type RunInputsTable = {
  id: string
  run_id: string
  project_id: string
  name: string
  digest: string
  source_type: string
  source: string
  schema: string | null
  profile: string | null
  /** JSON object key → value. */
  tags: string
  /** The tag `mlflow.data.context` (training, validation, test …), which searches filter on. */
  context: string | null
  /** Set when the input is a dataset version of ours. */
  dataset_version_id: string | null
}

export type LoggedModelsTable = {
  id: string
  project_id: string
  experiment_id: number
  name: string
  model_type: string | null
  source_run_id: string | null
  status: 'LOGGED_MODEL_PENDING' | 'LOGGED_MODEL_READY' | 'LOGGED_MODEL_UPLOAD_FAILED'
  lifecycle: Lifecycle
  artifact_uri: string
  created_at_ms: number
  updated_at_ms: number
}
export type LoggedModelParamsTable = { model_id: string; key: string; value: string }
export type LoggedModelTagsTable = { model_id: string; key: string; value: string }
export type LoggedModelMetricsTable = MetricsTable & {
  model_id: string
  dataset_name: string | null
  dataset_digest: string | null
}
export type RunModelsTable = { run_id: string; model_id: string; direction: 'input' | 'output'; step: number | bigint }
