import type { Db } from '../../db/dialect.ts'
import { defineRead } from '../../db/reads.ts'
import type { PointColumns } from '../../db/tables/tracking.ts'
import { type MetricPoint, pointOf } from './metric-points.ts'
import { type FoundSeries, findSeries, pointsByStep, pointsByTime } from './metrics/series.reads.ts'

export type HistoryOf = {
  projectId: string
  runId: string
  key: string
  /** The last point of the page before. */
  after: PointColumns | null
  maxResults: number
}

/** A page of a metric's points by time, step and value; `last` is its last point when more follow. */
export async function historyPage(
  db: Db,
  { projectId, runId, key, after, maxResults }: HistoryOf,
): Promise<{ points: MetricPoint[]; last: PointColumns | null }> {
  const points: MetricPoint[] = []
  let last: PointColumns | null = null
  const [series] = await findSeries(db, projectId, [runId], key)
  if (series === undefined) return { points, last }
  for await (const batch of pointsByTime(db, series, after)) {
    for (const point of batch) {
      if (points.length === maxResults) return { points, last }
      points.push(pointOf({ ...point, key }))
      last = point
    }
  }
  return { points, last: null }
}

export type RunPoint = MetricPoint & { runId: string }
export type SampleOf = {
  projectId: string
  runIds: readonly string[]
  key: string
  startStep?: number
  endStep?: number
  maxResults: number
}

/** Of each run at most `maxResults` points by step, the first of so many even buckets and the last point; in their order. */
export const sampledPoints = defineRead(
  import.meta.url,
  'sampledPoints',
  async (db, { projectId, runIds, key, startStep, endStep, maxResults }: SampleOf): Promise<RunPoint[]> => {
    const range = { from: startStep ?? Number.NEGATIVE_INFINITY, to: endStep ?? Number.POSITIVE_INFINITY }
    const sampled = new Map<string, RunPoint[]>()
    for (const series of await findSeries(db, projectId, [...new Set(runIds)], key)) {
      const points: RunPoint[] = []
      for await (const point of evenly(db, series, range, maxResults))
        points.push({ ...pointOf({ ...point, key }), runId: series.runId })
      sampled.set(series.runId, points)
    }
    return runIds.flatMap((runId) => sampled.get(runId) ?? [])
  },
)

type StepRange = { from: number; to: number }

/** Read twice, first to count: points of a long series are many, those that are kept few. */
async function* evenly(db: Db, series: FoundSeries, range: StepRange, limit: number): AsyncGenerator<PointColumns> {
  let total = 0
  for await (const points of pointsInRange(db, series, range)) total += points.length
  const places = new Set(bucketStarts(total, limit))
  let index = 0
  for await (const points of pointsInRange(db, series, range))
    for (const point of points) if (places.has(index++)) yield point
}

async function* pointsInRange(db: Db, series: FoundSeries, range: StepRange): AsyncGenerator<PointColumns[]> {
  for await (const points of pointsByStep(db, series))
    yield points.filter((point) => point.step >= range.from && point.step <= range.to)
}

/** Where the buckets of SQL's NTILE begin (the first ones are longer by one), the last place in the stead of the last start. */
function bucketStarts(total: number, buckets: number): number[] {
  if (total <= buckets) return Array.from({ length: total }, (_, index) => index)
  const size = Math.floor(total / buckets)
  const longer = total % buckets
  const starts = Array.from({ length: buckets }, (_, bucket) => bucket * size + Math.min(bucket, longer))
  return [...starts.slice(0, -1), total - 1]
}
