import type { Migration } from '../migrate.ts'

/**
 * What a new run costs. It has no end: the index of ends holds the runs that have one. Its name lay in two indexes, as the
 * tag `mlflow.runName` and in `runs_by_name`. Names come in no order, so each entry dirties a page of its own: of the pages
 * that a commit of sixteen new runs wrote, a quarter were these.
 */
export const newRuns: Migration = {
  version: 11,
  name: 'names and ends of runs in one index each',
  sql: `
DROP INDEX run_tags_order;
DROP INDEX runs_by_end;
CREATE INDEX runs_by_end ON runs(experiment_id, lifecycle, ended_at_ms) WHERE ended_at_ms IS NOT NULL;
CREATE INDEX run_tags_order ON run_tags(experiment_id, key, substr(value, 1, 64), run_id) WHERE key <> 'mlflow.runName';
`,
}
