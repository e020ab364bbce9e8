import type { PointColumns } from '../../../db/tables/tracking.ts'

/** The one order of points: step, time, value, NaN (stored as 0 with a flag) behind the number 0. */
export function comparePoints(a: PointColumns, b: PointColumns): number {
  return (
    compare(a.step, b.step) ||
    compare(a.timestamp_ms, b.timestamp_ms) ||
    compare(a.value, b.value) ||
    compare(a.is_nan, b.is_nan)
  )
}

/** The order in which a history is told: time, step, value. */
export function compareByTime(a: PointColumns, b: PointColumns): number {
  return compare(a.timestamp_ms, b.timestamp_ms) || comparePoints(a, b)
}

function compare(a: number | bigint, b: number | bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Sorted, each point once. */
export function inOrder(points: readonly PointColumns[]): PointColumns[] {
  const sorted = [...points].sort(comparePoints)
  return sorted.filter((point, index) => index === 0 || comparePoints(point, sorted[index - 1] as PointColumns) !== 0)
}
