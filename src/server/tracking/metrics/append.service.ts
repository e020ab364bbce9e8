import type { PointColumns } from '../../../db/tables/tracking.ts'
import type { WriteTx } from '../../../db/writes.ts'
import { inOrder } from './point-order.ts'
import { DIRECT_POINTS, SEAL_POINTS, sealPoints } from './seal.service.ts'
import { clearRecent } from './series.store.ts'
import { isNewer, type NewSeries, PIECE_BYTES, raiseSeries } from './series-heads.store.ts'
import { decodeTail, encodeTail, tailBytes } from './tail-codec.ts'
import { addToTails, type NewPiece } from './tails.ts'

/** A point of a metric of a run, as it is stored. */
export type NewPoint = PointColumns & { run_id: string; key: string; experiment_id: number }

type Group = { head: NewSeries; points: NewPoint[] }

/**
 * Adds points, in the caller's transaction: moves the latest points, fills the tails; many points of one series at once
 * become chunks. Returns the series whose tails have grown long: seal them after the commit.
 */
export async function appendPoints(tx: WriteTx, points: readonly NewPoint[]): Promise<number[]> {
  const groups = groupBySeries(points)
  const series = await raiseSeries(
    tx.db,
    groups.map((group) => group.head),
  )
  const pieces: NewPiece[] = []
  const moved: number[] = []
  const long: number[] = []
  const byName = new Map(series.map((row) => [`${row.run_id}/${row.key}`, row]))
  for (const { head, points: own } of groups) {
    const row = byName.get(`${head.run_id}/${head.key}`)
    if (row === undefined) throw new Error('A series was neither made nor found.')
    if (own.length >= DIRECT_POINTS) {
      await sealPoints(tx, row.id, inOrder(own), true)
      continue
    }
    if (row.recent !== null) {
      pieces.push({ series_id: row.id, number: row.tail_points, points: decodeTail(row.recent) })
      moved.push(row.id)
    }
    if (head.recent === null) pieces.push({ series_id: row.id, number: row.tail_points, points: own })
    if (row.tail_points >= SEAL_POINTS) long.push(row.id)
  }
  await addToTails(tx.db, pieces)
  await clearRecent(tx.db, moved)
  return long
}

/** By run and key, in that order; the head has the newest point of each, and their bytes where they go to the series' row. */
function groupBySeries(points: readonly NewPoint[]): Group[] {
  const groups = new Map<string, Group>()
  for (const point of points) {
    const name = `${point.run_id}/${point.key}`
    const group = groups.get(name)
    if (group === undefined) {
      groups.set(name, { head: { ...point, tail_points: 1, recent: null }, points: [point] })
      continue
    }
    group.points.push(point)
    const tailPoints = group.head.tail_points + 1
    if (isNewer(point, group.head)) group.head = { ...point, tail_points: tailPoints, recent: null }
    group.head.tail_points = tailPoints
  }
  for (const { head, points: own } of groups.values())
    if (tailBytes(own.length) < PIECE_BYTES) head.recent = encodeTail(own)
  return [...groups.entries()].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, group]) => group)
}
