import type { Generated } from 'kysely'
import type { Role, TokenScope, Visibility } from '../../lib/actor.ts'

export type UsersTable = {
  id: string
  name: string
  /** scrypt, `null` when the person only signs in by token or OIDC. */
  password_hash: string | null
  is_admin: number
  created_at_ms: number
  disabled_at_ms: number | null
}

export type SessionsTable = {
  /** SHA-256 of the cookie's secret: a copy of the database opens no session. */
  id_hash: string
  user_id: string
  created_at_ms: number
  expires_at_ms: number
}

export type TokensTable = {
  id: string
  /** `null`: the person of local mode. */
  user_id: string | null
  name: string
  /** First characters of the token, to recognise it in a list. */
  prefix: string
  hash: string
  scope: TokenScope
  /** Both set for a job's token. */
  project_id: string | null
  run_id: string | null
  created_at_ms: number
  expires_at_ms: number | null
  revoked_at_ms: number | null
  last_used_at_ms: number | null
}

export type ProjectsTable = {
  id: string
  owner: string
  name: string
  description: string
  visibility: Visibility
  created_at_ms: number
  created_by: string
}

export type MembersTable = { project_id: string; user_id: string; role: Role; created_at_ms: number }

export type EventsTable = {
  id: Generated<number>
  project_id: string | null
  actor: string
  /** `created`, `updated`, `deleted`, `promoted` … */
  verb: string
  /** The noun: `run`, `dataset_version`, `model_version`, `job`, `endpoint`, `decision` … */
  kind: string
  /** How the thing is found in a URL: an id, or `name/version`. */
  subject: string
  /** JSON object; never a secret. */
  detail: string
  request_id: string | null
  created_at_ms: number
  /** `denied`: the guard refused it. `failed`: it was let in and came to nothing. Both are no change. */
  result: Generated<'done' | 'denied' | 'failed'>
  /** Where it came from; '' for the platform itself. */
  address: Generated<string>
  user_agent: Generated<string>
}

export type TasksTable = {
  id: string
  kind: string
  payload: string
  state: 'queued' | 'running' | 'done' | 'failed'
  attempts: number
  run_after_ms: number
  lease_owner: string | null
  lease_until_ms: number | null
  error: string | null
  /** At most one task that is not finished per key. */
  dedupe_key: string | null
  created_at_ms: number
}
