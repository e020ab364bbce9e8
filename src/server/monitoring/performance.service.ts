import type { Context } from '../../context.ts'
import { type Interval, wilsonInterval } from '../../lib/statistics.ts'
import type { Endpoint } from '../serving/endpoints.service.ts'
import * as store from './feedback.store.ts'

export type Performance = {
  metric: 'accuracy'
  coverage: { predicted: number; labelled: number }
  window: { size: number; labelled: number; value: number | null; interval: Interval | null }
  by_version: { version: number; labelled: number; accuracy: number }[]
  series: { from_ms: number; to_ms: number; labelled: number; accuracy: number; version: number }[]
}

/** The series reaches back this many labelled predictions. */
const SERIES_ROWS = 20_000

/**
 * How right an endpoint has been. The window holds the newest labelled predictions, by the time of the prediction; its
 * interval is Wilson's at 95 %. The series deals the newest 20,000 into at most `buckets` groups of equal size, oldest
 * first; a group never mixes two versions, so there is one more group for each change of version.
 */
export async function performanceOf(
  ctx: Context,
  endpoint: Endpoint,
  options: { window: number; buckets: number },
): Promise<Performance> {
  const [coverage, byVersion, newest] = [
    await store.coverage(ctx.db, endpoint.id),
    await store.accuracyByVersion(ctx.db, endpoint.id),
    await store.newestLabelled(ctx.db, endpoint.id, Math.max(SERIES_ROWS, options.window)),
  ]
  const window = newest.slice(0, options.window)
  const right = countRight(window)
  return {
    metric: 'accuracy',
    coverage,
    window: {
      size: options.window,
      labelled: window.length,
      value: window.length === 0 ? null : right / window.length,
      interval: window.length === 0 ? null : wilsonInterval(right, window.length),
    },
    by_version: byVersion.map((row) => ({
      version: row.version,
      labelled: row.labelled,
      accuracy: row.right / row.labelled,
    })),
    series: seriesOf(newest.slice(0, SERIES_ROWS).reverse(), options.buckets),
  }
}

export function countRight(rows: readonly { correct: number }[]): number {
  return rows.reduce((sum, row) => sum + row.correct, 0)
}

function seriesOf(rows: store.LabelledRow[], buckets: number): Performance['series'] {
  const size = Math.max(1, Math.ceil(rows.length / buckets))
  const groups: store.LabelledRow[][] = []
  for (const row of rows) {
    const group = groups.at(-1)
    if (group === undefined || group.length === size || group[0]?.version_id !== row.version_id) groups.push([row])
    else group.push(row)
  }
  return groups.map((group) => ({
    from_ms: group[0]?.predicted_at_ms ?? 0,
    to_ms: group.at(-1)?.predicted_at_ms ?? 0,
    labelled: group.length,
    accuracy: countRight(group) / group.length,
    version: group[0]?.version ?? 0,
  }))
}
