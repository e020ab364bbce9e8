import type { Generated } from 'kysely'

export type TraceStatus = 'STATE_UNSPECIFIED' | 'OK' | 'ERROR' | 'IN_PROGRESS'

export type TracesTable = {
  /** Our own number; clients know a trace by `trace_id`, which they choose and which is unique in its project only. */
  id: Generated<number>
  project_id: string
  experiment_id: number
  trace_id: string
  name: string | null
  status: TraceStatus
  client_request_id: string | null
  started_at_ms: number
  duration_ms: number | null
  request_preview: string | null
  response_preview: string | null
  /** The run that the trace's code ran in (metadata `mlflow.sourceRun`, or the job whose token wrote it). */
  run_id: string | null
  /** 1 once the client has sent the trace itself; until then the row is inferred from its spans. */
  finalized: number
  chunk_count: number
  span_count: number
  /** Spans of all chunks before compression, in bytes. */
  span_bytes: number
}

export type TraceValueKind = 'tag' | 'metadata'
export type TraceValuesTable = { trace: number; kind: TraceValueKind; key: string; value: string }

/** A run, or a prompt version (`name/version`), that a trace belongs to. */
export type TraceLinksTable = { trace: number; kind: 'run' | 'prompt'; target: string }

/** Spans of one request, as a compressed JSON list. A span that came again is in a later chunk. */
export type TraceSpanChunksTable = { trace: number; seq: number; content: Uint8Array }

/** The different spans of a trace, for searches: each name, type and status once. */
export type TraceSpanKindsTable = { trace: number; name: string; type: string; status: string }

export type AssessmentKind = 'feedback' | 'expectation' | 'issue'
export type TraceAssessmentsTable = {
  trace: number
  id: string
  name: string
  kind: AssessmentKind
  /** The value as JSON text, cut; null for an error without a value. */
  value: string | null
  /** The value when it is a number or boolean. */
  number: number | null
  valid: number
  /** The whole message as JSON. */
  content: string
  created_at_ms: number
  updated_at_ms: number
}

export type EvalDatasetsTable = {
  id: string
  project_id: string
  name: string
  digest: string
  schema: string | null
  profile: string | null
  created_by: string | null
  updated_by: string | null
  created_at_ms: number
  updated_at_ms: number
}
export type EvalDatasetTagsTable = { dataset_id: string; key: string; value: string }
export type EvalDatasetExperimentsTable = { dataset_id: string; experiment_id: number }
export type EvalDatasetRecordsTable = {
  id: string
  dataset_id: string
  /** SHA-256 of the inputs: a record with the same inputs is the same record. */
  input_hash: string
  /** The whole record as JSON. */
  content: string
  created_at_ms: number
}
