import { defineRead } from '../../../db/reads.ts'
import { FIELDS } from './summary.ts'
import { type ViewsOf, viewsOf } from './views.reads.ts'

/**
 * Answers for charts as JSON text, the same as their schemas (metrics.schema.ts, tracking.schema.ts) would write: copying
 * a hundred thousand points between threads as objects, and writing each by its schema, took longer than finding them.
 */

/** The body of `metrics/series`. */
export const seriesText = defineRead(import.meta.url, 'seriesText', async (db, asked: ViewsOf): Promise<string> => {
  const series = (await viewsOf(db, asked)).map(({ runId, total, points }) => {
    return { run: runId, total, points: pointsOf(points, (step, timestampMs, value) => [step, timestampMs, value]) }
  })
  return JSON.stringify({ key: asked.key, series })
})

/** The body of a run's `history`. */
export const historyText = defineRead(
  import.meta.url,
  'historyText',
  async (db, { runId, ...asked }: Omit<ViewsOf, 'runIds'> & { runId: string }): Promise<string> => {
    const [view] = await viewsOf(db, { ...asked, runIds: [runId] })
    const points = pointsOf(view?.points ?? new Float64Array(), (step, timestamp_ms, value) => {
      return { step, timestamp_ms, value }
    })
    return JSON.stringify({ key: asked.key, total: view?.total ?? 0, points })
  },
)

/** A row of points, each as it is written; what JSON has no number for (NaN) becomes null there. */
function pointsOf<T>(row: Float64Array, pointOf: (step: number, timestampMs: number, value: number) => T): T[] {
  const points: T[] = new Array(row.length / FIELDS)
  for (let at = 0, i = 0; at < row.length; at += FIELDS, i++)
    points[i] = pointOf(row[at] as number, row[at + 1] as number, row[at + 2] as number)
  return points
}
