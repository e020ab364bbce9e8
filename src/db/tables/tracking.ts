import type { Generated } from 'kysely'

export type Lifecycle = 'active' | 'deleted'
export type RunStatus = 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED'

export type ExperimentsTable = {
  /** One global sequence. On the wire the project's Default shows as "0", all others as this number, unless `wire_id` says so. */
  id: Generated<number>
  /** The id that an imported experiment came with and is known by in its project; up to 18 digits. Null for our own. */
  wire_id: string | null
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
  /** 1: its name is its tag `mlflow.runName`, too; 0: that tag was deleted, or an imported run had none. */
  name_tagged: number
  user_name: string
  status: RunStatus
  lifecycle: Lifecycle
  started_at_ms: number
  ended_at_ms: number | null
  deleted_at_ms: number | null
  artifact_uri: string
  /** The job that executes this run, when the platform launched it. */
  job_id: string | null
  /** When its data last changed, at most a minute ago of the truth; null: never since it was made. */
  last_write_at_ms: number | null
}

export type RunValue = { run_id: string; key: string; value: string; experiment_id: number }
/**
 * Params and tags carry what the index of searches is made of: their run's experiment, which never changes, and the first 64
 * characters of their value.
 */
export type RunParamsTable = RunValue & { beginning: string }
export type RunTagsTable = RunParamsTable

/** `value` is 0 when `is_nan`; ±Infinity is stored as ±1.797e308, as MLflow's SQL store does. `step` and the time are full int64. */
export type PointColumns = {
  step: number | bigint
  timestamp_ms: number | bigint
  value: number
  is_nan: number
}

/** One metric of one run, with its latest point: the one with the greatest (step, timestamp, value). */
export type MetricSeriesTable = PointColumns & {
  id: Generated<number>
  run_id: string
  key: string
  experiment_id: number
  /** Points that came since the last seal; an identical point sent again counts. */
  tail_points: number
  /** The newest of them, until they are enough for a piece (metrics/tail-codec.ts). */
  recent: Buffer | null
}
/** Points that are not sealed yet, in pieces; an identical point may come again. */
export type MetricTailsTable = {
  series_id: number
  /** How many points the tail had when the piece was written: those of a series rise. */
  number: number
  /** The greatest step of its points. */
  last_step: number | bigint
  data: Buffer
}
/** Sealed points: in the order (step, time, value) within a chunk and from chunk to chunk, each once (metrics/chunk-codec.ts). */
export type MetricChunksTable = {
  series_id: number
  number: number
  points: number
  first_step: number | bigint
  last_step: number | bigint
  min_timestamp_ms: number | bigint
  max_timestamp_ms: number | bigint
  /** Null for a short chunk. */
  summary: Buffer | null
  data: Buffer
}

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
export type LoggedModelMetricsTable = PointColumns & {
  model_id: string
  run_id: string
  key: string
  dataset_name: string | null
  dataset_digest: string | null
}
export type RunModelsTable = { run_id: string; model_id: string; direction: 'input' | 'output'; step: number | bigint }
