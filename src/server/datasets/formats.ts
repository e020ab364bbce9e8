/** Table files that the platform reads. Anything else is kept and handed out, but not looked into. */
export type TableFormat = { kind: 'csv' | 'parquet' | 'json'; gzip: boolean; tabs: boolean }

const KINDS: Record<string, TableFormat['kind']> = {
  csv: 'csv',
  tsv: 'csv',
  parquet: 'parquet',
  jsonl: 'json',
  ndjson: 'json',
}

/** The format that a file's name says (content on disk has no name); null when it is no table of ours. */
export function formatOf(path: string): TableFormat | null {
  const found = /\.(csv|tsv|parquet|jsonl|ndjson)(\.gz)?$/i.exec(path)
  const extension = found?.[1]?.toLowerCase()
  const kind = extension === undefined ? undefined : KINDS[extension]
  if (kind === undefined) return null
  const gzip = found?.[2] !== undefined
  if (kind === 'parquet' && gzip) return null
  return { kind, gzip, tabs: extension === 'tsv' }
}

/** An SQL string literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** An SQL identifier. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** The name of a file without folders and without the extensions of its format: `a/train.csv.gz` → `train`. */
export function fileStem(path: string): string {
  return (path.split('/').at(-1) ?? path).replace(/\.(csv|tsv|parquet|jsonl|ndjson)(\.gz)?$/i, '')
}

/** What a column of this DuckDB type is to a person who looks at it. */
export function kindOfType(type: string): 'number' | 'string' | 'boolean' | 'datetime' | 'other' {
  if (/[[\]]|^(STRUCT|MAP|UNION)\b/.test(type)) return 'other'
  if (/^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DECIMAL|FLOAT|DOUBLE|BIGNUM)\b/.test(type)) return 'number'
  if (/^(VARCHAR|ENUM|UUID)\b/.test(type)) return 'string'
  if (type === 'BOOLEAN') return 'boolean'
  if (/^(DATE|TIMESTAMP)\b/.test(type)) return 'datetime'
  return 'other'
}
