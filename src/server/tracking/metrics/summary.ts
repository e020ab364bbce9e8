import type { PointColumns } from '../../../db/tables/tracking.ts'

/**
 * The corners of a chunk (first, last, least, greatest of each stretch of `STRETCH` points), kept beside it, so that a
 * chart of a long series reads a hundredth of its bytes.
 */
export const STRETCH = 256
const CORNERS = 4
const FIELDS = 3

/** A point as charts draw it: doubles, NaN for NaN. */
export type PlainPoint = { step: number; timestampMs: number; value: number }

/** Null for a chunk that is not longer than a stretch. */
export function summaryOf(points: readonly PointColumns[]): Buffer | null {
  if (points.length <= STRETCH) return null
  const stretches = Math.ceil(points.length / STRETCH)
  const numbers = new Float64Array(stretches * CORNERS * FIELDS)
  for (let stretch = 0; stretch < stretches; stretch++) {
    const part = points.slice(stretch * STRETCH, (stretch + 1) * STRETCH).map(plainPoint)
    for (const [corner, point] of cornersOf(part).entries()) {
      numbers.set([point.step, point.timestampMs, point.value], (stretch * CORNERS + corner) * FIELDS)
    }
  }
  return Buffer.from(numbers.buffer)
}

/** The corners of every stretch, in their order; four a stretch, some of them the same point. */
export function readSummary(summary: Uint8Array): PlainPoint[][] {
  const numbers = new Float64Array(summary.buffer.slice(summary.byteOffset, summary.byteOffset + summary.byteLength))
  const stretches: PlainPoint[][] = []
  for (let at = 0; at < numbers.length; at += CORNERS * FIELDS) {
    const stretch: PlainPoint[] = []
    for (let corner = at; corner < at + CORNERS * FIELDS; corner += FIELDS) {
      const [step = 0, timestampMs = 0, value = 0] = numbers.subarray(corner, corner + FIELDS)
      stretch.push({ step, timestampMs, value })
    }
    stretches.push(stretch)
  }
  return stretches
}

/** A stored point as charts draw it. */
export function plainPoint(point: PointColumns): PlainPoint {
  return {
    step: Number(point.step),
    timestampMs: Number(point.timestamp_ms),
    value: point.is_nan === 1 ? Number.NaN : point.value,
  }
}

/** Always four, in their order: a point that is several of them comes several times. */
function cornersOf(points: readonly PlainPoint[]): PlainPoint[] {
  return cornerIndexes(points)
    .sort((a, b) => a - b)
    .map((index) => points[index] as PlainPoint)
}

/** First, least, greatest and last of some points, each once, in their order. At least one point. */
export function corners(points: readonly PlainPoint[]): PlainPoint[] {
  if (points.length <= CORNERS) return [...points]
  return [...new Set(cornerIndexes(points))].sort((a, b) => a - b).map((index) => points[index] as PlainPoint)
}

function cornerIndexes(points: readonly PlainPoint[]): number[] {
  let least = -1
  let greatest = -1
  for (let index = 0; index < points.length; index++) {
    const value = (points[index] as PlainPoint).value
    if (Number.isNaN(value)) continue
    if (least < 0 || value < (points[least] as PlainPoint).value) least = index
    if (greatest < 0 || value > (points[greatest] as PlainPoint).value) greatest = index
  }
  return [0, Math.max(least, 0), Math.max(greatest, 0), points.length - 1]
}
