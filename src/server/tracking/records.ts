import type { Lifecycle, RunStatus } from '../../db/tables/tracking.ts'
import type { RunInputRow } from './inputs.store.ts'
import type { RunRow } from './runs.store.ts'

/** What stored rows mean, for services and for the threads that read (which load no services). */

/** Where runs go that name no experiment; every project has one. */
export const DEFAULT_EXPERIMENT_ID = '0'

/** The id of an experiment that clients see. */
export function wireId(row: { is_default: number; id: number; wire_id?: string | null }): string {
  return row.is_default === 1 ? DEFAULT_EXPERIMENT_ID : (row.wire_id ?? String(row.id))
}

export type RunRecord = {
  id: string
  name: string
  projectId: string
  /** As clients see it: "0" is the project's Default. */
  experimentId: string
  experimentName: string
  status: RunStatus
  lifecycle: Lifecycle
  artifactUri: string
  startedAtMs: number
  endedAtMs: number | null
  jobId: string | null
  userName: string
}

export function runRecord(row: RunRow): RunRecord {
  return {
    id: row.id,
    name: row.name,
    projectId: row.project_id,
    experimentId: wireId({ is_default: row.is_default, id: row.experiment_id, wire_id: row.wire_id }),
    experimentName: row.experiment_name,
    status: row.status,
    lifecycle: row.lifecycle,
    artifactUri: row.artifact_uri,
    startedAtMs: row.started_at_ms,
    endedAtMs: row.ended_at_ms,
    jobId: row.job_id,
    userName: row.user_name,
  }
}

/** A dataset that a run read, as the client described it. */
export type RunInput = {
  name: string
  digest: string
  sourceType: string
  source: string
  schema: string | null
  profile: string | null
  tags: Record<string, string>
  /** `training`, `eval` … as the client said. */
  context: string | null
  datasetVersionId: string | null
}

export function inputOf(row: RunInputRow): RunInput {
  return {
    name: row.name,
    digest: row.digest,
    sourceType: row.source_type,
    source: row.source,
    schema: row.schema,
    profile: row.profile,
    tags: JSON.parse(row.tags) as Record<string, string>,
    context: row.context,
    datasetVersionId: row.dataset_version_id,
  }
}

/** A logged model that a run read or made. */
export type RunModel = { modelId: string; direction: 'input' | 'output'; step: number | bigint }
