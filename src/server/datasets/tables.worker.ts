/**
 * The child process in which DuckDB runs (started by engine.ts). It opens one in-memory database that can reach nothing
 * but the files it was told, and answers queries one after the other. It is a process and not a thread because a native
 * crash, a runaway function or an allocation beyond every limit must end this process and not the server.
 */
import { writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import type { DuckDBConnection, DuckDBType, DuckDBValue, Json } from '@duckdb/node-api'

export type OpenMessage = {
  kind: 'open'
  threads: number
  memoryLimitBytes: number
  diskLimitBytes: number
  /** Everything it writes and spills lies here. */
  folder: string
  /** Folders whose files it may read. */
  readableFolders: string[]
  /** Single files it may read. */
  readableFiles: string[]
}
export type QueryMessage = { kind: 'query'; sql: string }
export type Answer = { columns: { name: string; type: string }[]; rows: Json[][] } | { error: string }

let connection: DuckDBConnection | undefined

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`

async function open(message: OpenMessage): Promise<Answer> {
  // Under memory pressure the kernel shall take this process, not the server; others shall get the processor first.
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000')
    setPriority(5)
  } catch {
    // Not Linux, or not allowed: the parent's watch of our memory remains.
  }
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(message.threads),
    memory_limit: `${Math.floor(message.memoryLimitBytes / 1024)}KiB`,
    temp_directory: `${message.folder}/spill`,
    max_temp_directory_size: `${Math.floor(message.diskLimitBytes / 1024)}KiB`,
    preserve_insertion_order: 'true',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
  connection = await instance.connect()
  // In this order: what may be reached is said first, then the door is shut, then the lock is turned for good.
  await connection.run("SET TimeZone = 'UTC'")
  await connection.run(
    `SET allowed_directories = [${[message.folder, ...message.readableFolders].map(quoted).join(', ')}]`,
  )
  await connection.run(`SET allowed_paths = [${message.readableFiles.map(quoted).join(', ')}]::VARCHAR[]`)
  await connection.run('SET enable_external_access = false')
  await connection.run('SET lock_configuration = true')
  return { columns: [], rows: [] }
}

async function query({ sql }: QueryMessage): Promise<Answer> {
  if (connection === undefined) throw new Error('The database is not open.')
  const { DuckDBTypeId, JsonDuckDBValueConverter } = await import('@duckdb/node-api')
  const toJson = (value: DuckDBValue, type: DuckDBType): Json => {
    if (value === null || value === undefined) return null
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
    if (typeof value === 'number') return Number.isFinite(value) ? value : null
    switch (type.typeId) {
      case DuckDBTypeId.DECIMAL:
        return Number(value.toString())
      case DuckDBTypeId.TIMESTAMP:
      case DuckDBTypeId.TIMESTAMP_S:
      case DuckDBTypeId.TIMESTAMP_MS:
      case DuckDBTypeId.TIMESTAMP_NS:
        return value.toString().replace(' ', 'T')
      case DuckDBTypeId.TIMESTAMP_TZ:
        return value.toString().replace(' ', 'T').replace(/\+00$/, 'Z')
      default:
        return JsonDuckDBValueConverter(value, type, toJson)
    }
  }
  const reader = await connection.runAndReadAll(sql)
  const types = reader.columnTypes()
  return {
    columns: reader.columnNames().map((name, index) => ({ name, type: String(types[index]) })),
    rows: reader.convertRows(toJson),
  }
}

process.on('message', (message: OpenMessage | QueryMessage) => {
  const work = message.kind === 'open' ? open(message) : query(message)
  work.then(
    (answer) => process.send?.(answer),
    (error: unknown) =>
      process.send?.({ error: error instanceof Error ? error.message : String(error) } satisfies Answer),
  )
})
// The server is gone, even if it was killed: nothing is left to work for.
process.on('disconnect', () => process.exit(0))
