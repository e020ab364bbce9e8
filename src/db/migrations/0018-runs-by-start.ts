import type { Migration } from '../migrate.ts'

/**
 * Indexes that a new run writes. New runs go behind the others in the indexes by start, which are read backwards. In front,
 * each few made their pages split in halves: a commit of 16 new runs wrote four pages more, and the indexes were half empty.
 * And who made a thing is not looked for by the thing's name (`partial-indexes.ts`).
 */
export const runsByStart: Migration = {
  version: 18,
  name: 'runs by start with the newest last, events by subject without the first',
  sql: `
DROP INDEX runs_newest;
DROP INDEX runs_project;
CREATE INDEX runs_newest ON runs(experiment_id, lifecycle, started_at_ms, id DESC);
CREATE INDEX runs_project ON runs(project_id, lifecycle, started_at_ms, id DESC);
DROP INDEX events_subject;
CREATE INDEX events_subject ON events(project_id, kind, subject, id) WHERE verb <> 'created';
`,
}
