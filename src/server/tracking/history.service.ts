import type { Context } from '../../context.ts'
import { badRequest } from '../../lib/errors.ts'
import { decodePageToken, encodePageToken } from '../../lib/page-token.ts'
import * as store from './history.store.ts'
import { type MetricPoint, pointOf } from './metric-points.ts'
import { checkMaxResults } from './runs-search.service.ts'

/** Points of one read while a long history is thinned; between two reads other requests get their turn. */
const READ_POINTS = 20_000

/**
 * A metric's points by time, step and value; none for an unknown run or key. Without `maxResults` all of them.
 * @throws AppError bad_request (max_results, page_token)
 */
export async function metricHistory(
  ctx: Context,
  projectId: string,
  runId: string,
  key: string,
  page: { maxResults?: number; pageToken?: string } = {},
): Promise<{ points: MetricPoint[]; nextPageToken: string | null }> {
  const { maxResults } = page
  if (maxResults === undefined) {
    const all = await store.pointsByTime(ctx.db, projectId, runId, key, { offset: 0, limit: null })
    return { points: all.map(pointOf), nextPageToken: null }
  }
  checkMaxResults(maxResults, 1_000_000)
  const offset = decodePageToken(page.pageToken)
  const rows = await store.pointsByTime(ctx.db, projectId, runId, key, { offset, limit: maxResults + 1 })
  return {
    points: rows.slice(0, maxResults).map(pointOf),
    nextPageToken: rows.length > maxResults ? encodePageToken(offset + maxResults) : null,
  }
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
  const rows = await store.sampledPoints(ctx.db, projectId, {
    runIds: [...new Set(runIds)],
    key: search.key,
    fromStep: startStep ?? null,
    toStep: endStep ?? null,
    limit: search.maxResults,
  })
  return rows.map((row) => ({ ...pointOf(row), runId: row.run_id }))
}

/**
 * A metric's points by step for a chart, thinned to at most `maxPoints`: of each stretch the first, last, least and
 * greatest point stay, so that no spike and no gap is lost.
 */
export async function thinnedHistory(
  ctx: Context,
  projectId: string,
  runId: string,
  key: string,
  maxPoints: number,
): Promise<{ total: number; points: MetricPoint[] }> {
  const total = await store.countPoints(ctx.db, projectId, runId, key)
  const perStretch = total <= maxPoints ? 0 : Math.ceil(total / Math.max(1, Math.floor(maxPoints / 4)))
  const points: MetricPoint[] = []
  let stretch: MetricPoint[] = []
  let last: Awaited<ReturnType<typeof store.pointsAfter>>[number] | null = null
  for (;;) {
    const rows = await store.pointsAfter(ctx.db, projectId, runId, key, last, READ_POINTS)
    for (const row of rows) {
      stretch.push(pointOf(row))
      if (stretch.length < perStretch) continue
      points.push(...(perStretch === 0 ? stretch : corners(stretch)))
      stretch = []
    }
    if (rows.length < READ_POINTS) break
    last = rows.at(-1) ?? null
  }
  points.push(...corners(stretch))
  return { total, points }
}

/** First, last, least and greatest of some points, each once, in their order. */
function corners(points: readonly MetricPoint[]): MetricPoint[] {
  if (points.length <= 4) return [...points]
  let least = 0
  let greatest = 0
  for (const [index, { value }] of points.entries()) {
    if (!(value >= (points[least]?.value ?? Number.NaN))) least = Number.isNaN(value) ? least : index
    if (!(value <= (points[greatest]?.value ?? Number.NaN))) greatest = Number.isNaN(value) ? greatest : index
  }
  const kept = [...new Set([0, least, greatest, points.length - 1])].sort((a, b) => a - b)
  return kept.flatMap((index) => points[index] ?? [])
}
