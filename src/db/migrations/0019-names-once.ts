import type { Migration } from '../migrate.ts'

/**
 * A run's name is kept once: the tag `mlflow.runName` is the name, for as long as nobody deletes the tag. As a row of its own
 * in the tags it was a second place to keep in step, and a ninth of what a new run writes. A tag that was not the name (only
 * an import could leave one) is dropped: MLflow gives a run one name.
 */
export const namesOnce: Migration = {
  version: 19,
  name: 'the names of runs once',
  sql: `
ALTER TABLE runs ADD COLUMN name_tagged INTEGER NOT NULL DEFAULT 1;
UPDATE runs SET name_tagged = 0 WHERE NOT EXISTS (
  SELECT 1 FROM run_tags WHERE run_tags.run_id = runs.id AND run_tags.key = 'mlflow.runName'
);
DROP INDEX run_tags_order;
DELETE FROM run_tags WHERE key = 'mlflow.runName';
CREATE INDEX run_tags_order ON run_tags(experiment_id, key, beginning, run_id);
`,
}
