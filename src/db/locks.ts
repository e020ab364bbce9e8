import { sql } from 'kysely'
import { type Db, isPostgres } from './dialect.ts'

/** Who takes a reference to a blob that is there already holds it shared; who decides that nothing refers to blobs, alone. */
export const BLOB_REFERENCES = 7_214_010

/**
 * Takes a lock of the whole database until the transaction ends. SQLite has one writer, so a transaction is lock enough
 * there.
 * @param mode `shared`: with others who share it; `alone`: with nobody
 */
export async function lockUntilCommit(db: Db, key: number, mode: 'shared' | 'alone'): Promise<void> {
  if (!isPostgres(db)) return
  if (mode === 'shared') await sql`SELECT pg_advisory_xact_lock_shared(${key})`.execute(db)
  else await sql`SELECT pg_advisory_xact_lock(${key})`.execute(db)
}
