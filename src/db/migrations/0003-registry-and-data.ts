import type { Migration } from '../migrate.ts'

export const registryAndData: Migration = {
  version: 3,
  name: 'registered models, versions, forms, datasets, blobs',
  sql: `
CREATE TABLE registered_models (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE, name TEXT NOT NULL,
  description TEXT NOT NULL, created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL, deleted_at_ms INTEGER,
  last_version INTEGER NOT NULL
);
CREATE UNIQUE INDEX registered_models_name ON registered_models(project_id, name) WHERE deleted_at_ms IS NULL;
CREATE TABLE registered_model_tags (
  model_id TEXT NOT NULL REFERENCES registered_models(id) ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (model_id, key)
);
CREATE TABLE model_versions (
  id TEXT PRIMARY KEY, model_id TEXT NOT NULL REFERENCES registered_models(id), project_id TEXT NOT NULL,
  version INTEGER NOT NULL, source TEXT NOT NULL, run_id TEXT, logged_model_id TEXT, run_link TEXT NOT NULL,
  description TEXT NOT NULL, stage TEXT NOT NULL, status TEXT NOT NULL, created_by TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL, deleted_at_ms INTEGER, download_uri TEXT NOT NULL,
  artifact_path TEXT, mlmodel TEXT,
  UNIQUE (model_id, version)
);
CREATE INDEX model_versions_project ON model_versions(project_id, created_at_ms DESC);
CREATE INDEX model_versions_run ON model_versions(run_id);
CREATE INDEX model_versions_logged_model ON model_versions(logged_model_id);
CREATE TABLE model_version_tags (
  version_id TEXT NOT NULL REFERENCES model_versions(id) ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (version_id, key)
);
CREATE TABLE model_aliases (
  model_id TEXT NOT NULL REFERENCES registered_models(id) ON DELETE CASCADE, alias TEXT NOT NULL,
  version_id TEXT NOT NULL REFERENCES model_versions(id) ON DELETE CASCADE, updated_at_ms INTEGER NOT NULL,
  updated_by TEXT NOT NULL, PRIMARY KEY (model_id, alias)
);
CREATE TABLE model_forms (
  id TEXT PRIMARY KEY, version_id TEXT NOT NULL REFERENCES model_versions(id) ON DELETE CASCADE, project_id TEXT NOT NULL,
  kind TEXT NOT NULL, state TEXT NOT NULL, job_id TEXT, attempts INTEGER NOT NULL, blob_sha256 TEXT, size_bytes INTEGER,
  report TEXT, reason TEXT,
  created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL, UNIQUE (version_id, kind)
);
CREATE INDEX model_forms_job ON model_forms(job_id);
CREATE TABLE datasets (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE, name TEXT NOT NULL,
  description TEXT NOT NULL, licence TEXT NOT NULL, created_at_ms INTEGER NOT NULL, created_by TEXT NOT NULL,
  deleted_at_ms INTEGER, last_version INTEGER NOT NULL
);
CREATE UNIQUE INDEX datasets_name ON datasets(project_id, name) WHERE deleted_at_ms IS NULL;
CREATE TABLE dataset_versions (
  id TEXT PRIMARY KEY, dataset_id TEXT NOT NULL REFERENCES datasets(id), project_id TEXT NOT NULL,
  version INTEGER NOT NULL, digest TEXT NOT NULL, message TEXT NOT NULL, parent_id TEXT REFERENCES dataset_versions(id),
  recipe TEXT, job_id TEXT, size_bytes INTEGER NOT NULL, file_count INTEGER NOT NULL, row_count INTEGER,
  profile_state TEXT NOT NULL, profile TEXT, profile_error TEXT, created_at_ms INTEGER NOT NULL, created_by TEXT NOT NULL,
  UNIQUE (dataset_id, version)
);
CREATE INDEX dataset_versions_project ON dataset_versions(project_id, created_at_ms DESC);
CREATE INDEX dataset_versions_parent ON dataset_versions(parent_id);
CREATE TABLE dataset_files (
  version_id TEXT NOT NULL REFERENCES dataset_versions(id) ON DELETE CASCADE, path TEXT NOT NULL, sha256 TEXT NOT NULL,
  size_bytes INTEGER NOT NULL, PRIMARY KEY (version_id, path)
);
CREATE TABLE project_blobs (
  project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE, sha256 TEXT NOT NULL, size_bytes INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL, PRIMARY KEY (project_id, sha256)
);
`,
}
