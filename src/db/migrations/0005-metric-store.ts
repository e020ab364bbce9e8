import type { Migration } from '../migrate.ts'

/**
 * Points in a tail (new ones, a row each) and sealed chunks; params and tags with their experiment, so that a search finds
 * and orders runs by them through an index. Values can be long: the index holds their beginning.
 */
export const metricStore: Migration = {
  version: 5,
  name: 'metric store, search indexes',
  sql: `
ALTER TABLE runs ADD COLUMN last_write_at_ms INTEGER;
CREATE INDEX runs_by_end ON runs(experiment_id, lifecycle, ended_at_ms);
CREATE INDEX runs_by_name ON runs(experiment_id, lifecycle, name);
CREATE TABLE metric_series (
  id AUTO_ID, run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, key TEXT NOT NULL,
  experiment_id INTEGER NOT NULL, step INTEGER NOT NULL, timestamp_ms INTEGER NOT NULL, value REAL NOT NULL,
  is_nan INTEGER NOT NULL, tail_points INTEGER NOT NULL
);
CREATE UNIQUE INDEX metric_series_run ON metric_series(run_id, key);
CREATE TABLE metric_tail (
  series_id INTEGER NOT NULL REFERENCES metric_series(id) ON DELETE CASCADE, step INTEGER NOT NULL,
  timestamp_ms INTEGER NOT NULL, value REAL NOT NULL, is_nan INTEGER NOT NULL,
  PRIMARY KEY (series_id, step, timestamp_ms, value, is_nan)
) CLUSTERED;
CREATE TABLE metric_chunks (
  series_id INTEGER NOT NULL REFERENCES metric_series(id) ON DELETE CASCADE, number INTEGER NOT NULL,
  points INTEGER NOT NULL, first_step INTEGER NOT NULL, last_step INTEGER NOT NULL,
  min_timestamp_ms INTEGER NOT NULL, max_timestamp_ms INTEGER NOT NULL, summary BLOB, data BLOB NOT NULL,
  PRIMARY KEY (series_id, number)
);
INSERT INTO metric_series (run_id, key, experiment_id, step, timestamp_ms, value, is_nan, tail_points)
  SELECT l.run_id, l.key, r.experiment_id, l.step, l.timestamp_ms, l.value, l.is_nan,
    (SELECT COUNT(*) FROM metrics AS m WHERE m.run_id = l.run_id AND m.key = l.key)
  FROM latest_metrics AS l JOIN runs AS r ON r.id = l.run_id;
INSERT INTO metric_tail (series_id, step, timestamp_ms, value, is_nan)
  SELECT s.id, m.step, m.timestamp_ms, m.value, m.is_nan
  FROM metrics AS m JOIN metric_series AS s ON s.run_id = m.run_id AND s.key = m.key;
DROP TABLE metrics;
DROP TABLE latest_metrics;
CREATE INDEX metric_series_order ON metric_series(experiment_id, key, is_nan, value, run_id);
CREATE INDEX metric_series_open ON metric_series(run_id) WHERE tail_points > 0;
CREATE TABLE params_with_experiment (
  run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL,
  experiment_id INTEGER NOT NULL, PRIMARY KEY (run_id, key)
) CLUSTERED;
INSERT INTO params_with_experiment (run_id, key, value, experiment_id)
  SELECT p.run_id, p.key, p.value, r.experiment_id FROM run_params AS p JOIN runs AS r ON r.id = p.run_id;
DROP TABLE run_params;
ALTER TABLE params_with_experiment RENAME TO run_params;
CREATE INDEX run_params_order ON run_params(experiment_id, key, substr(value, 1, 64), run_id);
CREATE TABLE tags_with_experiment (
  run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL,
  experiment_id INTEGER NOT NULL, PRIMARY KEY (run_id, key)
) CLUSTERED;
INSERT INTO tags_with_experiment (run_id, key, value, experiment_id)
  SELECT t.run_id, t.key, t.value, r.experiment_id FROM run_tags AS t JOIN runs AS r ON r.id = t.run_id;
DROP TABLE run_tags;
ALTER TABLE tags_with_experiment RENAME TO run_tags;
CREATE INDEX run_tags_order ON run_tags(experiment_id, key, substr(value, 1, 64), run_id);
CREATE INDEX run_tags_parent ON run_tags(value) WHERE key = 'mlflow.parentRunId' AND length(value) <= 64;
`,
}
