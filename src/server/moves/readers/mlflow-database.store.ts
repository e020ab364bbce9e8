import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import pg from 'pg'

/** A row of a database that another program wrote: nothing about its columns is certain. */
export type ForeignRow = Readonly<Record<string, unknown>>

/** An MLflow database, read only. The same SQL for both engines, `?` for parameters. */
export type MlflowDatabase = {
  what: string
  /** Columns by table; tables only, as a view of a hostile file could do anything. */
  columns: ReadonlyMap<string, ReadonlySet<string>>
  all(sql: string, values?: readonly (string | number)[]): Promise<ForeignRow[]>
  /** Rows as they are read, never all of them. */
  rows(sql: string, values?: readonly (string | number)[]): AsyncIterable<ForeignRow>
  close(): Promise<void>
}

const ROWS_PER_READ = 2_000

/** @throws Error when the file is no SQLite database */
export async function openSqliteDatabase(path: string): Promise<MlflowDatabase> {
  const database = new DatabaseSync(path, { readOnly: true, enableForeignKeyConstraints: false })
  database.exec('PRAGMA trusted_schema = OFF')
  const prepare = (sql: string) => {
    const statement = database.prepare(sql)
    statement.setReadBigInts(true)
    return statement
  }
  const tables = prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[]
  const columns = new Map<string, Set<string>>()
  for (const { name } of tables) {
    const found = prepare('SELECT name FROM pragma_table_info(?)').all(name) as { name: string }[]
    columns.set(name, new Set(found.map((column) => column.name)))
  }
  const asRow = (row: unknown) => withNumbers(row as Record<string, unknown>)
  return {
    what: `the database ${path}`,
    columns,
    all: async (sql, values = []) =>
      prepare(sql)
        .all(...(values as SQLInputValue[]))
        .map(asRow),
    async *rows(sql, values = []) {
      for (const row of prepare(sql).iterate(...(values as SQLInputValue[]))) yield asRow(row)
    },
    close: async () => database.close(),
  }
}

function withNumbers(row: Record<string, unknown>): ForeignRow {
  for (const [key, value] of Object.entries(row)) {
    if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) row[key] = Number(value)
  }
  return row
}

/** All in one read-only transaction, so that a store in use is read as it was at one moment. @throws Error without connection */
export async function openPostgresDatabase(url: string): Promise<MlflowDatabase> {
  const client = new pg.Client({ connectionString: url.replace(/^postgres(ql)?(\+\w+)?:/, 'postgres:') })
  await client.connect()
  await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY')
  const numbered = (sql: string) => {
    let at = 0
    return sql.replace(/\?/g, () => `$${++at}`)
  }
  const all = async (sql: string, values: readonly (string | number)[] = []) =>
    (await client.query(numbered(sql), [...values])).rows as ForeignRow[]
  const columns = new Map<string, Set<string>>()
  const found = await all(
    `SELECT c.table_name, c.column_name FROM information_schema.columns AS c
     JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
     WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'`,
  )
  for (const row of found) {
    const table = String(row.table_name)
    columns.set(table, (columns.get(table) ?? new Set()).add(String(row.column_name)))
  }
  let cursors = 0
  return {
    what: `the database ${safeUrl(url)}`,
    columns,
    all,
    async *rows(sql, values = []) {
      const cursor = `move_${++cursors}`
      await client.query(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${numbered(sql)}`, [...values])
      try {
        for (;;) {
          const { rows } = await client.query(`FETCH ${ROWS_PER_READ} FROM ${cursor}`)
          yield* rows as ForeignRow[]
          if (rows.length < ROWS_PER_READ) return
        }
      } finally {
        await client.query(`CLOSE ${cursor}`).catch(() => {})
      }
    },
    close: () => client.end(),
  }
}

/** Without the password. */
function safeUrl(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//')
}
