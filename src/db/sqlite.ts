import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import type { SqliteDatabase, SqliteStatement } from 'kysely'

/** Kysely's view of the file, and a number in its header that is there for the program (`user_version`). */
export type SqliteFile = SqliteDatabase & { readMark(): number; writeMark(mark: number): void }

/** Every request asks for the mark; looking into the file is a system call. */
const LOOK_EVERY_MS = 10

/**
 * `node:sqlite` in the shape that Kysely's SQLite dialect expects. Durable by default: WAL with `synchronous=FULL`,
 * so that a committed write survives a power cut. Returns the adapter and a `close`.
 */
export function openSqlite(file: string): SqliteFile {
  const database = new DatabaseSync(file, { enableForeignKeyConstraints: true, timeout: 10_000 })
  database.exec('PRAGMA journal_mode = WAL')
  database.exec('PRAGMA synchronous = FULL')
  // Pages of log before it is folded into the file, which waits for the disk twice more: 32 MiB, not 4.
  database.exec('PRAGMA wal_autocheckpoint = 8000')
  database.exec('PRAGMA cache_size = -32000')
  const prepare = cachedStatements(database)
  let known = 0
  let lookAgainAt = 0
  const userVersion = database.prepare('PRAGMA user_version')
  return {
    readMark() {
      const now = performance.now()
      if (now < lookAgainAt) return known
      lookAgainAt = now + LOOK_EVERY_MS
      known = Number(userVersion.get()?.user_version)
      return known
    },
    writeMark: (mark) => database.exec(`PRAGMA user_version = ${mark | 0}`),
    prepare,
    close: () => database.close(),
  }
}

export function openSqliteForReading(file: string): SqliteDatabase {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 10_000 })
  database.exec('PRAGMA cache_size = -32000')
  return { prepare: cachedStatements(database), close: () => database.close() }
}

/** Preparing costs more than a small query: keep the statements that come again and again. */
function cachedStatements(database: DatabaseSync): SqliteDatabase['prepare'] {
  const cache = new Map<string, SqliteStatement>()
  return (text) => {
    const known = cache.get(text)
    if (known !== undefined) return known
    const statement = adapt(database, text)
    if (cache.size >= 500) cache.clear()
    cache.set(text, statement)
    return statement
  }
}

/** As the only parameter of a statement: it is run once for each row (bulk.ts). */
export class ManyRows {
  readonly rows: readonly (readonly SQLInputValue[])[]

  constructor(rows: readonly (readonly SQLInputValue[])[]) {
    this.rows = rows
  }
}

function adapt(database: DatabaseSync, text: string): SqliteStatement {
  const statement = database.prepare(text)
  const columns = statement.columns().map((column) => column.name)
  // The objects that node:sqlite makes of rows are slow to make and slow to read; ours have a shape that V8 knows.
  statement.setReturnArrays(true)
  const rowOf = (values: Row) => {
    const row: Record<string, unknown> = {}
    for (let i = 0; i < columns.length; i++) row[columns[i] as string] = values[i]
    return row
  }
  return {
    reader: columns.length > 0,
    all: (parameters) => {
      const [first] = parameters
      const rows =
        first instanceof ManyRows
          ? first.rows.flatMap((row) => readAll(statement, row))
          : readAll(statement, parameters as SQLInputValue[])
      return rows.map(rowOf)
    },
    run: (parameters) => {
      const [first] = parameters
      if (!(first instanceof ManyRows)) return statement.run(...(parameters as SQLInputValue[]))
      let changes = 0
      for (const row of first.rows) changes += Number(statement.run(...row).changes)
      return { changes, lastInsertRowid: 0 }
    },
    *iterate(parameters) {
      for (const row of statement.iterate(...(parameters as SQLInputValue[]))) yield rowOf(row as unknown as Row)
    },
  }
}

type Row = readonly unknown[]

/**
 * Integers come as numbers; a result holding one beyond 2^53 (MLflow steps are int64) is read again as bigint, and only
 * the unsafe ones stay so. Doing it always would cost every query for a case that almost never happens.
 */
function readAll(statement: ReturnType<DatabaseSync['prepare']>, parameters: readonly SQLInputValue[]): Row[] {
  const all = () => statement.all(...parameters) as unknown as Row[]
  try {
    return all()
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_OUT_OF_RANGE') throw error
  }
  statement.setReadBigInts(true)
  try {
    return all().map((row) => row.map((value) => (typeof value === 'bigint' ? narrow(value) : value)))
  } finally {
    statement.setReadBigInts(false)
  }
}

export function narrow(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}
