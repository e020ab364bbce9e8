import { defineRead } from '../../../db/reads.ts'
import type { PointColumns } from '../../../db/tables/tracking.ts'
import { type HistoryOf, historyPage } from '../../tracking/history.reads.ts'
import { type FoundPage, findPage, wholeRuns } from '../../tracking/run-pages.reads.ts'
import type { CheckedSearch } from '../../tracking/runs-search.service.ts'
import { pointsText, runText } from './run-text.ts'

/** Reads of the door that are done beside the event loop: what comes back is JSON text already. */

/** A page of runs; `text`: messages with commas between them, of its first `texts` runs, in UTF-8. */
export const runPage = defineRead(
  import.meta.url,
  'runPage',
  async (
    db,
    { search, texts }: { search: CheckedSearch['search']; texts: number },
  ): Promise<FoundPage & { text: Uint8Array }> => {
    const page = await findPage(db, search)
    const runs = await wholeRuns(db, search.projectId, page.ids.slice(0, texts))
    return { ...page, text: new TextEncoder().encode(textOf(runs)) }
  },
)

/** Runs that a search found, as messages with commas between them. */
export const runTexts = defineRead(
  import.meta.url,
  'runTexts',
  async (db, { projectId, ids }: { projectId: string; ids: string[] }): Promise<string> =>
    textOf(await wholeRuns(db, projectId, ids)),
)

const textOf = (runs: Awaited<ReturnType<typeof wholeRuns>>) => runs.map(runText).join(',')

/** A page of a metric's history, as messages with commas between them, and its last point when more follow. */
export const historyText = defineRead(
  import.meta.url,
  'historyText',
  async (db, asked: HistoryOf): Promise<{ text: string; last: PointColumns | null }> => {
    const { points, last } = await historyPage(db, asked)
    return { text: pointsText(points).slice(1, -1), last }
  },
)
