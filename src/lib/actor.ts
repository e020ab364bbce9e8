/** Who asks. Made once per request (http/authenticate.ts) and passed to every service that changes or reads something. */
export type Actor = {
  /** `local`: the one person of a server without accounts. `system`: the platform itself (policies, jobs' follow-ups). */
  kind: 'anonymous' | 'local' | 'user' | 'system'
  userId: string | null
  /** The name that is written into audit rows and shown as owner. */
  name: string
  isAdmin: boolean
  scope: TokenScope
  /** Set for a job's token: it acts in this project, and writes to this run and its children only. */
  run: { runId: string; projectId: string } | null
  /** Where the request came from; absent for what the platform and the command line do themselves. */
  origin?: Origin
}

/** Where a request came from, for the audit log. */
export type Origin = {
  /** The client's address, as the proxy tells it when one is configured. */
  address: string
  /** What the client says it is, at most 200 characters. */
  userAgent: string
  requestId: string
}

export const TOKEN_SCOPES = ['read', 'write', 'admin'] as const
export type TokenScope = (typeof TOKEN_SCOPES)[number]

export const ANONYMOUS: Actor = {
  kind: 'anonymous',
  userId: null,
  name: 'anonymous',
  isAdmin: false,
  scope: 'read',
  run: null,
}
export const LOCAL: Actor = { kind: 'local', userId: null, name: 'local', isAdmin: true, scope: 'admin', run: null }
export const SYSTEM: Actor = {
  kind: 'system',
  userId: null,
  name: 'trainyard',
  isAdmin: true,
  scope: 'admin',
  run: null,
}

export const ROLES = ['viewer', 'editor', 'owner'] as const
export type Role = (typeof ROLES)[number]

export const VISIBILITIES = ['private', 'internal', 'public'] as const
export type Visibility = (typeof VISIBILITIES)[number]

/** What one may do in a project: look, change what is inside, change the project itself and its members. */
export const VERBS = ['read', 'write', 'manage'] as const
export type Verb = (typeof VERBS)[number]
