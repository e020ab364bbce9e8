import type { Migration } from '../migrate.ts'

export const webhooks: Migration = {
  version: 8,
  name: 'webhooks, their deliveries',
  sql: `
CREATE TABLE webhooks (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE, name TEXT NOT NULL,
  description TEXT NOT NULL, url TEXT NOT NULL, sealed_secret TEXT, status TEXT NOT NULL, status_reason TEXT,
  failed_in_a_row INTEGER NOT NULL, paused_until_ms INTEGER, created_by TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL
);
CREATE INDEX webhooks_project ON webhooks(project_id, created_at_ms DESC, id);
CREATE TABLE webhook_events (
  webhook_id TEXT NOT NULL REFERENCES webhooks(id) ON DELETE CASCADE, position INTEGER NOT NULL, event TEXT NOT NULL,
  PRIMARY KEY (webhook_id, event)
);
CREATE TABLE webhook_deliveries (
  id TEXT PRIMARY KEY, webhook_id TEXT NOT NULL REFERENCES webhooks(id) ON DELETE CASCADE, event TEXT NOT NULL,
  payload TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, created_at_ms INTEGER NOT NULL,
  attempted_at_ms INTEGER, next_attempt_at_ms INTEGER, response_status INTEGER, error TEXT, duration_ms INTEGER
);
CREATE INDEX webhook_deliveries_newest ON webhook_deliveries(webhook_id, created_at_ms DESC, id DESC);
`,
}
