import type { Context } from '../../context.ts'
import type { PointColumns } from '../../db/tables/tracking.ts'
import { badRequest } from '../../lib/errors.ts'
import { type MetricPoint, pointOf } from './metric-points.ts'
import { decodePointToken, encodePointToken } from './metrics/point-token.ts'
import { findSeries, pointsByStep, pointsByTime } from './metrics/read.service.ts'
import { checkMaxResults } from './runs-search.service.ts'

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
  const { maxResults } = page
  checkMaxResults(maxResults, 1_000_000)
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

/** The whole history, some points at a time: it may be longer than an answer should be held in memory. */
export async function* wholeHistory(
  ctx: Context,
  projectId: string,
  runId: string,
  key: string,
): AsyncGenerator<MetricPoint[]> {
  const [series] = await findSeries(ctx, projectId, [runId], key)
  if (series === undefined) return
  for await (const batch of pointsByTime(ctx, series, null)) yield batch.map((point) => pointOf({ ...point, key }))
}

export type RunPoint = MetricPoint & { runId: string }

/**
 * For charts of several runs: of each at most `maxResults` points by step, evenly spread, first and last always kept.
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
  const sampled: RunPoint[] = []
  for (const series of await findSeries(ctx, projectId, [...new Set(runIds)], search.key)) {
    const points: PointColumns[] = []
    for await (const batch of pointsByStep(ctx, series)) {
      for (const point of batch)
        if (point.step >= (startStep ?? point.step) && point.step <= (endStep ?? point.step)) points.push(point)
    }
    for (const point of evenly(points, search.maxResults))
      sampled.push({ ...pointOf({ ...point, key: search.key }), runId: series.runId })
  }
  return sampled
}

/** At most `limit` of some points, at even distances, the last always among them. */
function evenly<T>(points: readonly T[], limit: number): T[] {
  if (points.length <= limit) return [...points]
  const gap = Math.ceil(points.length / Math.max(1, limit - 1))
  return points.filter((_, index) => index % gap === 0 || index === points.length - 1)
}
