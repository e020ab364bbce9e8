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
 * For charts of several runs, as MLflow samples: at most `maxResults` of the steps that any of them has, evenly spread,
 * with every run's first and last; of each run its points at these steps. Without a range steps begin at 0. The runs come
 * as they were asked for.
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
  const found = await findSeries(ctx, projectId, [...new Set(runIds)], key)
  const steps = await sampledSteps(ctx, found, { from: startStep ?? 0, to: endStep ?? null }, maxResults)
  const sampled = new Map<string, RunPoint[]>()
  for (const series of found) {
    const points: PointColumns[] = []
    for await (const batch of pointsByStep(ctx, series)) points.push(...batch.filter((point) => steps.has(point.step)))
    const kept = evenly(points, Math.max(maxResults, steps.size))
    sampled.set(
      series.runId,
      kept.map((point) => ({ ...pointOf({ ...point, key }), runId: series.runId })),
    )
  }
  return runIds.flatMap((runId) => sampled.get(runId) ?? [])
}

async function sampledSteps(
  ctx: Context,
  found: readonly FoundSeries[],
  range: { from: number; to: number | null },
  maxResults: number,
): Promise<Set<number | bigint>> {
  const isInside = (step: number | bigint) => step >= range.from && (range.to === null || step <= range.to)
  const all = new Set<number | bigint>()
  const kept = new Set<number | bigint>()
  for (const series of found) {
    let first: number | bigint | undefined
    let last: number | bigint | undefined
    for await (const batch of pointsByStep(ctx, series)) {
      first ??= batch[0]?.step
      last = batch.at(-1)?.step ?? last
      for (const { step } of batch) if (isInside(step)) all.add(step)
    }
    for (const end of [first, last]) if (end !== undefined && isInside(end)) kept.add(end)
  }
  const steps = [...all].sort((a, b) => (a < b ? -1 : 1))
  if (steps.length <= maxResults) return all
  for (let i = 0; i < maxResults; i++) kept.add(steps[Math.floor((i * steps.length) / maxResults)] as number | bigint)
  return kept.add(steps.at(-1) as number | bigint)
}

/** At most `limit` of some points at even distances, the first and the last among them (only the last when one is asked for). */
function evenly<T>(points: readonly T[], limit: number): T[] {
  if (points.length <= limit) return [...points]
  if (limit === 1) return points.slice(-1)
  const gap = (points.length - 1) / (limit - 1)
  const places = new Set(Array.from({ length: limit }, (_, i) => roundHalfEven(i * gap)))
  return points.filter((_, index) => places.has(index))
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  if (value - floor !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}
