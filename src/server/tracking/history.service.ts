import type { Context } from '../../context.ts'
import type { PointColumns } from '../../db/tables/tracking.ts'
import { badRequest } from '../../lib/errors.ts'
import { type MetricPoint, pointOf } from './metric-points.ts'
import { decodePointToken, encodePointToken } from './metrics/point-token.ts'
import { type FoundSeries, findSeries, pointsByStep, pointsByTime } from './metrics/read.service.ts'
import { checkMaxResults } from './runs-search.service.ts'

/** A longer page is cut here, with a token for the rest. */
const MAX_PAGE = 100_000

/**
 * A page of a metric's points by time, step and value; none for an unknown run or key.
 * @throws AppError bad_request (max_results, page_token)
 */
export async function metricHistory(
  ctx: Context,
  projectId: string,
  runId: string,
  key: string,
  page: { maxResults: number; pageToken?: string },
): Promise<{ points: MetricPoint[]; nextPageToken: string | null }> {
  checkMaxResults(page.maxResults, Number.MAX_SAFE_INTEGER)
  const maxResults = Math.min(page.maxResults, MAX_PAGE)
  const after = decodePointToken(page.pageToken)
  const points: MetricPoint[] = []
  let last: PointColumns | null = null
  const [series] = await findSeries(ctx, projectId, [runId], key)
  if (series === undefined) return { points, nextPageToken: null }
  for await (const batch of pointsByTime(ctx, series, after)) {
    for (const point of batch) {
      if (points.length === maxResults) return { points, nextPageToken: last === null ? null : encodePointToken(last) }
      points.push(pointOf({ ...point, key }))
      last = point
    }
  }
  return { points, nextPageToken: null }
}

/**
 * The whole history from a token on, some points at a time: it may be longer than an answer should be held in memory.
 * @throws AppError bad_request (page_token)
 */
export function wholeHistory(
  ctx: Context,
  projectId: string,
  runId: string,
  key: string,
  pageToken: string | undefined,
): AsyncGenerator<MetricPoint[]> {
  return batchesBehind(ctx, projectId, runId, key, decodePointToken(pageToken))
}

async function* batchesBehind(
  ctx: Context,
  projectId: string,
  runId: string,
  key: string,
  after: PointColumns | null,
): AsyncGenerator<MetricPoint[]> {
  const [series] = await findSeries(ctx, projectId, [runId], key)
  if (series === undefined) return
  for await (const batch of pointsByTime(ctx, series, after)) yield batch.map((point) => pointOf({ ...point, key }))
}

export type RunPoint = MetricPoint & { runId: string }

/**
 * For charts of several runs, as MLflow samples: of each run at most `maxResults` points by step, the first of so many
 * even buckets, the last point always among them. The runs come as they were asked for.
 * @throws AppError bad_request (more than 100 runs, steps, max_results)
 */
export async function sampledHistory(
  ctx: Context,
  projectId: string,
  search: { runIds: readonly string[]; key: string; startStep?: number; endStep?: number; maxResults: number },
): Promise<RunPoint[]> {
  const { runIds, startStep, endStep } = search
  if (runIds.length === 0 || runIds.length > 100) {
    throw badRequest(
      `GetMetricHistoryBulkInterval request must specify 1 to 100 run_ids. Received ${runIds.length}.`,
      'run_ids',
    )
  }
  checkMaxResults(search.maxResults, 2_500)
  if ((startStep === undefined) !== (endStep === undefined)) {
    throw badRequest('If either start step or end step are specified, both must be specified.', 'start_step')
  }
  if (startStep !== undefined && endStep !== undefined && startStep > endStep) {
    throw badRequest(
      `end_step must be greater than start_step. Found start_step=${startStep} and end_step=${endStep}.`,
      'end_step',
    )
  }
  const { key, maxResults } = search
  const range = { from: startStep ?? Number.NEGATIVE_INFINITY, to: endStep ?? Number.POSITIVE_INFINITY }
  const sampled = new Map<string, RunPoint[]>()
  for (const series of await findSeries(ctx, projectId, [...new Set(runIds)], key)) {
    const points: RunPoint[] = []
    for await (const point of evenly(ctx, series, range, maxResults))
      points.push({ ...pointOf({ ...point, key }), runId: series.runId })
    sampled.set(series.runId, points)
  }
  return runIds.flatMap((runId) => sampled.get(runId) ?? [])
}

type StepRange = { from: number; to: number }

/** Read twice, first to count: points of a long series are many, those that are kept few. */
async function* evenly(
  ctx: Context,
  series: FoundSeries,
  range: StepRange,
  limit: number,
): AsyncGenerator<PointColumns> {
  let total = 0
  for await (const points of pointsInRange(ctx, series, range)) total += points.length
  const places = new Set(bucketStarts(total, limit))
  let index = 0
  for await (const points of pointsInRange(ctx, series, range))
    for (const point of points) if (places.has(index++)) yield point
}

async function* pointsInRange(ctx: Context, series: FoundSeries, range: StepRange): AsyncGenerator<PointColumns[]> {
  for await (const points of pointsByStep(ctx, series))
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
