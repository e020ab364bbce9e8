import type { Selectable } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { TokensTable, UsersTable } from '../../db/tables/identity.ts'

export type UserRow = Selectable<UsersTable>
export type TokenRow = Selectable<TokensTable>

export async function insertUser(db: Db, row: UserRow): Promise<void> {
  await db.insertInto('users').values(row).execute()
}

export async function userByName(db: Db, name: string): Promise<UserRow | undefined> {
  return db.selectFrom('users').selectAll().where('name', '=', name).executeTakeFirst()
}

export async function listUsers(db: Db): Promise<UserRow[]> {
  return db.selectFrom('users').selectAll().orderBy('name').execute()
}

export async function updateUser(db: Db, id: string, change: Partial<UserRow>): Promise<void> {
  await db.updateTable('users').set(change).where('id', '=', id).execute()
}

export async function anyUser(db: Db): Promise<boolean> {
  return (await db.selectFrom('users').select('id').limit(1).executeTakeFirst()) !== undefined
}

export async function anyAdmin(db: Db): Promise<boolean> {
  const row = await db
    .selectFrom('users')
    .select('id')
    .where('is_admin', '=', 1)
    .where('disabled_at_ms', 'is', null)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

export async function insertSession(
  db: Db,
  row: { id_hash: string; user_id: string; created_at_ms: number; expires_at_ms: number },
): Promise<void> {
  await db.insertInto('sessions').values(row).execute()
}

/** True when there was one. */
export async function deleteSession(db: Db, idHash: string): Promise<boolean> {
  const result = await db.deleteFrom('sessions').where('id_hash', '=', idHash).executeTakeFirst()
  return Number(result.numDeletedRows) > 0
}

export async function deleteSessionsOf(db: Db, userId: string): Promise<void> {
  await db.deleteFrom('sessions').where('user_id', '=', userId).execute()
}

export async function userBySession(db: Db, idHash: string, nowMs: number): Promise<UserRow | undefined> {
  return db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .selectAll('users')
    .where('sessions.id_hash', '=', idHash)
    .where('sessions.expires_at_ms', '>', nowMs)
    .where('users.disabled_at_ms', 'is', null)
    .executeTakeFirst()
}

export async function insertToken(db: Db, row: TokenRow): Promise<void> {
  await db.insertInto('tokens').values(row).execute()
}

/** The live token with this hash and its user (null for the person of local mode). */
export async function tokenByHash(
  db: Db,
  hash: string,
  nowMs: number,
): Promise<{ token: TokenRow; user: UserRow | undefined } | undefined> {
  const token = await db
    .selectFrom('tokens')
    .selectAll()
    .where('hash', '=', hash)
    .where('revoked_at_ms', 'is', null)
    .where((eb) => eb.or([eb('expires_at_ms', 'is', null), eb('expires_at_ms', '>', nowMs)]))
    .executeTakeFirst()
  if (token === undefined) return undefined
  if (token.user_id === null) return { token, user: undefined }
  const user = await db
    .selectFrom('users')
    .selectAll()
    .where('id', '=', token.user_id)
    .where('disabled_at_ms', 'is', null)
    .executeTakeFirst()
  return user === undefined ? undefined : { token, user }
}

export async function tokensOf(db: Db, userId: string | null): Promise<TokenRow[]> {
  return db
    .selectFrom('tokens')
    .selectAll()
    .where('user_id', userId === null ? 'is' : '=', userId)
    .where('run_id', 'is', null)
    .where('revoked_at_ms', 'is', null)
    .orderBy('created_at_ms', 'desc')
    .execute()
}

export async function touchToken(db: Db, id: string, nowMs: number): Promise<void> {
  await db.updateTable('tokens').set({ last_used_at_ms: nowMs }).where('id', '=', id).execute()
}

/** Revokes one token of this user; false when there is none. */
export async function revokeToken(db: Db, id: string, userId: string | null, nowMs: number): Promise<boolean> {
  const result = await db
    .updateTable('tokens')
    .set({ revoked_at_ms: nowMs })
    .where('id', '=', id)
    .where('user_id', userId === null ? 'is' : '=', userId)
    .where('revoked_at_ms', 'is', null)
    .executeTakeFirst()
  return Number(result.numUpdatedRows) > 0
}

export async function revokeRunTokens(db: Db, runId: string, nowMs: number): Promise<void> {
  await db
    .updateTable('tokens')
    .set({ revoked_at_ms: nowMs })
    .where('run_id', '=', runId)
    .where('revoked_at_ms', 'is', null)
    .execute()
}
