import type { Migration } from '../migrate.ts'

export const traces: Migration = {
  version: 9,
  name: 'traces and evaluation datasets',
  sql: `
CREATE TABLE traces (
  id AUTO_ID, project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
  experiment_id INTEGER NOT NULL REFERENCES experiments(id) ON DELETE CASCADE, trace_id TEXT NOT NULL,
  name TEXT, status TEXT NOT NULL, client_request_id TEXT, started_at_ms INTEGER NOT NULL, duration_ms INTEGER,
  request_preview TEXT, response_preview TEXT, run_id TEXT, finalized INTEGER NOT NULL,
  chunk_count INTEGER NOT NULL, span_count INTEGER NOT NULL, span_bytes INTEGER NOT NULL
);
CREATE UNIQUE INDEX traces_id ON traces(project_id, trace_id);
CREATE INDEX traces_newest ON traces(experiment_id, started_at_ms DESC, trace_id);
CREATE INDEX traces_project ON traces(project_id, started_at_ms DESC, trace_id);
CREATE TABLE trace_values (
  trace INTEGER NOT NULL REFERENCES traces(id) ON DELETE CASCADE, kind TEXT NOT NULL, key TEXT NOT NULL,
  value TEXT NOT NULL, PRIMARY KEY (trace, kind, key)
) CLUSTERED;
CREATE TABLE trace_links (
  trace INTEGER NOT NULL REFERENCES traces(id) ON DELETE CASCADE, kind TEXT NOT NULL, target TEXT NOT NULL,
  PRIMARY KEY (trace, kind, target)
) CLUSTERED;
CREATE INDEX trace_links_target ON trace_links(target, kind, trace);
CREATE TABLE trace_span_chunks (
  trace INTEGER NOT NULL REFERENCES traces(id) ON DELETE CASCADE, seq INTEGER NOT NULL, content BLOB NOT NULL,
  PRIMARY KEY (trace, seq)
);
CREATE TABLE trace_span_kinds (
  trace INTEGER NOT NULL REFERENCES traces(id) ON DELETE CASCADE, name TEXT NOT NULL, type TEXT NOT NULL,
  status TEXT NOT NULL, PRIMARY KEY (trace, name, type, status)
) CLUSTERED;
CREATE TABLE trace_assessments (
  trace INTEGER NOT NULL REFERENCES traces(id) ON DELETE CASCADE, id TEXT NOT NULL, name TEXT NOT NULL,
  kind TEXT NOT NULL, value TEXT, number REAL, valid INTEGER NOT NULL, content TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL, PRIMARY KEY (trace, id)
);
CREATE TABLE eval_datasets (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE, name TEXT NOT NULL,
  digest TEXT NOT NULL, schema TEXT, profile TEXT, created_by TEXT, updated_by TEXT,
  created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL
);
CREATE INDEX eval_datasets_newest ON eval_datasets(project_id, created_at_ms DESC, id);
CREATE TABLE eval_dataset_tags (
  dataset_id TEXT NOT NULL REFERENCES eval_datasets(id) ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (dataset_id, key)
) CLUSTERED;
CREATE TABLE eval_dataset_experiments (
  dataset_id TEXT NOT NULL REFERENCES eval_datasets(id) ON DELETE CASCADE,
  experiment_id INTEGER NOT NULL REFERENCES experiments(id) ON DELETE CASCADE,
  PRIMARY KEY (dataset_id, experiment_id)
) CLUSTERED;
CREATE TABLE eval_dataset_records (
  id TEXT PRIMARY KEY, dataset_id TEXT NOT NULL REFERENCES eval_datasets(id) ON DELETE CASCADE,
  input_hash TEXT NOT NULL, content TEXT NOT NULL, created_at_ms INTEGER NOT NULL
);
CREATE UNIQUE INDEX eval_dataset_records_input ON eval_dataset_records(dataset_id, input_hash);
CREATE INDEX eval_dataset_records_order ON eval_dataset_records(dataset_id, created_at_ms, id);
`,
}
