import type { Context } from '../../context.ts'
import { badRequest } from '../../lib/errors.ts'
import { type HistoryOf, historyPage, type RunPoint, type SampleOf, sampledPoints } from './history.reads.ts'
import type { MetricPoint } from './metric-points.ts'
import { decodePointToken, encodePointToken } from './metrics/point-token.ts'
import { checkMaxResults } from './runs-search.service.ts'

/** A longer page is cut here, with a token for the rest. */
const MAX_PAGE = 100_000

/** What a page of a history asks, checked. @throws AppError bad_request (max_results, page_token) */
export function checkedHistory(
  projectId: string,
  runId: string,
  key: string,
  page: { maxResults?: number; pageToken?: string },
): HistoryOf {
  const { maxResults = MAX_PAGE } = page
  checkMaxResults(maxResults, Number.MAX_SAFE_INTEGER)
  const after = decodePointToken(page.pageToken)
  return { projectId, runId, key, after, maxResults: Math.min(maxResults, MAX_PAGE) }
}

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
  const { points, last } = await historyPage(ctx.db, checkedHistory(projectId, runId, key, page))
  return { points, nextPageToken: last === null ? null : encodePointToken(last) }
}

/**
 * For charts of several runs, as MLflow samples: of each run at most `maxResults` points by step, the first of so many
 * even buckets, the last point always among them. The runs come as they were asked for.
 * @throws AppError bad_request (more than 100 runs, steps, max_results)
 */
export async function sampledHistory(
  ctx: Context,
  projectId: string,
  search: Omit<SampleOf, 'projectId'>,
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
  return ctx.reads.ask(ctx.db, sampledPoints, { ...search, projectId })
}
