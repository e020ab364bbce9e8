import type { Migration } from '../migrate.ts'

/** Of which version a copy was made, in whatever project that is, and the digest of the files that it came with. */
export const copiedVersions: Migration = {
  version: 13,
  name: 'copies of model versions',
  sql: `
ALTER TABLE model_versions ADD COLUMN copied_from TEXT;
ALTER TABLE model_versions ADD COLUMN content_digest TEXT;
CREATE INDEX model_versions_files ON model_versions(project_id, artifact_path) WHERE artifact_path IS NOT NULL;
`,
}
