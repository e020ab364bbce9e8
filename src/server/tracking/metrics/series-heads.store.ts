import { insertMany } from '../../../db/bulk.ts'
import { type Db, isPostgres } from '../../../db/dialect.ts'
import type { PointColumns } from '../../../db/tables/tracking.ts'
import type { SeriesRow } from './series.store.ts'

/** What a write brings to one series: its newest point, how many go to the tail, and those that go to its row. */
export type NewSeries = Omit<SeriesRow, 'id'>
/** A series that was raised; `recent` when there are enough in its row now for a piece of the tail. */
export type RaisedSeries = Pick<SeriesRow, 'id' | 'run_id' | 'key' | 'tail_points' | 'recent'>

/**
 * So many bytes of points (16 of them, tail-codec.ts) make a piece of a series' tail; fewer lie in its row, which is written
 * with each new point anyway. A longer row would be copied more often than it saves.
 */
export const PIECE_BYTES = 384

const COLUMNS = {
  run_id: 'text',
  key: 'text',
  experiment_id: 'int',
  step: 'int',
  timestamp_ms: 'int',
  value: 'real',
  is_nan: 'int',
  tail_points: 'int',
  recent: 'blob',
} as const
const NEWER =
  '(excluded.step, excluded.timestamp_ms, excluded.value) > (metric_series.step, metric_series.timestamp_ms, metric_series.value)'
const newest = (column: string) =>
  `${column} = CASE WHEN ${NEWER} THEN excluded.${column} ELSE metric_series.${column} END`
const RAISE = `ON CONFLICT (run_id, key) DO UPDATE SET ${['step', 'timestamp_ms', 'value', 'is_nan'].map(newest).join(', ')},
  tail_points = metric_series.tail_points + excluded.tail_points,
  recent = CASE WHEN excluded.recent IS NULL THEN metric_series.recent
    WHEN metric_series.recent IS NULL THEN excluded.recent ELSE JOINED END
  RETURNING id, run_id, key, tail_points, CASE WHEN length(recent) >= ${PIECE_BYTES} THEN recent END AS recent`
const RAISE_ON = {
  postgres: RAISE.replace('JOINED', 'metric_series.recent || excluded.recent'),
  // Its `||` makes text, of the same bytes.
  sqlite: RAISE.replace('JOINED', 'CAST(metric_series.recent || excluded.recent AS BLOB)'),
}

/**
 * Makes series that are not there and moves the latest point of the others forward. One row a series, in the order of
 * (run, key), so that writers cannot deadlock. Locks them until the transaction ends.
 */
export function raiseSeries(db: Db, rows: readonly NewSeries[]): Promise<RaisedSeries[]> {
  const cells = rows.map((row) => Object.keys(COLUMNS).map((column) => row[column as keyof typeof COLUMNS]))
  const suffix = RAISE_ON[isPostgres(db) ? 'postgres' : 'sqlite']
  return insertMany(db, { table: 'metric_series', columns: COLUMNS, suffix }, cells)
}

/** Is `a` a series' latest point, rather than `b`, which was there before? NaN counts as 0, and of equals the first stays. */
export function isNewer(a: PointColumns, b: PointColumns): boolean {
  if (a.step !== b.step) return a.step > b.step
  if (a.timestamp_ms !== b.timestamp_ms) return a.timestamp_ms > b.timestamp_ms
  return a.value > b.value
}
