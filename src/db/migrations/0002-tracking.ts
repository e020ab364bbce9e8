import type { Migration } from '../migrate.ts'

export const tracking: Migration = {
  version: 2,
  name: 'experiments, runs, metrics, inputs, logged models',
  sql: `
CREATE TABLE experiments (
  id AUTO_ID, project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE, is_default INTEGER NOT NULL,
  name TEXT NOT NULL, artifact_location TEXT NOT NULL, lifecycle TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL
);
CREATE UNIQUE INDEX experiments_active_name ON experiments(project_id, name) WHERE lifecycle = 'active';
CREATE UNIQUE INDEX experiments_default ON experiments(project_id) WHERE is_default = 1;
CREATE INDEX experiments_name ON experiments(project_id, name);
CREATE TABLE experiment_tags (
  experiment_id INTEGER NOT NULL REFERENCES experiments(id) ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (experiment_id, key)
);
CREATE TABLE runs (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
  experiment_id INTEGER NOT NULL REFERENCES experiments(id), name TEXT NOT NULL, user_name TEXT NOT NULL,
  status TEXT NOT NULL, lifecycle TEXT NOT NULL, started_at_ms INTEGER NOT NULL, ended_at_ms INTEGER,
  deleted_at_ms INTEGER, artifact_uri TEXT NOT NULL, job_id TEXT
);
CREATE INDEX runs_newest ON runs(experiment_id, lifecycle, started_at_ms DESC, id);
CREATE INDEX runs_project ON runs(project_id, lifecycle, started_at_ms DESC, id);
CREATE TABLE run_params (
  run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run_id, key)
);
CREATE TABLE run_tags (
  run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run_id, key)
);
CREATE INDEX run_tags_parent ON run_tags(value) WHERE key = 'mlflow.parentRunId' AND length(value) <= 64;
CREATE TABLE metrics (
  run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, key TEXT NOT NULL, step INTEGER NOT NULL,
  timestamp_ms INTEGER NOT NULL, value REAL NOT NULL, is_nan INTEGER NOT NULL,
  PRIMARY KEY (run_id, key, step, timestamp_ms, value, is_nan)
);
CREATE TABLE latest_metrics (
  run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, key TEXT NOT NULL, step INTEGER NOT NULL,
  timestamp_ms INTEGER NOT NULL, value REAL NOT NULL, is_nan INTEGER NOT NULL, PRIMARY KEY (run_id, key)
);
CREATE INDEX latest_metrics_value ON latest_metrics(key, value);
CREATE TABLE run_inputs (
  id TEXT PRIMARY KEY, run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, project_id TEXT NOT NULL,
  name TEXT NOT NULL, digest TEXT NOT NULL, source_type TEXT NOT NULL, source TEXT NOT NULL, schema TEXT, profile TEXT,
  tags TEXT NOT NULL, context TEXT, dataset_version_id TEXT, UNIQUE (run_id, name, digest)
);
CREATE INDEX run_inputs_version ON run_inputs(dataset_version_id);
CREATE INDEX run_inputs_digest ON run_inputs(project_id, name, digest);
CREATE TABLE logged_models (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
  experiment_id INTEGER NOT NULL REFERENCES experiments(id), name TEXT NOT NULL, model_type TEXT, source_run_id TEXT,
  status TEXT NOT NULL, lifecycle TEXT NOT NULL, artifact_uri TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL
);
CREATE INDEX logged_models_newest ON logged_models(experiment_id, lifecycle, created_at_ms DESC, id);
CREATE INDEX logged_models_run ON logged_models(source_run_id);
CREATE TABLE logged_model_params (
  model_id TEXT NOT NULL REFERENCES logged_models(id) ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (model_id, key)
);
CREATE TABLE logged_model_tags (
  model_id TEXT NOT NULL REFERENCES logged_models(id) ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (model_id, key)
);
CREATE TABLE logged_model_metrics (
  model_id TEXT NOT NULL REFERENCES logged_models(id) ON DELETE CASCADE, run_id TEXT NOT NULL, key TEXT NOT NULL,
  step INTEGER NOT NULL, timestamp_ms INTEGER NOT NULL, value REAL NOT NULL, is_nan INTEGER NOT NULL,
  dataset_name TEXT, dataset_digest TEXT, PRIMARY KEY (model_id, key, run_id, step, timestamp_ms, value, is_nan)
);
CREATE TABLE run_models (
  run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, model_id TEXT NOT NULL, direction TEXT NOT NULL,
  step INTEGER NOT NULL, PRIMARY KEY (run_id, direction, model_id)
);
CREATE INDEX run_models_model ON run_models(model_id);
`,
}
