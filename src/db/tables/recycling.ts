/** What can lie in a recycle bin. Each name is also the `kind` of its events. */
export type BinKind = 'dataset' | 'dataset_version' | 'experiment' | 'logged_model' | 'model' | 'model_version' | 'run'

/** What is left of a thing that was deleted for ever, so that what refers to it can say who removed it and when. */
export type TombstonesTable = {
  kind: BinKind
  thing_id: string
  project_id: string
  /** As it was called last. */
  name: string
  deleted_by: string
  deleted_at_ms: number
  /** Where its artifacts were in the project, for files that an upload in flight left behind; null without any. */
  artifact_path: string | null
}

/** Blobs that a sweep is about to remove: until then, nobody may take a reference to them. */
export type CondemnedBlobsTable = { kind: 'content' | 'objects'; id: string; until_ms: number }

export type ReclaimsTable = {
  id: string
  state: 'queued' | 'running' | 'done' | 'failed'
  dry_run: number
  asked_by: string
  grace_ms: number
  created_at_ms: number
  finished_at_ms: number | null
  /** JSON `ReclaimReport` (recycling/reclaim.service.ts); null until it is done. */
  report: string | null
  error: string | null
}

/** Runs that fell silent. A row tells what was known when it was noticed; a later write of the run makes it void. */
export type LostRunsTable = { run_id: string; project_id: string; last_heard_at_ms: number; noticed_at_ms: number }
