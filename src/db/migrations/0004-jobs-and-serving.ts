import type { Migration } from '../migrate.ts'

export const jobsAndServing: Migration = {
  version: 4,
  name: 'jobs, endpoints, predictions, feedback, policies, decisions',
  sql: `
CREATE TABLE jobs (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE, kind TEXT NOT NULL,
  name TEXT NOT NULL, state TEXT NOT NULL, spec TEXT NOT NULL, code_digest TEXT, dataset_version_id TEXT, run_id TEXT,
  executor TEXT NOT NULL, attempt INTEGER NOT NULL, retry_of TEXT, created_by TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
  started_at_ms INTEGER, finished_at_ms INTEGER, exit_code INTEGER, error TEXT, cancel_requested_at_ms INTEGER,
  lease_owner TEXT, lease_until_ms INTEGER, process TEXT, environment TEXT
);
CREATE INDEX jobs_queue ON jobs(state, created_at_ms);
CREATE INDEX jobs_project ON jobs(project_id, created_at_ms DESC);
CREATE TABLE code_files (
  project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE, digest TEXT NOT NULL, path TEXT NOT NULL,
  sha256 TEXT NOT NULL, size_bytes INTEGER NOT NULL, PRIMARY KEY (project_id, digest, path)
);
CREATE TABLE endpoints (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE, name TEXT NOT NULL,
  description TEXT NOT NULL, model_id TEXT NOT NULL REFERENCES registered_models(id), alias TEXT, version INTEGER,
  created_by TEXT NOT NULL, created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL, deleted_at_ms INTEGER
);
CREATE UNIQUE INDEX endpoints_name ON endpoints(project_id, name) WHERE deleted_at_ms IS NULL;
CREATE TABLE predictions (
  id TEXT PRIMARY KEY, endpoint_id TEXT NOT NULL REFERENCES endpoints(id), project_id TEXT NOT NULL, version_id TEXT NOT NULL,
  request_id TEXT NOT NULL, inputs TEXT NOT NULL, output TEXT NOT NULL, scores TEXT, latency_us INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL
);
CREATE INDEX predictions_endpoint ON predictions(endpoint_id, created_at_ms DESC, id DESC);
CREATE TABLE feedback (
  prediction_id TEXT PRIMARY KEY REFERENCES predictions(id), endpoint_id TEXT NOT NULL, project_id TEXT NOT NULL,
  truth TEXT, correct INTEGER NOT NULL, created_at_ms INTEGER NOT NULL, created_by TEXT NOT NULL
);
CREATE INDEX feedback_endpoint ON feedback(endpoint_id, created_at_ms DESC);
CREATE TABLE policies (
  id TEXT PRIMARY KEY, endpoint_id TEXT NOT NULL UNIQUE REFERENCES endpoints(id), project_id TEXT NOT NULL,
  enabled INTEGER NOT NULL, spec TEXT NOT NULL, created_by TEXT NOT NULL, created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL
);
CREATE TABLE decisions (
  id TEXT PRIMARY KEY, policy_id TEXT NOT NULL REFERENCES policies(id), endpoint_id TEXT NOT NULL, project_id TEXT NOT NULL,
  state TEXT NOT NULL, spec TEXT NOT NULL, trigger TEXT NOT NULL, champion_version_id TEXT NOT NULL, challenger_version_id TEXT,
  dataset_version_id TEXT, job_id TEXT, comparison TEXT, reason TEXT, created_at_ms INTEGER NOT NULL, decided_at_ms INTEGER
);
CREATE UNIQUE INDEX decisions_open ON decisions(policy_id) WHERE state IN ('retraining', 'converting', 'comparing', 'waiting');
CREATE INDEX decisions_job ON decisions(job_id);
CREATE INDEX decisions_endpoint ON decisions(endpoint_id, created_at_ms DESC);
`,
}
