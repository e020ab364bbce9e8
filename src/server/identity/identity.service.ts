import { hash as digest } from 'node:crypto'
import { type Context, inTransaction } from '../../context.ts'
import { isUniqueViolation } from '../../db/dialect.ts'
import type { Actor, Origin, TokenScope } from '../../lib/actor.ts'
import { LOCAL, SYSTEM } from '../../lib/actor.ts'
import { AppError, badRequest, conflict, notFound } from '../../lib/errors.ts'
import { newId, newSecret } from '../../lib/ids.ts'
import { checkSlug, isSlug, OWNER_MAX_LENGTH, RESERVED_OWNERS } from '../../lib/slug.ts'
import { recordEvent } from '../events/events.service.ts'
import { hashPassword } from './passwords.ts'
import * as store from './users.store.ts'

const TOKEN_PREFIX = 'ty_'
const SESSION_MS = 14 * 24 * 3600_000
/** `last_used_at_ms` is written at most this often per token: reading must not write all the time. */
const TOUCH_EVERY_MS = 60_000

const sha256 = (text: string) => digest('sha256', text, 'hex')

/** Servers (by their configuration) that were seen with accounts. Every request asks, and accounts are never removed. */
const withAccounts = new WeakSet<Context['config']>()

/** Whether accounts exist. Without any, the server is in local mode: everything belongs to `local`. */
export async function accountsExist(ctx: Context): Promise<boolean> {
  if (withAccounts.has(ctx.config)) return true
  const found = await ctx.access.get('accounts', async () => ({ exist: await store.anyUser(ctx.db) }))
  if (!found.exist) return false
  withAccounts.add(ctx.config)
  return true
}

export async function adminExists(ctx: Context): Promise<boolean> {
  return store.anyAdmin(ctx.db)
}

/**
 * Adds a user. The password may be null (signs in by token only).
 * @throws AppError bad_request (name, password), conflict (name taken)
 */
export async function addUser(
  ctx: Context,
  actor: Actor,
  input: { name: string; password: string | null; isAdmin: boolean },
): Promise<{ id: string; name: string }> {
  const name = checkSlug(input.name, 'name', OWNER_MAX_LENGTH)
  if (RESERVED_OWNERS.has(name) || name === LOCAL.name)
    throw badRequest(`The name "${name}" is reserved; choose another.`, 'name')
  const passwordHash = input.password === null ? null : await hashPassword(input.password)
  const id = newId(ctx.now())
  try {
    await inTransaction(ctx, async (tx) => {
      await store.insertUser(tx.db, {
        id,
        name,
        password_hash: passwordHash,
        is_admin: input.isAdmin ? 1 : 0,
        created_at_ms: ctx.now(),
        disabled_at_ms: null,
      })
      await recordEvent(tx, actor, {
        projectId: null,
        verb: 'created',
        kind: 'user',
        subject: name,
        detail: { is_admin: input.isAdmin },
      })
    })
  } catch (error) {
    if (isUniqueViolation(error)) throw conflict(`A user named "${name}" exists already.`, 'name')
    throw error
  }
  ctx.access.forget()
  return { id, name }
}

/** Sets a password and ends the user's sessions. @throws AppError not_found, bad_request */
export async function setPassword(ctx: Context, actor: Actor, userName: string, password: string): Promise<void> {
  const user = await store.userByName(ctx.db, userName)
  if (user === undefined) throw notFound(`There is no user named "${userName}".`)
  const hash = await hashPassword(password)
  await inTransaction(ctx, async (tx) => {
    await store.updateUser(tx.db, user.id, { password_hash: hash })
    await store.deleteSessionsOf(tx.db, user.id)
    await recordEvent(tx, actor, {
      projectId: null,
      verb: 'updated',
      kind: 'user',
      subject: userName,
      detail: { changed: 'password' },
    })
  })
}

export async function listUsers(ctx: Context): Promise<store.UserRow[]> {
  return store.listUsers(ctx.db)
}

export async function findUser(ctx: Context, name: string): Promise<store.UserRow> {
  const user = await store.userByName(ctx.db, name)
  if (user === undefined) throw notFound(`There is no user named "${name}".`)
  return user
}

/**
 * The user of a name and password; null for an unknown name and a wrong password, alike and in the same time.
 * @throws AppError too_many_requests, unavailable
 */
async function userByPassword(
  ctx: Context,
  name: string,
  password: string,
  address: string,
): Promise<store.UserRow | null> {
  // A text that no name can be (NUL, which PostgreSQL refuses) is a name that nobody has.
  const user = isSlug(name) ? await store.userByName(ctx.db, name) : undefined
  const hash = user?.disabled_at_ms === null ? user.password_hash : null
  const right = await ctx.logins.check(name, password, hash, address)
  return right && user !== undefined ? user : null
}

/**
 * Signs in with a password; `origin` is where the request came from. The same answer and time for an unknown name and a
 * wrong password. @throws AppError unauthenticated, too_many_requests, unavailable
 */
export async function openSession(
  ctx: Context,
  name: string,
  password: string,
  origin: Origin,
): Promise<{ secret: string; expiresAtMs: number; actor: Actor }> {
  const user = await userByPassword(ctx, name, password, origin.address)
  if (user === null) throw new AppError('unauthenticated', 'Name or password is wrong.')
  const secret = newSecret()
  const expiresAtMs = ctx.now() + SESSION_MS
  const actor = { ...userActor(user, 'admin'), origin }
  await inTransaction(ctx, async (tx) => {
    await store.insertSession(tx.db, {
      id_hash: sha256(secret),
      user_id: user.id,
      created_at_ms: tx.now(),
      expires_at_ms: expiresAtMs,
    })
    await recordEvent(tx, actor, { projectId: null, verb: 'created', kind: 'session', subject: user.name })
  })
  return { secret, expiresAtMs, actor }
}

/** Ends a session; one that is not there is fine. */
export async function closeSession(ctx: Context, actor: Actor, secret: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    if (!(await store.deleteSession(tx.db, sha256(secret)))) return
    await recordEvent(tx, actor, { projectId: null, verb: 'deleted', kind: 'session', subject: actor.name })
  })
}

export async function actorOfSession(ctx: Context, secret: string): Promise<Actor | null> {
  const user = await store.userBySession(ctx.db, sha256(secret), ctx.now())
  return user === undefined ? null : userActor(user, 'admin')
}

/** The actor behind a token (`ty_…`), or null when it is unknown, expired or revoked. */
export function actorOfToken(ctx: Context, token: string): Actor | null | Promise<Actor | null> {
  if (!token.startsWith(TOKEN_PREFIX) || token.length > 200) return null
  const hashed = sha256(token)
  return ctx.access.get(`token ${hashed}`, () => actorOfHash(ctx, hashed))
}

async function actorOfHash(ctx: Context, hash: string): Promise<Actor | null> {
  const found = await store.tokenByHash(ctx.db, hash, ctx.now())
  if (found === undefined) return null
  const { token: row, user } = found
  if ((row.last_used_at_ms ?? 0) < ctx.now() - TOUCH_EVERY_MS)
    await inTransaction(ctx, (tx) => store.touchToken(tx.db, row.id, tx.now()))
  const base = user === undefined ? { ...LOCAL } : userActor(user, row.scope)
  const run = row.run_id !== null && row.project_id !== null ? { runId: row.run_id, projectId: row.project_id } : null
  return { ...base, scope: row.scope, isAdmin: base.isAdmin && row.scope === 'admin', run }
}

/**
 * The actor behind `Authorization: Basic`: a password, or a token in the place of the password.
 * @throws AppError too_many_requests, unavailable
 */
export async function actorOfBasic(ctx: Context, name: string, secret: string, address: string): Promise<Actor | null> {
  if (secret.startsWith(TOKEN_PREFIX)) return actorOfToken(ctx, secret)
  const user = await userByPassword(ctx, name, secret, address)
  return user === null ? null : userActor(user, 'admin')
}

function userActor(user: store.UserRow, scope: TokenScope): Actor {
  return {
    kind: 'user',
    userId: user.id,
    name: user.name,
    isAdmin: user.is_admin === 1 && scope === 'admin',
    scope,
    run: null,
  }
}

export type NewToken = {
  userId: string | null
  name: string
  scope: TokenScope
  expiresAtMs: number | null
  run?: { runId: string; projectId: string }
}

/**
 * Makes a token. The secret is returned this once and stored only as a hash. A job's token has no audit row of its own: it
 * comes with the job, whose row says who submitted it.
 * @param actor who makes it
 */
export async function addToken(
  ctx: Context,
  input: NewToken,
  actor: Actor = SYSTEM,
): Promise<{ id: string; token: string; prefix: string }> {
  const token = TOKEN_PREFIX + newSecret()
  const id = newId(ctx.now())
  const prefix = token.slice(0, TOKEN_PREFIX.length + 6)
  const row = {
    id,
    user_id: input.userId,
    name: input.name,
    prefix,
    hash: sha256(token),
    scope: input.scope,
    project_id: input.run?.projectId ?? null,
    run_id: input.run?.runId ?? null,
    created_at_ms: ctx.now(),
    expires_at_ms: input.expiresAtMs,
    revoked_at_ms: null,
    last_used_at_ms: null,
  }
  await inTransaction(ctx, async (tx) => {
    await store.insertToken(tx.db, row)
    if (input.run !== undefined) return
    const detail = { name: input.name, prefix, scope: input.scope, expires_at_ms: input.expiresAtMs }
    await recordEvent(tx, actor, { projectId: null, verb: 'created', kind: 'token', subject: id, detail })
  })
  return { id, token, prefix }
}

export async function listTokens(ctx: Context, actor: Actor): Promise<store.TokenRow[]> {
  return store.tokensOf(ctx.db, actor.userId)
}

/** @throws AppError not_found when the actor has no such token */
export async function revokeToken(ctx: Context, actor: Actor, id: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    if (!(await store.revokeToken(tx.db, id, actor.userId, tx.now()))) throw notFound('You have no such token.')
    await recordEvent(tx, actor, { projectId: null, verb: 'deleted', kind: 'token', subject: id })
  })
  ctx.access.forget()
}

export async function revokeRunTokens(ctx: Context, runId: string): Promise<void> {
  await inTransaction(ctx, (tx) => store.revokeRunTokens(tx.db, runId, tx.now()))
  ctx.access.forget()
}
