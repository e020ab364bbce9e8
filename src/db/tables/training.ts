export type JobState = 'queued' | 'preparing' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'lost'

export type JobsTable = {
  id: string
  project_id: string
  /** `train`: a user's project. `convert`: the platform's ONNX conversion. */
  kind: 'train' | 'convert'
  name: string
  state: JobState
  /** JSON `JobSpec` (training/jobs.service.ts): entry point, parameters, inputs, limits. */
  spec: string
  /** Manifest digest of the code snapshot, null for a runtime of ours. */
  code_digest: string | null
  dataset_version_id: string | null
  run_id: string | null
  executor: string
  attempt: number
  retry_of: string | null
  created_by: string
  created_at_ms: number
  started_at_ms: number | null
  finished_at_ms: number | null
  exit_code: number | null
  error: string | null
  cancel_requested_at_ms: number | null
  lease_owner: string | null
  lease_until_ms: number | null
  /** The executor's handle of the execution (for local jobs JSON with pid and start time), so that a restarted server finds it again. */
  process: string | null
  /** `py<version> <key>` of the environment it runs in. */
  environment: string | null
}

/** Files of a code snapshot: path → content hash, found by the manifest's digest. */
export type CodeFilesTable = { project_id: string; digest: string; path: string; sha256: string; size_bytes: number }
