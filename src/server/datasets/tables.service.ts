import { createReadStream } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { Json } from '@duckdb/node-api'
import type { StoredBlob } from '../../blobs/store.ts'
import type { Context } from '../../context.ts'
import { AppError, badRequest } from '../../lib/errors.ts'
import type { Project } from '../projects/projects.service.ts'
import { storeContent } from './content.service.ts'
import { csvAsText, csvTypesQuery, dialectOf } from './csv.ts'
import { formatOf, kindOfType, quoteName, quoteText, type TableFormat } from './formats.ts'
import { tableProblem, unreadable } from './table-problems.ts'
import { TableError, type TableRows, type TableSession } from './table-process.ts'

export type TableColumn = { name: string; type: string }

/** What is known of a table file once it was read as a whole. */
export type Table = {
  /** The file's path in its version, for messages. */
  path: string
  format: TableFormat
  /** Names and DuckDB types, in the file's order. */
  columns: TableColumn[]
  rowCount: number
  /** A table expression for FROM: this file with these columns. */
  source: string
}

const HEAD_BYTES = 1024 * 1024
const PREVIEW_TEXT_LENGTH = 2_000
const MAX_KNOWN = 500
const READ_TIMEOUT_MS = 10 * 60_000

/** By context of a whole server, then content and format. Content never changes, so what is known of it stays true. */
const known = new WeakMap<Context['config'], Map<string, Omit<Table, 'path'>>>()

/**
 * Reads a table file strictly from the first to the last row and says what is in it; remembered by content. Null when the
 * name is not that of a table.
 * @throws AppError unprocessable naming file, line and problem (ragged rows, wrong encoding, broken Parquet …)
 */
export async function describeTable(
  ctx: Context,
  session: TableSession,
  file: { path: string; sha256: string },
): Promise<Table | null> {
  const format = formatOf(file.path)
  if (format === null) return null
  const cache = known.get(ctx.config) ?? new Map<string, Omit<Table, 'path'>>()
  known.set(ctx.config, cache)
  const key = `${file.sha256} ${format.kind} ${format.gzip} ${format.tabs}`
  const remembered = cache.get(key)
  if (remembered !== undefined) return { ...remembered, path: file.path }
  const found = await read(await ctx.blobs.contentPath(file.sha256), file.path, format, session)
  const oldest = cache.keys().next().value
  if (cache.size >= MAX_KNOWN && oldest !== undefined) cache.delete(oldest)
  cache.set(key, found)
  return { ...found, path: file.path }
}

async function read(
  disk: string,
  path: string,
  format: TableFormat,
  session: TableSession,
): Promise<Omit<Table, 'path'>> {
  if (format.kind === 'csv') {
    const dialect = dialectOf(await readHead(disk, path, format.gzip), path, format.gzip, format.tabs)
    const { rows } = await asked(session, path, csvTypesQuery(disk, dialect))
    const [rowCount, ...types] = rows[0] as [number, ...string[]]
    const columns = dialect.columns.map((name, index) => ({ name, type: types[index] ?? 'VARCHAR' }))
    const casts = columns.map(({ name, type }) =>
      type === 'VARCHAR' ? quoteName(name) : `CAST(${quoteName(name)} AS ${type}) AS ${quoteName(name)}`,
    )
    return { format, columns, rowCount, source: `(SELECT ${casts.join(', ')} FROM ${csvAsText(disk, dialect)})` }
  }
  const reader =
    format.kind === 'parquet' ? `read_parquet(${quoteText(disk)})` : jsonReader(disk, format, 'sample_size = -1')
  const described = await asked(session, path, `DESCRIBE SELECT * FROM ${reader}`)
  const columns = described.rows.map((row) => ({ name: String(row[0]), type: String(row[1]) }))
  const source = format.kind === 'parquet' ? reader : jsonReader(disk, format, `columns = ${typedColumns(columns)}`)
  const counted = await asked(session, path, `SELECT count(*) FROM ${source}`)
  return { format, columns, rowCount: Number(counted.rows[0]?.[0]), source }
}

function jsonReader(disk: string, { gzip }: TableFormat, options: string): string {
  return `read_json(${quoteText(disk)}, format = 'newline_delimited', compression = '${gzip ? 'gzip' : 'uncompressed'}', ${options})`
}

/** `{'name': 'TYPE', …}` */
function typedColumns(columns: TableColumn[]): string {
  return `{${columns.map(({ name, type }) => `${quoteText(name)}: ${quoteText(type)}`).join(', ')}}`
}

async function asked(session: TableSession, path: string, sql: string): Promise<TableRows> {
  try {
    return await session.query(sql)
  } catch (error) {
    if (error instanceof TableError) throw unreadable(path, tableProblem(error.message))
    throw error
  }
}

async function readHead(disk: string, path: string, gzip: boolean): Promise<string> {
  const file = createReadStream(disk, gzip ? {} : { end: HEAD_BYTES - 1 })
  const source: Readable = gzip ? file.pipe(createGunzip()) : file
  const parts: Buffer[] = []
  let size = 0
  try {
    for await (const part of source as AsyncIterable<Buffer>) {
      parts.push(part)
      size += part.length
      if (size >= HEAD_BYTES) break
    }
  } catch {
    throw unreadable(path, 'it is called .gz but is not gzip')
  } finally {
    file.destroy()
  }
  return Buffer.concat(parts)
    .subarray(0, HEAD_BYTES)
    .toString('utf8')
    .replace(/^\ufeff/, '')
}

export type RowsPage = { columns: TableColumn[]; rows: Json[][]; total: number }

/**
 * One page of a table, in the file's order or ordered by a column (`name`, or `-name` for descending; ties in file order).
 * Long texts are cut and binary values named by their size.
 * @throws AppError bad_request for a column that the table does not have, or a file that is no table
 */
export async function readPage(
  ctx: Context,
  file: { path: string; sha256: string },
  page: { offset: number; limit: number; orderBy?: string },
): Promise<RowsPage> {
  return ctx.tables.use(async (session) => {
    const table = await describeTable(ctx, session, file)
    if (table === null) throw badRequest(`${file.path} is not a table file (csv, tsv, parquet, jsonl).`, 'file')
    const select = table.columns
      .map(({ name, type }) => `${shown(quoteName(name), type)} AS ${quoteName(name)}`)
      .join(', ')
    const { order, source } = ordered(table, page.orderBy)
    const { rows } = await session.query(
      `SELECT ${select} FROM ${source} ${order} LIMIT ${page.limit} OFFSET ${page.offset}`,
    )
    return { columns: table.columns, rows, total: table.rowCount }
  })
}

function ordered(table: Table, orderBy: string | undefined): { order: string; source: string } {
  if (orderBy === undefined) return { order: '', source: table.source }
  const names = new Set(table.columns.map((column) => column.name))
  const descending = !names.has(orderBy) && orderBy.startsWith('-')
  const name = descending ? orderBy.slice(1) : orderBy
  if (!names.has(name)) throw badRequest(`There is no column "${name.slice(0, 100)}" to order by.`, 'order_by')
  return {
    order: `ORDER BY ${quoteName(name)} ${descending ? 'DESC' : 'ASC'} NULLS LAST, "_ row"`,
    source: `(SELECT *, row_number() OVER () AS "_ row" FROM ${table.source})`,
  }
}

function shown(column: string, type: string): string {
  if (type === 'VARCHAR')
    return `CASE WHEN length(${column}) > ${PREVIEW_TEXT_LENGTH} THEN ${column}[:${PREVIEW_TEXT_LENGTH}] || '…' ELSE ${column} END`
  if (type === 'BLOB') return `'<' || octet_length(${column}) || ' bytes>'`
  return column
}

/**
 * The rows of stored content as objects, as JSON holds them (dates as ISO texts, whole numbers beyond 2^53 as texts, NaN
 * null). `sql` is ours, never a user's: one SELECT over `data`, which has a further column `_row`, the row's number from 0.
 * @param fileName says the format
 * @throws AppError unprocessable when the file cannot be read or the SQL does not fit it
 */
export async function readRows(
  ctx: Context,
  sha256: string,
  fileName: string,
  options: { sql?: string; limit: number },
): Promise<{ columns: TableColumn[]; rows: Record<string, unknown>[] }> {
  return ctx.tables.use(async (session) => {
    const table = await describeTable(ctx, session, { path: fileName, sha256 })
    if (table === null) throw badRequest(`${fileName} is not a table file (csv, tsv, parquet, jsonl).`, 'file')
    const columns = table.columns.map(({ name }) => quoteName(name)).join(', ')
    const data = `SELECT *, row_number() OVER () - 1 AS _row FROM ${table.source}`
    const select = options.sql ?? `SELECT ${columns} FROM data`
    const result = await asked(
      session,
      fileName,
      `WITH data AS (${data}) SELECT * FROM (${select}\n) LIMIT ${options.limit}`,
    )
    const names = result.columns.map((column) => column.name)
    return {
      columns: result.columns,
      rows: result.rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index]]))),
    }
  }, READ_TIMEOUT_MS)
}

/**
 * Stores rows as one Parquet file; the same rows give the same bytes. Column types are DuckDB's; without `columns` they
 * follow from the values (whole numbers BIGINT, other numbers DOUBLE, booleans, else VARCHAR), in order of appearance.
 */
export async function writeParquet(
  ctx: Context,
  project: Project,
  rows: Record<string, unknown>[],
  columns: TableColumn[] = inferColumns(rows),
): Promise<StoredBlob> {
  if (columns.length === 0) throw badRequest('A table needs at least one column.', 'rows')
  return ctx.tables.use(async (session) => {
    const input = join(session.folder, 'rows.jsonl')
    const output = join(session.folder, 'rows.parquet')
    try {
      await writeFile(input, rows.map((row) => `${toLine(row, columns)}\n`).join(''))
      const reader = `read_json(${quoteText(input)}, format = 'newline_delimited', columns = ${typedColumns(columns)})`
      await session.query(`COPY (SELECT * FROM ${reader}) TO ${quoteText(output)} (${PARQUET_OPTIONS})`)
      return await storeContent(ctx, project, createReadStream(output))
    } catch (error) {
      if (!(error instanceof TableError)) throw error
      const message = tableProblem(error.message)
      throw new AppError('unprocessable', `The rows do not fit a table: ${message}.`, { field: 'rows', cause: error })
    } finally {
      await Promise.all([input, output].map((path) => rm(path, { force: true })))
    }
  })
}

/** Said in full, so that another version's defaults do not change the bytes of the same table. */
export const PARQUET_OPTIONS = 'FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3, ROW_GROUP_SIZE 122880'

function toLine(row: Record<string, unknown>, columns: TableColumn[]): string {
  return JSON.stringify(Object.fromEntries(columns.map(({ name, type }) => [name, toValue(row[name], type)])))
}

function toValue(value: unknown, type: string): unknown {
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint') return value.toString()
  if (kindOfType(type) === 'string' && typeof value !== 'string') return JSON.stringify(value)
  return value
}

function inferColumns(rows: Record<string, unknown>[]): TableColumn[] {
  const types = new Map<string, string>()
  for (const row of rows) {
    for (const [name, value] of Object.entries(row)) {
      const type = typeOfValue(value)
      const before = types.get(name) ?? null
      types.set(
        name,
        before === null || before === '' || before === type ? type : type === '' ? before : widen(before, type),
      )
    }
  }
  return [...types].map(([name, type]) => ({ name, type: type === '' ? 'VARCHAR' : type }))
}

function typeOfValue(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return 'BIGINT'
  if (typeof value === 'number') return 'DOUBLE'
  return typeof value === 'boolean' ? 'BOOLEAN' : 'VARCHAR'
}

function widen(a: string, b: string): string {
  return new Set([a, b, 'BIGINT', 'DOUBLE']).size === 2 ? 'DOUBLE' : 'VARCHAR'
}
