import type { Migration } from '../migrate.ts'

export const artifacts: Migration = {
  version: 6,
  name: 'artifact files with checksums, uploads in parts, signing keys',
  sql: `
CREATE TABLE artifact_entries (
  project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE, folder TEXT NOT NULL, name TEXT NOT NULL,
  object_id TEXT, size_bytes INTEGER NOT NULL, sha256 TEXT, modified_at_ms INTEGER NOT NULL,
  PRIMARY KEY (project_id, folder, name)
);
CREATE INDEX artifact_entries_object ON artifact_entries(object_id) WHERE object_id IS NOT NULL;
CREATE TABLE artifact_uploads (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE, path TEXT NOT NULL,
  object_id TEXT NOT NULL, store_upload_id TEXT NOT NULL, part_count INTEGER NOT NULL, part_size_bytes INTEGER,
  is_complete INTEGER NOT NULL, created_at_ms INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL
);
CREATE INDEX artifact_uploads_object ON artifact_uploads(object_id);
CREATE TABLE artifact_upload_parts (
  upload_id TEXT NOT NULL REFERENCES artifact_uploads(id) ON DELETE CASCADE, part_number INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL, etag TEXT NOT NULL, PRIMARY KEY (upload_id, part_number)
);
CREATE TABLE signing_keys (name TEXT PRIMARY KEY, secret TEXT NOT NULL, created_at_ms INTEGER NOT NULL);
`,
}
