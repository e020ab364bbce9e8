/** One point of a metric. `value` may be NaN; `step` and the time may go beyond 2^53. */
export type MetricPoint = { key: string; value: number; timestampMs: number | bigint; step: number | bigint }

type Row = {
  run_id: string
  key: string
  step: number | bigint
  timestamp_ms: number | bigint
  value: number
  is_nan: number
}

/** How a point is stored: NaN as 0 with a flag (SQLite has no NaN), infinities as the greatest finite numbers. */
export function metricRow(runId: string, point: MetricPoint): Row {
  const nan = Number.isNaN(point.value)
  return {
    run_id: runId,
    key: point.key,
    step: point.step,
    timestamp_ms: point.timestampMs,
    value: nan ? 0 : Math.min(Math.max(point.value, -Number.MAX_VALUE), Number.MAX_VALUE),
    is_nan: nan ? 1 : 0,
  }
}

export function pointOf(row: Omit<Row, 'run_id'>): MetricPoint {
  return {
    key: row.key,
    value: row.is_nan === 1 ? Number.NaN : row.value,
    timestampMs: row.timestamp_ms,
    step: row.step,
  }
}
