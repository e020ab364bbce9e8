import type { Context } from '../../context.ts'
import { rowIdsOf } from './experiments.service.ts'
import { type ColumnKeys, columnKeys, foundCount } from './run-columns.reads.ts'
import { checkedSearch, type RunSearch } from './runs-search.service.ts'

/** Runs are counted so far. */
export const MAX_COUNT = 10_000

/**
 * The names of metrics, params and tags that the runs of an experiment have, deleted ones too: from the indexes of the
 * search, without looking at the runs. The tag that is a run's name is none of them.
 * @param experimentId as clients see it; undefined: every experiment of the project. One that is not there has no names.
 * @param search a part of a name; '' for all
 */
export async function runColumns(
  ctx: Context,
  projectId: string,
  experimentId: string | undefined,
  search: string,
): Promise<ColumnKeys> {
  const experimentIds = experimentId === undefined ? null : await rowIdsOf(ctx, projectId, [experimentId])
  return ctx.reads.ask(ctx.db, columnKeys, { projectId, experimentIds, search })
}

/**
 * How many runs a search finds; beyond MAX_COUNT only that there are more.
 * @throws AppError bad_request (filter)
 */
export async function countRuns(
  ctx: Context,
  projectId: string,
  asked: Pick<RunSearch, 'experimentIds' | 'filter' | 'view'>,
): Promise<{ count: number; isMore: boolean }> {
  const { search } = await checkedSearch(ctx, projectId, { ...asked, maxResults: MAX_COUNT })
  const count = await ctx.reads.ask(ctx.db, foundCount, { search, limit: MAX_COUNT + 1 })
  return { count: Math.min(count, MAX_COUNT), isMore: count > MAX_COUNT }
}
