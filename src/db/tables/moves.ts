export type ImportedKind = 'experiment' | 'run' | 'logged_model' | 'model' | 'model_version'

/** A thing that an import brought into a project. */
export type ImportedThingsTable = {
  project_id: string
  kind: ImportedKind
  /** What it is called where it came from; for experiments and models with the time they were made, as their ids are short. */
  source_id: string
  /** What it is called here. */
  target_id: string
  /** Hash of all that was read of it; null while it is not wholly here (the import was stopped). */
  fingerprint: string | null
  imported_at_ms: number
}
