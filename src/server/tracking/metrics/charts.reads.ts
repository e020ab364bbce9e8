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
    const texts = pointTexts(points, (step, timestampMs, value) => `[${step},${timestampMs},${value}]`)
    return `{"run":${JSON.stringify(runId)},"total":${total},"points":[${texts}]}`
  })
  return `{"key":${JSON.stringify(asked.key)},"series":[${series.join(',')}]}`
})

/** The body of a run's `history`. */
export const historyText = defineRead(
  import.meta.url,
  'historyText',
  async (db, { runId, ...asked }: Omit<ViewsOf, 'runIds'> & { runId: string }): Promise<string> => {
    const [view] = await viewsOf(db, { ...asked, runIds: [runId] })
    const texts = pointTexts(
      view?.points ?? new Float64Array(),
      (step, timestampMs, value) => `{"step":${step},"timestamp_ms":${timestampMs},"value":${value}}`,
    )
    return `{"key":${JSON.stringify(asked.key)},"total":${view?.total ?? 0},"points":[${texts}]}`
  },
)

/** A row of points, each as `textOf` writes it; JSON has no NaN: it is null there. */
function pointTexts(
  row: Float64Array,
  textOf: (step: number, timestampMs: number, value: number | null) => string,
): string {
  const texts: string[] = new Array(row.length / FIELDS)
  for (let at = 0, i = 0; at < row.length; at += FIELDS, i++) {
    const value = row[at + 2] as number
    texts[i] = textOf(row[at] as number, row[at + 1] as number, Number.isNaN(value) ? null : value)
  }
  return texts.join(',')
}
