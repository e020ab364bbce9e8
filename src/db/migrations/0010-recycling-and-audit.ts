import type { Migration } from '../migrate.ts'

export const recyclingAndAudit: Migration = {
  version: 10,
  name: 'origin and result of events, tombstones, reclaim, lost runs',
  sql: `
ALTER TABLE events ADD COLUMN result TEXT NOT NULL DEFAULT 'done';
ALTER TABLE events ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN user_agent TEXT NOT NULL DEFAULT '';
CREATE INDEX events_subject ON events(project_id, kind, subject, id);
CREATE INDEX events_refused ON events(id) WHERE result <> 'done';
CREATE TABLE tombstones (
  kind TEXT NOT NULL, thing_id TEXT NOT NULL, project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
  name TEXT NOT NULL, deleted_by TEXT NOT NULL, deleted_at_ms INTEGER NOT NULL, artifact_path TEXT,
  PRIMARY KEY (kind, thing_id)
);
ALTER TABLE dataset_versions ADD COLUMN deleted_at_ms INTEGER;
ALTER TABLE project_blobs ADD COLUMN used_at_ms INTEGER NOT NULL DEFAULT 0;
CREATE INDEX dataset_files_sha256 ON dataset_files(sha256);
CREATE INDEX code_files_sha256 ON code_files(sha256);
CREATE INDEX project_blobs_sha256 ON project_blobs(sha256);
CREATE INDEX model_forms_blob ON model_forms(blob_sha256);
CREATE TABLE condemned_blobs (
  kind TEXT NOT NULL, id TEXT NOT NULL, until_ms INTEGER NOT NULL, PRIMARY KEY (kind, id)
);
CREATE TABLE reclaims (
  id TEXT PRIMARY KEY, state TEXT NOT NULL, dry_run INTEGER NOT NULL, asked_by TEXT NOT NULL, grace_ms INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL, finished_at_ms INTEGER, report TEXT, error TEXT
);
CREATE INDEX reclaims_newest ON reclaims(created_at_ms DESC, id DESC);
CREATE TABLE lost_runs (
  run_id TEXT PRIMARY KEY REFERENCES runs(id) ON DELETE CASCADE, project_id TEXT NOT NULL,
  last_heard_at_ms INTEGER NOT NULL, noticed_at_ms INTEGER NOT NULL
);
CREATE INDEX runs_speaking ON runs(id) WHERE status = 'RUNNING';
`,
}
