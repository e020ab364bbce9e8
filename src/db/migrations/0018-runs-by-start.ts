import type { Migration } from '../migrate.ts'

/**
 * New runs go behind the others in the indexes by start, which are read backwards. Before them, each few made their pages
 * split in halves: a commit of 16 new runs wrote four pages more, and the indexes were half empty.
 */
export const runsByStart: Migration = {
  version: 18,
  name: 'runs by start, the newest last',
  sql: `
DROP INDEX runs_newest;
DROP INDEX runs_project;
CREATE INDEX runs_newest ON runs(experiment_id, lifecycle, started_at_ms, id DESC);
CREATE INDEX runs_project ON runs(project_id, lifecycle, started_at_ms, id DESC);
`,
}
