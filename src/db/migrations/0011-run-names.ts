import type { Migration } from '../migrate.ts'

/**
 * A run's name lay in two indexes: `runs_by_name`, and as the tag `mlflow.runName`. Names come in no order, so each entry
 * dirties a page of its own: of the pages that a commit of sixteen new runs wrote, a quarter were these.
 */
export const runNames: Migration = {
  version: 11,
  name: 'run names in one index',
  sql: `
DROP INDEX run_tags_order;
CREATE INDEX run_tags_order ON run_tags(experiment_id, key, substr(value, 1, 64), run_id) WHERE key <> 'mlflow.runName';
`,
}
