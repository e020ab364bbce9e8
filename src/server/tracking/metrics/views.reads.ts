import type { Db } from '../../../db/dialect.ts'
import { type Columns, decodeChunk } from './chunk-codec.ts'
import { type FoundSeries, findSketches, pointsByStep, totalPoints } from './series.reads.ts'
import * as store from './series.store.ts'
import { CORNERS, FIELDS, plainRow, readSummary, STRETCH } from './summary.ts'
import { Thinner } from './thinner.ts'

/** A metric of one run for a chart; the points are a row of numbers (summary.ts). */
export type SeriesView = { runId: string; total: number; points: Float64Array }

export type ViewsOf = { projectId: string; runIds: readonly string[]; key: string; maxPoints: number }

type Found = FoundSeries<store.ChunkSketch>

/** Runs that are looked at together: what lies in memory is of so many, however many are asked for. */
const RUNS_AT_ONCE = 50
/** Chunks that are read by one query for several short series. */
const CHUNKS_AT_ONCE = 128

/**
 * One metric of some runs by step, each thinned to about `maxPoints` points (of each stretch the first, last, least and
 * greatest stay, so that no spike and no gap is lost). Long series are drawn from their chunks' summaries: what is read
 * grows with the picture, not with the history. Runs without the metric are left out.
 */
export async function viewsOf(db: Db, { projectId, runIds, key, maxPoints }: ViewsOf): Promise<SeriesView[]> {
  const views: SeriesView[] = []
  for (let at = 0; at < runIds.length; at += RUNS_AT_ONCE) {
    const found = await findSketches(db, projectId, runIds.slice(at, at + RUNS_AT_ONCE), key)
    for (const view of await viewsOfFound(db, found, maxPoints)) views.push(view)
  }
  return views.sort((a, b) => (a.runId < b.runId ? -1 : 1))
}

async function viewsOfFound(db: Db, found: readonly Found[], maxPoints: number): Promise<SeriesView[]> {
  const views: SeriesView[] = []
  let short: Thinned[] = []
  let shortChunks = 0
  for (const series of found) {
    const stretch = stretchOf(totalPoints(series), maxPoints)
    const thinned = { series, thinner: new Thinner(stretch) }
    if (!series.isStraight) views.push(await sortedView(db, thinned))
    else if (stretch >= NEAR) views.push(summaryView(thinned))
    else if (series.heads.length > CHUNKS_AT_ONCE) views.push(await sortedView(db, thinned))
    else {
      short.push(thinned)
      shortChunks += series.heads.length
      if (shortChunks < CHUNKS_AT_ONCE) continue
      views.push(...(await shortViews(db, short)))
      short = []
      shortChunks = 0
    }
  }
  return [...views, ...(await shortViews(db, short))]
}

/** A series, and what keeps the points of its view. */
type Thinned = { series: Found; thinner: Thinner }

/**
 * From here on the summaries are near enough: their corners are of STRETCH points each. Down to half as many would be asked
 * for, and reading every point for that took ten times as long.
 */
const NEAR = STRETCH / 2

/** How many points become one stretch; 1: all are kept. */
function stretchOf(total: number, maxPoints: number): number {
  return total <= maxPoints ? 1 : Math.ceil(total / Math.max(1, Math.floor(maxPoints / 4)))
}

function addColumns(thinner: Thinner, { length, steps, times, values }: Columns): void {
  for (let i = 0; i < length; i++) thinner.add(Number(steps[i]), Number(times[i]), values[i] as number)
}

function addRow(thinner: Thinner, row: Float64Array): void {
  for (let at = 0; at < row.length; at += FIELDS)
    thinner.add(row[at] as number, row[at + 1] as number, row[at + 2] as number)
}

/** The view of a series whose chunks are all in the thinner. */
function viewOf({ series, thinner }: Thinned): SeriesView {
  addRow(thinner, plainRow(series.tail))
  return { runId: series.runId, total: totalPoints(series), points: thinner.done() }
}

async function sortedView(db: Db, { series, thinner }: Thinned): Promise<SeriesView> {
  let total = 0
  for await (const points of pointsByStep(db, series)) {
    total += points.length
    addRow(thinner, plainRow(points))
  }
  return { runId: series.runId, total, points: thinner.done() }
}

function summaryView(thinned: Thinned): SeriesView {
  const { series, thinner } = thinned
  for (const { points, summary, data } of series.heads) {
    if (data !== null) addColumns(thinner, decodeChunk(data))
    if (summary === null) continue
    const row = readSummary(summary)
    let left = points
    for (let at = 0; at < row.length; at += CORNERS * FIELDS) {
      thinner.addCorners(row, at, Math.min(left, STRETCH))
      left -= STRETCH
    }
  }
  return viewOf(thinned)
}

async function shortViews(db: Db, found: readonly Thinned[]): Promise<SeriesView[]> {
  const byId = new Map(found.map((thinned) => [thinned.series.id, thinned]))
  for (const { series_id, number, data } of await store.allChunkData(db, [...byId.keys()])) {
    const { series, thinner } = byId.get(series_id) as Thinned
    // What was sealed since the tail was read is still in the tail.
    if (number <= (series.heads.at(-1)?.number ?? -1)) addColumns(thinner, decodeChunk(data))
  }
  return found.map(viewOf)
}
