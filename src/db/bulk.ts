import { CompiledQuery } from 'kysely'
import { type Db, isPostgres } from './dialect.ts'
import { ManyRows } from './sqlite.ts'

const POSTGRES_TYPES = { text: 'text', int: 'bigint', real: 'double precision', blob: 'bytea' } as const

/** A table's columns as they come in each row, and what follows the values (`ON CONFLICT … RETURNING …`). */
export type BulkInsert = {
  table: string
  columns: Readonly<Record<string, keyof typeof POSTGRES_TYPES>>
  /** Trusted text: never built from what a client sent. */
  suffix?: string
}

type Value = string | number | bigint | null | Uint8Array

/** A query by many ids. All texts are trusted: never built from what a client sent. */
export type RowsAmong = {
  /** Up to `WHERE`. */
  head: string
  column: string
  values: readonly string[]
  /** What the rows must have besides, e.g. their project. It never chooses the plan: all rows may have it. */
  and?: { column: string; value: string }
  /** What follows the conditions. */
  tail?: string
}

/**
 * The rows whose column holds one of the values, by one statement text that is never built anew: building it takes longer
 * than asking for a few rows.
 */
export async function rowsAmong<R>(db: Db, { head, column, values, and, tail = '' }: RowsAmong): Promise<R[]> {
  const postgres = isPostgres(db)
  const among = postgres ? `${column} = ANY($1)` : `${column} IN (SELECT value FROM json_each(?))`
  // SQLite has no statistics and would take the index of the other column: a plus makes it an expression.
  const other = and === undefined ? '' : `AND ${postgres ? `${and.column} = $2` : `+${and.column} = ?`}`
  const parameters = [postgres ? values : JSON.stringify(values), ...(and === undefined ? [] : [and.value])]
  return (await db.executeQuery<R>(CompiledQuery.raw(`${head} WHERE ${among} ${other} ${tail}`, parameters))).rows
}

/**
 * Inserts many rows by one statement text, whatever their number: a prepared one run for each row on SQLite, arrays on
 * PostgreSQL. Building and preparing `VALUES` lists of every length would cost more than the rows. Rows of one call must
 * not conflict with each other where `suffix` updates. Returns what `RETURNING` names.
 */
export async function insertMany<R = Record<string, unknown>>(
  db: Db,
  into: BulkInsert,
  rows: readonly Value[][],
): Promise<R[]> {
  if (rows.length === 0) return []
  const names = Object.keys(into.columns)
  const head = `INSERT INTO ${into.table} (${names.join(', ')})`
  const tail = into.suffix ?? ''
  if (!isPostgres(db)) {
    const text = `${head} VALUES (${names.map(() => '?').join(', ')}) ${tail}`
    return (await db.executeQuery<R>(CompiledQuery.raw(text, [new ManyRows(rows)]))).rows
  }
  const lists = Object.values(into.columns).map((type, index) => `$${index + 1}::${POSTGRES_TYPES[type]}[]`)
  const text = `${head} SELECT * FROM unnest(${lists.join(', ')}) ${tail}`
  const columns = names.map((_, index) => rows.map((row) => row[index]))
  return (await db.executeQuery<R>(CompiledQuery.raw(text, columns))).rows
}
