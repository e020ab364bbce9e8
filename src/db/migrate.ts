import { sql } from 'kysely'
import { type Db, ddlFor, isPostgres } from './dialect.ts'
import { identity } from './migrations/0001-identity.ts'
import { tracking } from './migrations/0002-tracking.ts'
import { registryAndData } from './migrations/0003-registry-and-data.ts'
import { jobsAndServing } from './migrations/0004-jobs-and-serving.ts'
import { metricStore } from './migrations/0005-metric-store.ts'
import { artifacts } from './migrations/0006-artifacts.ts'
import { imports } from './migrations/0007-imports.ts'
import { webhooks } from './migrations/0008-webhooks.ts'
import { traces } from './migrations/0009-traces.ts'
import { recyclingAndAudit } from './migrations/0010-recycling-and-audit.ts'
import { newRuns } from './migrations/0011-new-runs.ts'
import { searchOrder } from './migrations/0012-search-order.ts'
import { copiedVersions } from './migrations/0013-copied-versions.ts'
import { valueBeginnings } from './migrations/0016-value-beginnings.ts'
import { metricTails } from './migrations/0017-metric-tails.ts'
import { runsByStart } from './migrations/0018-runs-by-start.ts'
import { namesOnce } from './migrations/0019-names-once.ts'

export type Migration = {
  version: number
  name: string
  /** Common DDL, see dialect.ts `ddlFor`. */
  sql: string
  /** What SQL cannot do with the rows that are there, afterwards. It needs nothing of what later migrations change. */
  move?: (db: Db) => Promise<void>
}

/** In order, never edited once released: a change of the schema is a new entry. */
export const MIGRATIONS: readonly Migration[] = [
  identity,
  tracking,
  registryAndData,
  jobsAndServing,
  metricStore,
  artifacts,
  imports,
  webhooks,
  traces,
  recyclingAndAudit,
  newRuns,
  searchOrder,
  copiedVersions,
  valueBeginnings,
  metricTails,
  runsByStart,
  namesOnce,
]

/** Any number that no other program uses on the same PostgreSQL database. */
const ADVISORY_LOCK = 7_214_001

/**
 * Brings the schema to this program's version, all in one transaction under a lock, so that twenty processes may start
 * at once and a kill in the middle leaves the old schema.
 * @param migrations all of them; tests stop earlier
 * @throws when the database was written by a newer Trainyard: an older program would misread it
 */
export async function migrate(db: Db, migrations: readonly Migration[] = MIGRATIONS): Promise<void> {
  await db.transaction().execute(async (tx) => {
    // On SQLite the transaction itself holds the one write lock from its beginning (open.ts).
    if (isPostgres(tx)) await sql`SELECT pg_advisory_xact_lock(${ADVISORY_LOCK})`.execute(tx)
    await applyPending(tx, migrations)
  })
}

async function applyPending(db: Db, migrations: readonly Migration[]): Promise<void> {
  await sql
    .raw(
      'CREATE TABLE IF NOT EXISTS schema_versions (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at_ms BIGINT NOT NULL)',
    )
    .execute(db)
  const { rows } = await sql<{ version: number }>`SELECT version FROM schema_versions`.execute(db)
  const applied = new Set(rows.map((row) => Number(row.version)))
  const newest = Math.max(0, ...applied)
  const known = migrations.at(-1)?.version ?? 0
  if (newest > known) {
    throw new Error(
      `This database has schema version ${newest}, written by a newer Trainyard; this program knows ${known}. Start the newer program, or restore a backup.`,
    )
  }
  for (const migration of migrations) {
    if (applied.has(migration.version)) continue
    for (const statement of ddlFor(db, migration.sql)) await sql.raw(statement).execute(db)
    await migration.move?.(db)
    await sql`INSERT INTO schema_versions (version, name, applied_at_ms) VALUES (${migration.version}, ${migration.name}, ${Date.now()})`.execute(
      db,
    )
  }
}
