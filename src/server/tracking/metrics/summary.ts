import type { PointColumns } from '../../../db/tables/tracking.ts'

/**
 * The corners of a chunk (first, last, least, greatest of each stretch of `STRETCH` points), kept beside it, so that a
 * chart of a long series reads a hundredth of its bytes.
 */
export const STRETCH = 256
export const CORNERS = 4
/** Numbers of a point in a row of points: step, time in milliseconds, value (NaN for NaN). */
export const FIELDS = 3

/** A point as charts draw it: doubles, NaN for NaN. */
export type PlainPoint = { step: number; timestampMs: number; value: number }

/** A stored point as charts draw it. */
export function plainPoint(point: PointColumns): PlainPoint {
  return {
    step: Number(point.step),
    timestampMs: Number(point.timestamp_ms),
    value: point.is_nan === 1 ? Number.NaN : point.value,
  }
}

/** Stored points as a row of numbers. */
export function plainRow(points: readonly PointColumns[]): Float64Array {
  const row = new Float64Array(points.length * FIELDS)
  let at = 0
  for (const { step, timestamp_ms, value, is_nan } of points) {
    row[at++] = Number(step)
    row[at++] = Number(timestamp_ms)
    row[at++] = is_nan === 1 ? Number.NaN : value
  }
  return row
}

/**
 * Four points of every stretch as a row of numbers, in their order: a point that is several corners comes several times.
 * Null for a chunk that is not longer than a stretch.
 */
export function summaryOf(points: readonly PointColumns[]): Buffer | null {
  if (points.length <= STRETCH) return null
  const row = plainRow(points)
  const numbers = new Float64Array(Math.ceil(points.length / STRETCH) * CORNERS * FIELDS)
  let to = 0
  for (let from = 0; from < row.length; from += STRETCH * FIELDS) {
    const stretch = row.subarray(from, from + STRETCH * FIELDS)
    for (const place of cornerPlaces(stretch)) {
      numbers.set(stretch.subarray(place, place + FIELDS), to)
      to += FIELDS
    }
  }
  return Buffer.from(numbers.buffer)
}

/** The corners of every stretch, as `summaryOf` wrote them. PostgreSQL's driver may give bytes that lie askew: those are copied. */
export function readSummary({ buffer, byteOffset, byteLength }: Uint8Array): Float64Array {
  const isAligned = byteOffset % Float64Array.BYTES_PER_ELEMENT === 0
  if (isAligned) return new Float64Array(buffer, byteOffset, byteLength / Float64Array.BYTES_PER_ELEMENT)
  return new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength))
}

/** Where first, least, greatest and last of some points begin in their row, in rising order; at least one point. */
export function cornerPlaces(row: Float64Array): number[] {
  let least = -1
  let greatest = -1
  for (let at = 0; at < row.length; at += FIELDS) {
    const value = row[at + 2] as number
    if (Number.isNaN(value)) continue
    if (least < 0 || value < (row[least + 2] as number)) least = at
    if (greatest < 0 || value > (row[greatest + 2] as number)) greatest = at
  }
  const [a, b] = [Math.max(least, 0), Math.max(greatest, 0)]
  return [0, Math.min(a, b), Math.max(a, b), row.length - FIELDS]
}
