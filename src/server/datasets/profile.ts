import type { Json } from '@duckdb/node-api'
import { kindOfType, quoteName } from './formats.ts'
import type { TableSession } from './table-process.ts'
import type { Table } from './tables.service.ts'

export type Bin = { from: number; to: number; count: number }
export type TopValue = { value: string | number | boolean; count: number }

/** What a column holds. NaN counts as null; infinite values count in nothing but `distinct_count`. */
export type ColumnProfile = {
  name: string
  /** DuckDB's name. */
  type: string
  kind: 'number' | 'string' | 'boolean' | 'datetime' | 'other'
  null_count: number
  /** Exact up to a million rows, beyond that an estimate within a few per cent. */
  distinct_count: number
  /** Numbers as numbers, dates as ISO texts, texts cut to 200 characters. */
  min: number | string | null
  max: number | string | null
  mean: number | null
  /** Of the sample (n − 1). */
  std: number | null
  /** At 5, 25, 50, 75 and 95 %, interpolated; estimated beyond a million rows. */
  quantiles: number[] | null
  /** 20 equal bins from min to max; a value on an edge counts in the lower one. */
  histogram: Bin[] | null
  /** The 20 most frequent values: of texts, booleans, and numbers with at most 20 different ones. */
  top: TopValue[] | null
}

export type FileProfile = {
  path: string
  format: 'csv' | 'parquet' | 'json'
  row_count: number
  columns: ColumnProfile[]
}

const EXACT_ROWS = 1_000_000
const BINS = 20
const TOP = 20
const TEXT_LENGTH = 200
const COLUMNS_PER_QUERY = 40
const QUANTILES = '[0.05, 0.25, 0.5, 0.75, 0.95]'

/** Profiles one table in three scans of each group of 40 columns: aggregates, histograms, frequent values. */
export async function profileTable(session: TableSession, table: Table): Promise<FileProfile> {
  // Text formats are parsed once into a temporary table; Parquet is columnar already.
  const relation = table.format.kind === 'parquet' ? table.source : 'profiled'
  if (relation === 'profiled')
    await session.query(`CREATE OR REPLACE TEMP TABLE profiled AS SELECT * FROM ${table.source}`)
  const columns: ColumnProfile[] = []
  for (let at = 0; at < table.columns.length; at += COLUMNS_PER_QUERY) {
    const group = await aggregate(session, relation, table, at)
    await addHistograms(session, relation, group)
    await addTopValues(session, relation, group)
    columns.push(...group)
  }
  if (relation === 'profiled') await session.query('DROP TABLE profiled')
  return { path: table.path, format: table.format.kind, row_count: table.rowCount, columns }
}

/** The column as numbers that can be counted with: no NaN, nothing infinite. */
function finite(name: string): string {
  const value = `CAST(${quoteName(name)} AS DOUBLE)`
  return `CASE WHEN isfinite(${value}) THEN ${value} END`
}

function present(name: string, type: string): string {
  const column = quoteName(name)
  return type === 'DOUBLE' || type === 'FLOAT' ? `CASE WHEN NOT isnan(${column}) THEN ${column} END` : column
}

/** Each column asks for the same seven values, so that the answer is read in sevens. */
function aggregatesOf(name: string, type: string, exact: boolean): string[] {
  const kind = kindOfType(type)
  const value = present(name, type)
  const counted = kind === 'other' ? `CAST(${value} AS VARCHAR)` : value
  const counts = [
    `count(*) - count(${value})`,
    exact ? `count(DISTINCT ${counted})` : `approx_count_distinct(${counted})`,
  ]
  if (kind === 'number') {
    const x = finite(name)
    // Squares of values beyond 1e150 are no doubles any more, and DuckDB refuses instead of answering infinity.
    const std = `stddev_samp(${x}) FILTER (abs(${x}) < 1e150)`
    const quantiles = exact ? `quantile_cont(${x}, ${QUANTILES})` : `approx_quantile(${x}, ${QUANTILES})`
    return [...counts, `min(${x})`, `max(${x})`, `avg(${x})`, std, quantiles]
  }
  const ends =
    kind === 'string'
      ? [`left(CAST(min(${value}) AS VARCHAR), ${TEXT_LENGTH})`, `left(CAST(max(${value}) AS VARCHAR), ${TEXT_LENGTH})`]
      : kind === 'datetime'
        ? [`min(${value})`, `max(${value})`]
        : ['NULL', 'NULL']
  return [...counts, ...ends, 'NULL', 'NULL', 'NULL']
}

async function aggregate(session: TableSession, relation: string, table: Table, at: number): Promise<ColumnProfile[]> {
  const columns = table.columns.slice(at, at + COLUMNS_PER_QUERY)
  const asked = columns.flatMap(({ name, type }) => aggregatesOf(name, type, table.rowCount <= EXACT_ROWS))
  const row = (await session.query(`SELECT ${asked.join(', ')} FROM ${relation}`)).rows[0] ?? []
  return columns.map(({ name, type }, index) => {
    const [nulls, distinct, min, max, mean, std, quantiles] = row.slice(index * 7, index * 7 + 7)
    return {
      name,
      type,
      kind: kindOfType(type),
      null_count: Number(nulls ?? 0),
      distinct_count: Number(distinct ?? 0),
      min: endOf(min),
      max: endOf(max),
      mean: numberOf(mean),
      std: numberOf(std),
      quantiles: Array.isArray(quantiles) && quantiles.every((value) => typeof value === 'number') ? quantiles : null,
      histogram: null,
      top: null,
    }
  })
}

async function addHistograms(session: TableSession, relation: string, columns: ColumnProfile[]): Promise<void> {
  const drawn: { column: ColumnProfile; edges: number[] }[] = []
  for (const column of columns) {
    if (column.kind !== 'number' || typeof column.min !== 'number' || typeof column.max !== 'number') continue
    const edges = edgesOf(column.min, column.max)
    if (edges.length > 0) drawn.push({ column, edges })
  }
  if (drawn.length === 0) return
  // toExponential: a literal like 0.3 would be a DECIMAL, 3e-1 is the very double that we mean.
  const asked = drawn.map(({ column, edges }) => {
    const ends = edges.slice(1).map((edge) => edge.toExponential())
    return `histogram(${finite(column.name)}, [${ends.join(', ')}])`
  })
  const row = (await session.query(`SELECT ${asked.join(', ')} FROM ${relation}`)).rows[0] ?? []
  for (const [index, { column, edges }] of drawn.entries()) {
    const counts = new Map((row[index] as { key: number; value: number }[]).map(({ key, value }) => [key, value]))
    column.histogram = edges.slice(1).map((to, bin) => ({ from: edges[bin] ?? to, to, count: counts.get(to) ?? 0 }))
  }
}

/** The edges of the bins; one bin from and to the value when all are equal, none when the range has no middle that is a double. */
function edgesOf(min: number, max: number): number[] {
  if (min === max) return [min, max]
  const width = (max - min) / BINS
  const edges = Array.from({ length: BINS + 1 }, (_, index) => (index === BINS ? max : min + index * width))
  return edges.every((edge, index) => Number.isFinite(edge) && (index === 0 || edge > (edges[index - 1] ?? edge)))
    ? edges
    : []
}

async function addTopValues(session: TableSession, relation: string, columns: ColumnProfile[]): Promise<void> {
  const asked = columns.filter(
    ({ kind, distinct_count }) =>
      kind === 'string' || kind === 'boolean' || (kind === 'number' && distinct_count <= TOP),
  )
  if (asked.length === 0) return
  const selects = asked.map(({ name, type }, index) => {
    const value = present(name, type)
    return `(SELECT ${index}, left(CAST(${value} AS VARCHAR), ${TEXT_LENGTH}), count(*) AS n FROM ${relation} WHERE ${value} IS NOT NULL GROUP BY ${value} ORDER BY n DESC, ${value} LIMIT ${TOP})`
  })
  const { rows } = await session.query(selects.join(' UNION ALL '))
  for (const [index, column] of asked.entries()) {
    column.top = rows
      .filter((row) => row[0] === index)
      .map((row) => ({ value: typedValue(String(row[1]), column.kind), count: Number(row[2]) }))
      .sort((a, b) => b.count - a.count)
  }
}

function typedValue(text: string, kind: ColumnProfile['kind']): string | number | boolean {
  if (kind === 'boolean') return text === 'true'
  return kind === 'number' && Number.isFinite(Number(text)) ? Number(text) : text
}

function numberOf(value: Json | undefined): number | null {
  return typeof value === 'number' ? value : null
}

function endOf(value: Json | undefined): number | string | null {
  return typeof value === 'number' || typeof value === 'string' ? value : null
}
