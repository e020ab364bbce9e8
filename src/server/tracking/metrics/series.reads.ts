import type { Db } from '../../../db/dialect.ts'
import type { PointColumns } from '../../../db/tables/tracking.ts'
import { type Columns, decodeChunk } from './chunk-codec.ts'
import { compareByTime, comparePoints, inOrder } from './point-order.ts'
import * as store from './series.store.ts'
import { tailsOf } from './tails.ts'

/** Chunks of one query; between two of them other requests get their turn. */
export const READ_CHUNKS = 32

/** What everything that reads a series must know of its chunks. */
type Head = Pick<store.ChunkHead, 'series_id' | 'number' | 'points' | 'last_step'>

/** A series as it was found: its chunks' heads, its tail, and whether the tail comes behind the chunks. */
export type FoundSeries<H extends Head = store.ChunkHead> = {
  id: number
  runId: string
  heads: H[]
  tail: PointColumns[]
  /** False when late points wait in the tail for being merged: then the whole series must be sorted. */
  isStraight: boolean
}

/** One metric of some runs of a project, to read its points; runs without it are left out. */
export function findSeries(db: Db, projectId: string, runIds: readonly string[], key: string): Promise<FoundSeries[]> {
  return findWith(db, projectId, runIds, key, store.chunkHeads)
}

/** The same, to draw it. */
export function findSketches(
  db: Db,
  projectId: string,
  runIds: readonly string[],
  key: string,
): Promise<FoundSeries<store.ChunkSketch>[]> {
  return findWith(db, projectId, runIds, key, store.chunkSketches)
}

/**
 * Tails are read before chunks: what is sealed in between is then seen twice, which sorting mends, and never missed.
 */
async function findWith<H extends Head>(
  db: Db,
  projectId: string,
  runIds: readonly string[],
  key: string,
  headsOf: (db: Db, seriesIds: readonly number[]) => Promise<H[]>,
): Promise<FoundSeries<H>[]> {
  const rows = await store.seriesOf(db, projectId, runIds, key)
  const ids = rows.map((row) => row.id)
  const tails = await tailsOf(db, ids)
  const heads = Map.groupBy(await headsOf(db, ids), (row) => row.series_id)
  const found: FoundSeries<H>[] = []
  for (const { id, run_id } of rows) {
    const series = { id, runId: run_id, heads: heads.get(id) ?? [], tail: tails.get(id) ?? [] }
    found.push({ ...series, isStraight: await isStraight(db, series) })
  }
  return found
}

async function isStraight(db: Db, series: Omit<FoundSeries<Head>, 'isStraight'>): Promise<boolean> {
  const last = series.heads.at(-1)
  const first = series.tail[0]
  if (last === undefined || first === undefined || first.step > last.last_step) return true
  if (first.step < last.last_step) return false
  const [chunk] = await store.chunkData(db, series.id, last.number, 1)
  const tip = chunk === undefined ? undefined : pointsOf(decodeChunk(chunk.data)).at(-1)
  return tip !== undefined && comparePoints(first, tip) > 0
}

export function totalPoints(series: FoundSeries<Head>): number {
  return series.heads.reduce((sum, head) => sum + head.points, 0) + series.tail.length
}

/** Sealed points of a series from chunk `from` on, chunk by chunk. */
export async function* sealedColumns(db: Db, seriesId: number, from = 0): AsyncGenerator<Columns> {
  for (let next = from; ; ) {
    const chunks = await store.chunkData(db, seriesId, next, READ_CHUNKS)
    for (const { data } of chunks) yield decodeChunk(data)
    const last = chunks.at(-1)
    if (last === undefined || chunks.length < READ_CHUNKS) return
    next = last.number + 1
    await new Promise((resolve) => setImmediate(resolve))
  }
}

export function pointsOf(columns: Columns): PointColumns[] {
  const points: PointColumns[] = new Array(columns.length)
  for (let i = 0; i < columns.length; i++) {
    const value = columns.values[i] as number
    const nan = Number.isNaN(value)
    points[i] = {
      step: columns.steps[i] as number | bigint,
      timestamp_ms: columns.times[i] as number | bigint,
      value: nan ? 0 : value,
      is_nan: nan ? 1 : 0,
    }
  }
  return points
}

/** All points in the order (step, time, value), some at a time. */
export async function* pointsByStep(db: Db, series: FoundSeries<Head>): AsyncGenerator<PointColumns[]> {
  if (!series.isStraight) {
    yield inOrder(await allPoints(db, series))
    return
  }
  for await (const columns of sealedColumns(db, series.id)) yield pointsOf(columns)
  if (series.tail.length > 0) yield series.tail
}

/** Points behind `after` in the order (time, step, value), some at a time. */
export async function* pointsByTime(
  db: Db,
  series: FoundSeries,
  after: PointColumns | null,
): AsyncGenerator<PointColumns[]> {
  const wanted = (points: readonly PointColumns[]) => {
    const sorted = isByTime(points) ? points : [...points].sort(compareByTime)
    return after === null ? [...sorted] : sorted.filter((point) => compareByTime(point, after) > 0)
  }
  if (!series.isStraight || !goesForward(series)) {
    yield wanted(inOrder(await allPoints(db, series)))
    return
  }
  const from = after === null ? 0 : series.heads.findIndex((head) => head.max_timestamp_ms >= after.timestamp_ms)
  if (from >= 0) {
    for await (const columns of sealedColumns(db, series.id, series.heads[from]?.number ?? 0))
      yield wanted(pointsOf(columns))
  }
  yield wanted(series.tail)
}

async function allPoints(db: Db, series: FoundSeries<Head>): Promise<PointColumns[]> {
  const points: PointColumns[] = []
  for await (const columns of sealedColumns(db, series.id)) for (const point of pointsOf(columns)) points.push(point)
  for (const point of series.tail) points.push(point)
  return points
}

/** Whether time never goes back from chunk to chunk: almost every series; only a clock that was set back makes another. */
function goesForward({ heads, tail }: FoundSeries): boolean {
  for (let i = 1; i < heads.length; i++) {
    const [before, head] = [heads[i - 1], heads[i]]
    if (before !== undefined && head !== undefined && head.min_timestamp_ms < before.max_timestamp_ms) return false
  }
  const end = heads.at(-1)?.max_timestamp_ms
  return end === undefined || tail.every((point) => point.timestamp_ms >= end)
}

function isByTime(points: readonly PointColumns[]): boolean {
  for (let i = 1; i < points.length; i++)
    if (compareByTime(points[i] as PointColumns, points[i - 1] as PointColumns) < 0) return false
  return true
}
