import type { Migration } from '../migrate.ts'

/**
 * What was brought in from elsewhere, so that a second import changes nothing; and the experiment ids it came with, which
 * clients have in their scripts and which can be longer than our own (18 digits in a file store).
 */
export const imports: Migration = {
  version: 7,
  name: 'imports, ids of imported experiments',
  sql: `
ALTER TABLE experiments ADD COLUMN wire_id TEXT;
CREATE UNIQUE INDEX experiments_wire_id ON experiments(project_id, wire_id);
CREATE TABLE imported_things (
  project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE, kind TEXT NOT NULL, source_id TEXT NOT NULL,
  target_id TEXT NOT NULL, fingerprint TEXT, imported_at_ms INTEGER NOT NULL, PRIMARY KEY (project_id, kind, source_id)
);
`,
}
