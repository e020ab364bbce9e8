import type { Context } from '../../../context.ts'
import type { PointColumns } from '../../../db/tables/tracking.ts'
import { comparePoints } from './point-order.ts'
import { decodePointToken, encodePointToken } from './point-token.ts'
import { pointsOf, sealedColumns } from './series.reads.ts'
import * as store from './series.store.ts'
import { type PlainPoint, plainPoint } from './summary.ts'
import { tailBehind } from './tails.ts'

/** The last point that a viewer has of each metric; null: none yet. */
export type Cursor = ReadonlyMap<string, PointColumns | null>
export type NewPoints = { key: string; points: PlainPoint[] }

/** A viewer that was away for longer gets so many points of a metric, and asks for the picture anew for the rest. */
const MAX_POINTS = 5_000

/** Where a viewer stands who has seen everything there is. */
export async function newestCursor(ctx: Context, runId: string, keys: readonly string[]): Promise<Cursor> {
  const rows = await store.latestOfKeys(ctx.db, runId, keys)
  const newest = new Map(rows.map((row) => [row.key, row]))
  return new Map(keys.map((key) => [key, newest.get(key) ?? null]))
}

/**
 * The points of some metrics of a run that lie behind a cursor in the order (step, time, value), and the cursor behind
 * them. What is read is what is new: the history before it is not touched. A point that comes late, before the cursor, is
 * seen when the picture is drawn anew.
 */
export async function pointsBehind(
  ctx: Context,
  runId: string,
  cursor: Cursor,
): Promise<{ fresh: NewPoints[]; cursor: Cursor }> {
  const fresh: NewPoints[] = []
  const next = new Map(cursor)
  for (const series of await store.latestOfKeys(ctx.db, runId, [...cursor.keys()])) {
    const after = cursor.get(series.key) ?? null
    if (after !== null && comparePoints(series, after) <= 0) continue
    const points = await behind(ctx, series.id, after)
    const last = points.at(-1)
    if (last === undefined) continue
    fresh.push({ key: series.key, points: points.map(plainPoint) })
    next.set(series.key, last)
  }
  return { fresh, cursor: next }
}

async function behind(ctx: Context, seriesId: number, after: PointColumns | null): Promise<PointColumns[]> {
  const isNew = (point: PointColumns) => after === null || comparePoints(point, after) > 0
  // The tail first: what is sealed in between is then seen twice, and dropped below, but never missed.
  const tail = await tailBehind(ctx.db, seriesId, after)
  const points: PointColumns[] = []
  const from = await store.firstChunkReaching(ctx.db, seriesId, after)
  if (from !== undefined) {
    for await (const columns of sealedColumns(ctx.db, seriesId, from)) {
      points.push(...pointsOf(columns).filter(isNew))
      if (points.length >= MAX_POINTS) return points.slice(0, MAX_POINTS)
    }
  }
  const last = points.at(-1)
  return [...points, ...tail.filter((point) => last === undefined || comparePoints(point, last) > 0)].slice(
    0,
    MAX_POINTS,
  )
}

/** A cursor as an event's id: a viewer that was cut off goes on there. */
export function encodeCursor(cursor: Cursor): string {
  const places = [...cursor].map(([key, point]) => [key, point === null ? '' : encodePointToken(point)])
  return Buffer.from(JSON.stringify(places)).toString('base64url')
}

/** Null for an id that is no cursor of these keys. */
export function decodeCursor(text: string, keys: readonly string[]): Cursor | null {
  try {
    const places = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as [unknown, unknown][]
    const cursor = new Map(places.map(([key, token]) => [String(key), decodePointToken(String(token))]))
    return keys.every((key) => cursor.has(key)) && cursor.size === keys.length ? cursor : null
  } catch {
    return null
  }
}
