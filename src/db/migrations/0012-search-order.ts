import type { Migration } from '../migrate.ts'

/** The id of an experiment that clients see, as `experiments-search.store.ts` writes it: an index is taken for its very words. */
const WIRE_ID = '(CASE WHEN is_default = 1 THEN 0 ELSE COALESCE(CAST(wire_id AS BIGINT), id) END)'

/** The orders in which experiments, logged models, models and versions are paged through. */
export const searchOrder: Migration = {
  version: 12,
  name: 'indexes for the orders of searches',
  sql: `
CREATE INDEX experiments_newest ON experiments(project_id, lifecycle, created_at_ms DESC, ${WIRE_ID});
CREATE INDEX experiments_changed ON experiments(project_id, lifecycle, updated_at_ms DESC, ${WIRE_ID});
CREATE INDEX experiments_by_name ON experiments(project_id, lifecycle, name, ${WIRE_ID});
CREATE INDEX experiments_by_wire_id ON experiments(project_id, lifecycle, ${WIRE_ID});
CREATE INDEX logged_models_name ON logged_models(experiment_id, lifecycle, name, created_at_ms DESC, id);
CREATE INDEX logged_models_changed ON logged_models(experiment_id, lifecycle, updated_at_ms DESC, created_at_ms DESC, id);
CREATE INDEX registered_models_changed ON registered_models(project_id, updated_at_ms DESC, name)
  WHERE deleted_at_ms IS NULL;
CREATE INDEX model_versions_changed ON model_versions(project_id, updated_at_ms DESC) WHERE deleted_at_ms IS NULL;
CREATE INDEX model_versions_of_model ON model_versions(model_id, updated_at_ms DESC, version DESC)
  WHERE deleted_at_ms IS NULL;
CREATE INDEX model_versions_of_run ON model_versions(project_id, run_id, updated_at_ms DESC)
  WHERE deleted_at_ms IS NULL AND run_id IS NOT NULL;
`,
}
