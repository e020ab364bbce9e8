import type { Kysely } from 'kysely'
import type { BlobStore } from './blobs/store.ts'
import type { Config } from './config.ts'
import type { Db } from './db/dialect.ts'
import { transact } from './db/group-commit.ts'
import type { ReadThreads } from './db/read-threads.ts'
import type { Tables } from './db/tables.ts'
import type { WriteThread } from './db/write-thread.ts'
import type { WriteTx } from './db/writes.ts'
import type { Logger } from './lib/log.ts'
import type { Memo } from './lib/memo.ts'
import type { TableEngine } from './server/datasets/engine.ts'
import type { Bus } from './server/events/bus.ts'
import type { Logins } from './server/identity/logins.ts'
import type { ModelPool } from './server/serving/pool.ts'
import type { JobRunner } from './server/training/runner.ts'

/**
 * Everything a service needs, built once in app.ts. A transaction is the same Context with another `db`
 * (`inTransaction`), so no code can reach around it by accident.
 */
export type Context = {
  readonly config: Config
  readonly db: Db
  readonly blobs: BlobStore
  readonly bus: Bus
  /** Long reads are done beside the event loop. */
  readonly reads: ReadThreads
  /** Batches of writes, too, where they are large. */
  readonly writer: WriteThread
  /** Who a token is and what one may see, remembered for a second; whoever takes a right away calls `forget`. */
  readonly access: Memo
  /** Checks passwords, and slows guessing. */
  readonly logins: Logins
  readonly runner: JobRunner
  readonly models: ModelPool
  /** DuckDB in processes of its own, started when first needed. */
  readonly tables: TableEngine
  readonly log: Logger
  /** Milliseconds since the epoch; tests pass their own. */
  readonly now: () => number
}

/** Runs `work` in one transaction; inside, only `tx.db` exists and only the database is awaited. Nested calls join. */
export async function inTransaction<C extends WriteTx, T>(ctx: C, work: (tx: C) => Promise<T>): Promise<T> {
  if (ctx.db.isTransaction) return work(ctx)
  return transact(ctx.db as Kysely<Tables>, (db) => work({ ...ctx, db }))
}
