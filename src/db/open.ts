import { randomInt } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import {
  CompiledQuery,
  type DatabaseConnection,
  Kysely,
  PostgresDialect,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
} from 'kysely'
import type { CustomTypesConfig, Pool } from 'pg'
import { errorMessage } from '../lib/errors.ts'
import { narrow, openSqlite, openSqliteForReading, type SqliteFile } from './sqlite.ts'
import type { Tables } from './tables.ts'

/**
 * Transactions take the write lock when they begin. A deferred one that reads first and writes later fails at once, without
 * waiting, when another process (the CLI beside the server) wrote in between.
 */
class ImmediateSqliteDialect extends SqliteDialect {
  readonly #database: SqliteDatabase

  constructor(database: SqliteDatabase) {
    super({ database })
    this.#database = database
  }

  override createDriver(): SqliteDriver {
    return new ImmediateSqliteDriver({ database: this.#database })
  }
}

class ImmediateSqliteDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await super.rollbackTransaction(connection)
    } catch (error) {
      // SQLite has rolled back by itself (the disk is full): the reason for that is the error to tell.
      if (!/no transaction is active/.test(errorMessage(error))) throw error
    }
  }
}

/** A second connection to a SQLite file, for a thread that only reads. */
export function openForReading(url: string): Kysely<Tables> {
  return new Kysely<Tables>({
    dialect: new SqliteDialect({ database: openSqliteForReading(url.slice('sqlite:'.length)) }),
  })
}

const files = new WeakMap<object, SqliteFile>()

/**
 * A number that changes when a process (the command line beside the server) has changed who may do what (`markRights`);
 * always 0 on PostgreSQL, where looking costs as much as asking for the rights themselves.
 */
export function rightsMark(db: object): number {
  return files.get(db)?.readMark() ?? 0
}

/** Tells other processes on the same SQLite file that what they remember of rights may be old. Call it after the commit. */
export function markRights(db: object): void {
  files.get(db)?.writeMark(randomInt(2 ** 31))
}

/** int8 as a number where it is exact, else bigint: the same on both engines. */
const INT8_OID = 20

/**
 * Opens the store. `url` is `sqlite:<file>` or `postgres://…`; the schema is not touched (see migrate.ts).
 * @throws when the file or the server cannot be reached, on the first query
 */
export function openDatabase(url: string): Kysely<Tables> {
  if (url.startsWith('sqlite:')) {
    const file = url.slice('sqlite:'.length)
    if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true })
    const database = openSqlite(file)
    const db = new Kysely<Tables>({ dialect: new ImmediateSqliteDialect(database) })
    files.set(db, database)
    return db
  }
  if (!/^postgres(ql)?:\/\//.test(url)) {
    throw new Error(`database-url must start with "sqlite:" or "postgres://", got "${url.split(':')[0]}:"`)
  }
  // Kysely opens the pool at the first query, so the driver is loaded only where it is used.
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: () => openPool(url) }) })
}

async function openPool(url: string): Promise<Pool> {
  const { default: pg } = await import('pg')
  const types = {
    getTypeParser: (oid: number, format?: 'text' | 'binary') =>
      oid === INT8_OID ? (text: string) => narrow(BigInt(text)) : pg.types.getTypeParser(oid, format as 'text'),
  }
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    types: types as CustomTypesConfig,
    statement_timeout: 60_000,
    connectionTimeoutMillis: 10_000,
  })
  // A connection that the server closes must not take the process down, idle or at work; the next query reports it.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}
