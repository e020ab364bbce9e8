import { quoteName, quoteText } from './formats.ts'
import { unreadable } from './table-problems.ts'

/** How a CSV file is written: found from its first record only, so that a ragged file is never read as something else. */
export type CsvDialect = { delimiter: string; columns: string[]; gzip: boolean }

const DELIMITERS = [',', ';', '\t', '|']
const MAX_COLUMNS = 10_000

/**
 * The dialect of a CSV file from its beginning. The first record is the header; the delimiter is the candidate that
 * splits it into most names. DuckDB's own sniffer is not asked: it reads a ragged `a,b,c` file as one column called
 * "a,b,c", and skips rows until one fits.
 * @param head the first characters of the file, decoded, without a byte order mark
 * @throws AppError unprocessable naming the file for an empty file, a duplicate or unfinished header
 */
export function dialectOf(head: string, path: string, gzip: boolean, tabs: boolean): CsvDialect {
  if (head.trim() === '') throw unreadable(path, 'it is empty; the first line must name the columns')
  const candidates = (tabs ? ['\t'] : DELIMITERS).map((delimiter) => ({
    delimiter,
    fields: firstRecord(head, delimiter),
  }))
  const best = candidates.reduce((a, b) => ((b.fields?.length ?? 0) > (a.fields?.length ?? 0) ? b : a))
  if (best.fields === null) throw unreadable(path, 'its first line has a quote that never ends')
  if (best.fields.length > MAX_COLUMNS)
    throw unreadable(path, `it has ${best.fields.length} columns; at most ${MAX_COLUMNS} are read`)
  const columns = best.fields.map((name, index) => (name.trim() === '' ? `column${index}` : name.trim()))
  const seen = new Map<string, string>()
  for (const name of columns) {
    const before = seen.get(name.toLowerCase())
    if (before !== undefined) {
      throw unreadable(
        path,
        before === name
          ? `its header names the column "${name}" twice`
          : `its columns "${before}" and "${name}" differ in case only`,
      )
    }
    seen.set(name.toLowerCase(), name)
  }
  return { delimiter: best.delimiter, columns, gzip }
}

/** The fields of the first record (RFC 4180), or null when a quote does not end within `text`. */
function firstRecord(text: string, delimiter: string): string[] | null {
  const fields: string[] = []
  let field = ''
  let at = 0
  while (at < text.length) {
    if (field === '' && text[at] === '"') {
      const end = closingQuote(text, at + 1)
      if (end < 0) return null
      field = text.slice(at + 1, end).replaceAll('""', '"')
      at = end + 1
    }
    const ch = text[at]
    if (ch === undefined || ch === '\n' || ch === '\r') break
    if (ch === delimiter) {
      fields.push(field)
      field = ''
    } else field += ch
    at += 1
  }
  return [...fields, field]
}

function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 2)) {
    if (text[at + 1] !== '"') return at
  }
  return -1
}

/** A table function that reads the file strictly, every column as text. */
export function csvAsText(path: string, dialect: CsvDialect): string {
  const columns = dialect.columns.map((name) => `${quoteText(name)}: 'VARCHAR'`).join(', ')
  return (
    `read_csv(${quoteText(path)}, auto_detect = false, header = true, delim = ${quoteText(dialect.delimiter)}, quote = '"', escape = '"', ` +
    `comment = '', strict_mode = true, ignore_errors = false, null_padding = false, compression = '${dialect.gzip ? 'gzip' : 'none'}', columns = {${columns}})`
  )
}

/** Types a CSV column may have, the narrowest first; the test of each is exact, unlike CAST, which reads '1.5' as 2. */
const TYPES: { type: string; test: (column: string) => string }[] = [
  {
    type: 'BIGINT',
    test: (c) => `regexp_full_match(trim(${c}), '[+-]?[0-9]+') AND TRY_CAST(${c} AS BIGINT) IS NOT NULL`,
  },
  { type: 'DOUBLE', test: (c) => `NOT contains(${c}, '_') AND TRY_CAST(${c} AS DOUBLE) IS NOT NULL` },
  { type: 'BOOLEAN', test: (c) => `lower(trim(${c})) IN ('true', 'false')` },
  {
    type: 'DATE',
    test: (c) => `regexp_full_match(trim(${c}), '[0-9]{4}-[0-9]{2}-[0-9]{2}') AND TRY_CAST(${c} AS DATE) IS NOT NULL`,
  },
  {
    type: 'TIMESTAMP',
    test: (c) =>
      `regexp_full_match(trim(${c}), '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+)?') AND TRY_CAST(${c} AS TIMESTAMP) IS NOT NULL`,
  },
  {
    type: 'TIMESTAMPTZ',
    test: (c) =>
      `regexp_full_match(trim(${c}), '[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+(Z|[+-][0-9:]+)') AND TRY_CAST(${c} AS TIMESTAMPTZ) IS NOT NULL`,
  },
]

/** One query that reads every cell: the number of rows, then per column the name of the narrowest type that holds all of it. */
export function csvTypesQuery(path: string, dialect: CsvDialect): string {
  const choices = dialect.columns.map((name) => {
    const column = quoteName(name)
    // bool_and over no value at all is NULL: an empty column is text.
    const whens = TYPES.map(
      ({ type, test }) => `WHEN bool_and(${test(column)}) FILTER (${column} IS NOT NULL) THEN '${type}'`,
    )
    return `CASE ${whens.join(' ')} ELSE 'VARCHAR' END`
  })
  return `SELECT count(*), ${choices.join(', ')} FROM ${csvAsText(path, dialect)}`
}
