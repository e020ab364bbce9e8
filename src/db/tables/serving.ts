export type EndpointsTable = {
  id: string
  project_id: string
  name: string
  description: string
  model_id: string
  /** Serves what this alias points at, or, when null, `version`. */
  alias: string | null
  version: number | null
  created_by: string
  created_at_ms: number
  updated_at_ms: number
  deleted_at_ms: number | null
}

export type PredictionsTable = {
  id: string
  endpoint_id: string
  project_id: string
  version_id: string
  request_id: string
  /** JSON object column → value: one row. */
  inputs: string
  /** JSON value. */
  output: string
  /** JSON object label → probability, null when the model gives none. */
  scores: string | null
  latency_us: number
  created_at_ms: number
}

export type FeedbackTable = {
  prediction_id: string
  endpoint_id: string
  project_id: string
  /** JSON value of the true outcome; null when only `correct` is known. */
  truth: string | null
  correct: number
  created_at_ms: number
  created_by: string
}

export type PoliciesTable = {
  id: string
  endpoint_id: string
  project_id: string
  enabled: number
  /** JSON `PolicySpec` (monitoring/policies.schema.ts). */
  spec: string
  created_by: string
  created_at_ms: number
  updated_at_ms: number
}

/** `waiting`: the comparison was won and a person must approve. The first four are open: one of them per policy at most. */
export type DecisionState =
  | 'retraining'
  | 'converting'
  | 'comparing'
  | 'waiting'
  | 'promoted'
  | 'refused'
  | 'failed'
  | 'undone'
export type DecisionsTable = {
  id: string
  policy_id: string
  endpoint_id: string
  project_id: string
  state: DecisionState
  /** JSON `PolicySpec`, as the policy was when it fired: what was agreed then is what is judged by. */
  spec: string
  /** JSON: the metric, its value, the window and the threshold that set it off. */
  trigger: string
  champion_version_id: string
  challenger_version_id: string | null
  dataset_version_id: string | null
  job_id: string | null
  /** JSON: what was compared on which rows, with figures; null until compared. */
  comparison: string | null
  reason: string | null
  created_at_ms: number
  decided_at_ms: number | null
}
