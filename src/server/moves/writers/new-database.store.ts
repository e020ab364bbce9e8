import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'

export type NewRow = Readonly<Record<string, SQLInputValue>>

/** A new SQLite file for another program. Nothing is in it before `close`, so it needs no care against a crash. */
export type NewDatabase = {
  /** A row that is there already is left alone. */
  insert(table: string, row: NewRow): void
  /** Replaces the row of this key when the new one is greater in `by`, column by column. */
  raise(table: string, row: NewRow, key: readonly string[], by: readonly string[]): void
  close(): void
}

/** Rows of one transaction. */
const ROWS_PER_COMMIT = 50_000

export function createDatabase(path: string, schema: string): NewDatabase {
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false })
  database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF')
  database.exec(schema)
  database.exec('BEGIN')
  const statements = new Map<string, StatementSync>()
  let rows = 0
  const write = (table: string, row: NewRow, ending: string) => {
    const columns = Object.keys(row)
    const sql = `INSERT INTO "${table}" (${columns.map((column) => `"${column}"`).join(', ')})
      VALUES (${columns.map(() => '?').join(', ')}) ${ending}`
    const statement = statements.get(sql) ?? database.prepare(sql)
    statements.set(sql, statement)
    statement.run(...Object.values(row))
    rows += 1
    if (rows % ROWS_PER_COMMIT === 0) database.exec('COMMIT; BEGIN')
  }
  return {
    insert: (table, row) => write(table, row, 'ON CONFLICT DO NOTHING'),
    raise(table, row, key, by) {
      const set = Object.keys(row).map((column) => `"${column}" = excluded."${column}"`)
      const list = (of: string) => by.map((column) => `${of}."${column}"`).join(', ')
      const names = key.map((column) => `"${column}"`).join(', ')
      write(
        table,
        row,
        `ON CONFLICT (${names}) DO UPDATE SET ${set.join(', ')} WHERE (${list('excluded')}) > (${list(`"${table}"`)})`,
      )
    },
    close() {
      database.exec('COMMIT')
      database.close()
    },
  }
}
