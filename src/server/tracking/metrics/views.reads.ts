import type { Db } from '../../../db/dialect.ts'
import { defineRead } from '../../../db/reads.ts'
import { type Columns, decodeChunk } from './chunk-codec.ts'
import { type FoundSeries, findSeries, pointsByStep, totalPoints } from './series.reads.ts'
import * as store from './series.store.ts'
import { corners, type PlainPoint, plainPoint, readSummary, STRETCH } from './summary.ts'

/** A metric of one run for a chart. */
export type SeriesView = { runId: string; total: number; points: PlainPoint[] }

export type ViewsOf = { projectId: string; runIds: readonly string[]; key: string; maxPoints: number }

/** Chunks that are read by one query for several short series. */
const CHUNKS_AT_ONCE = 128

/**
 * One metric of some runs by step, each thinned to about `maxPoints` points (of each stretch the first, last, least and
 * greatest stay, so that no spike and no gap is lost). Long series are drawn from their chunks' summaries: what is read
 * grows with the picture, not with the history. Runs without the metric are left out.
 */
async function viewsOf(db: Db, { projectId, runIds, key, maxPoints }: ViewsOf): Promise<SeriesView[]> {
  const views: SeriesView[] = []
  let short: FoundSeries[] = []
  for (const series of await findSeries(db, projectId, runIds, key)) {
    const stretch = stretchOf(totalPoints(series), maxPoints)
    if (!series.isStraight) views.push(await sortedView(db, series, stretch))
    else if (stretch >= NEAR) views.push(await summaryView(db, series, stretch))
    else if (series.heads.length > CHUNKS_AT_ONCE) views.push(await sortedView(db, series, stretch))
    else {
      short.push(series)
      if (short.reduce((sum, one) => sum + one.heads.length, 0) < CHUNKS_AT_ONCE) continue
      views.push(...(await shortViews(db, short, maxPoints)))
      short = []
    }
  }
  views.push(...(await shortViews(db, short, maxPoints)))
  return views.sort((a, b) => (a.runId < b.runId ? -1 : 1))
}

/** A read for a thread: a chart of five hundred runs decodes a million points. */
export const seriesViews = defineRead(import.meta.url, 'seriesViews', viewsOf)

/**
 * From here on the summaries are near enough: their corners are of STRETCH points each. Down to half as many would be asked
 * for, and reading every point for that took ten times as long.
 */
const NEAR = STRETCH / 2

/** How many points become one stretch; 1: all are kept. */
function stretchOf(total: number, maxPoints: number): number {
  return total <= maxPoints ? 1 : Math.ceil(total / Math.max(1, Math.floor(maxPoints / 4)))
}

/** Gathers points, each standing for `weight` of them, and keeps the corners of every stretch. */
class Thinner {
  readonly points: PlainPoint[] = []
  readonly #stretch: number
  #open: PlainPoint[] = []
  #weight = 0

  constructor(stretch: number) {
    this.#stretch = stretch
  }

  add(points: readonly PlainPoint[], weight: number): void {
    for (const point of points) this.#open.push(point)
    this.#weight += weight
    if (this.#weight >= this.#stretch) this.#close()
  }

  #close(): void {
    for (const point of corners(this.#open)) this.points.push(point)
    this.#open = []
    this.#weight = 0
  }

  done(): PlainPoint[] {
    this.#close()
    return this.points
  }
}

function addAll(thinner: Thinner, points: Iterable<PlainPoint>): void {
  for (const point of points) thinner.add([point], 1)
}

function* plainOfColumns({ length, steps, times, values }: Columns): Generator<PlainPoint> {
  for (let i = 0; i < length; i++)
    yield { step: Number(steps[i]), timestampMs: Number(times[i]), value: values[i] as number }
}

async function sortedView(db: Db, series: FoundSeries, stretch: number): Promise<SeriesView> {
  const thinner = new Thinner(stretch)
  let total = 0
  for await (const points of pointsByStep(db, series)) {
    total += points.length
    addAll(thinner, points.map(plainPoint))
  }
  return { runId: series.runId, total, points: thinner.done() }
}

async function summaryView(db: Db, series: FoundSeries, stretch: number): Promise<SeriesView> {
  const thinner = new Thinner(stretch)
  for (const { points, summary, data } of await store.chunkSummaries(db, [series.id])) {
    if (data !== null) addAll(thinner, plainOfColumns(decodeChunk(data)))
    if (summary === null) continue
    let left = points
    for (const corner of readSummary(summary)) {
      thinner.add(corner, Math.min(left, STRETCH))
      left -= STRETCH
    }
  }
  addAll(thinner, series.tail.map(plainPoint))
  return { runId: series.runId, total: totalPoints(series), points: thinner.done() }
}

async function shortViews(db: Db, found: readonly FoundSeries[], maxPoints: number): Promise<SeriesView[]> {
  const rows = await store.allChunkData(
    db,
    found.map((series) => series.id),
  )
  const chunks = Map.groupBy(rows, (row) => row.series_id)
  return found.map((series) => {
    const thinner = new Thinner(stretchOf(totalPoints(series), maxPoints))
    for (const { data } of chunks.get(series.id) ?? []) addAll(thinner, plainOfColumns(decodeChunk(data)))
    addAll(thinner, series.tail.map(plainPoint))
    return { runId: series.runId, total: totalPoints(series), points: thinner.done() }
  })
}
