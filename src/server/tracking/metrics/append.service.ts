import type { PointColumns } from '../../../db/tables/tracking.ts'
import type { WriteTx } from '../../../db/writes.ts'
import { inOrder } from './point-order.ts'
import { DIRECT_POINTS, SEAL_POINTS, sealPoints } from './seal.service.ts'
import { addToTails, type TailRow } from './series.store.ts'
import { isNewer, type NewSeries, raiseSeries } from './series-heads.store.ts'

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
  const tails: TailRow[] = []
  const long: number[] = []
  const byName = new Map(series.map((row) => [`${row.run_id}/${row.key}`, row]))
  for (const { head, points: own } of groups) {
    const row = byName.get(`${head.run_id}/${head.key}`)
    if (row === undefined) throw new Error('A series was neither made nor found.')
    if (own.length >= DIRECT_POINTS) {
      await sealPoints(tx, row.id, inOrder(own), true)
      continue
    }
    for (const point of own) {
      tails.push({
        series_id: row.id,
        step: point.step,
        timestamp_ms: point.timestamp_ms,
        value: point.value,
        is_nan: point.is_nan,
      })
    }
    if (row.tail_points >= SEAL_POINTS) long.push(row.id)
  }
  await addToTails(tx.db, tails)
  return long
}

/** By run and key, in that order; the head has the newest point of each. */
function groupBySeries(points: readonly NewPoint[]): Group[] {
  const groups = new Map<string, Group>()
  for (const point of points) {
    const name = `${point.run_id}/${point.key}`
    const group = groups.get(name)
    if (group === undefined) {
      groups.set(name, { head: { ...point, tail_points: 1 }, points: [point] })
      continue
    }
    group.points.push(point)
    const tailPoints = group.head.tail_points + 1
    if (isNewer(point, group.head)) group.head = { ...point, tail_points: tailPoints }
    group.head.tail_points = tailPoints
  }
  return [...groups.entries()].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, group]) => group)
}
