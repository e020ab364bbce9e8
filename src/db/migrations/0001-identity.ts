import type { Migration } from '../migrate.ts'

export const identity: Migration = {
  version: 1,
  name: 'users, sessions, tokens, projects, members, events, tasks',
  sql: `
CREATE TABLE users (
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, password_hash TEXT, is_admin INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL, disabled_at_ms INTEGER
);
CREATE TABLE sessions (
  id_hash TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  created_at_ms INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL
);
CREATE INDEX sessions_user ON sessions(user_id);
CREATE TABLE projects (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, visibility TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL, created_by TEXT NOT NULL, UNIQUE (owner, name)
);
CREATE TABLE tokens (
  id TEXT PRIMARY KEY, user_id TEXT REFERENCES users(id) ON DELETE CASCADE, name TEXT NOT NULL, prefix TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE, scope TEXT NOT NULL, project_id TEXT REFERENCES projects(id) ON DELETE CASCADE, run_id TEXT,
  created_at_ms INTEGER NOT NULL, expires_at_ms INTEGER, revoked_at_ms INTEGER, last_used_at_ms INTEGER
);
CREATE INDEX tokens_user ON tokens(user_id);
CREATE TABLE members (
  project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  role TEXT NOT NULL, created_at_ms INTEGER NOT NULL, PRIMARY KEY (project_id, user_id)
);
CREATE INDEX members_user ON members(user_id);
CREATE TABLE events (
  id AUTO_ID, project_id TEXT, actor TEXT NOT NULL, verb TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
  detail TEXT NOT NULL, request_id TEXT, created_at_ms INTEGER NOT NULL
);
CREATE INDEX events_project ON events(project_id, id);
CREATE TABLE tasks (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, payload TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
  run_after_ms INTEGER NOT NULL, lease_owner TEXT, lease_until_ms INTEGER, error TEXT, dedupe_key TEXT,
  created_at_ms INTEGER NOT NULL
);
CREATE INDEX tasks_due ON tasks(state, run_after_ms);
CREATE UNIQUE INDEX tasks_dedupe ON tasks(dedupe_key) WHERE state IN ('queued', 'running');
`,
}
