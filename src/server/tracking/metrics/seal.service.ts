import { type Batching, inBatch } from '../../../db/batch.ts'
import type { PointColumns } from '../../../db/tables/tracking.ts'
import { defineThreadBatch, type Outcome, type WriteTx } from '../../../db/writes.ts'
import { encodeChunk } from './chunk-codec.ts'
import { comparePoints, inOrder } from './point-order.ts'
import { pointsOf, sealedColumns } from './series.reads.ts'
import * as store from './series.store.ts'
import { summaryOf } from './summary.ts'
import { addToTails, tailsOf } from './tails.ts'

/** Points of a full chunk: large enough to squeeze well, small enough to be read for a hundred points of it. */
export const CHUNK_POINTS = 1_024
/** A tail of this length is sealed while its run goes on. */
export const SEAL_POINTS = 2_048
/** So many new points of one series become a chunk at once. */
export const DIRECT_POINTS = 256

/** Series of one commit: whoever writes meanwhile waits for so many at most. */
const SERIES_A_COMMIT = 100

/** What it takes to seal a series, as so many rows. */
const ROWS_A_SERIES = 30

type Sealing = { seriesIds: readonly number[]; whole: boolean }

/**
 * Seals the tails of series into chunks. `whole` leaves nothing behind (the run is silent); else what does not fill a chunk
 * stays. Points that came late, between sealed ones, are merged: the chunks from there on are written anew.
 */
export async function sealSeries(ctx: Batching, seriesIds: readonly number[], whole: boolean): Promise<void> {
  for (let at = 0; at < seriesIds.length; at += SERIES_A_COMMIT)
    await inBatch(ctx, { seriesIds: seriesIds.slice(at, at + SERIES_A_COMMIT), whole }, sealings)
}

export const sealings = defineThreadBatch(import.meta.url, 'sealings', {
  flush: async (tx, items: Sealing[]): Promise<Outcome<void>[]> => {
    // All at once: locks are taken in one order, or writers deadlock.
    const locked = new Set(
      await store.lockSeries(
        tx.db,
        items.flatMap(({ seriesIds }) => seriesIds),
      ),
    )
    for (const { seriesIds, whole } of items) {
      const ids = seriesIds.filter((id) => locked.has(id))
      if (whole) await sealTails(tx, ids)
      else for (const id of ids) await sealPoints(tx, id, [], false)
    }
    return items.map(() => ({ value: undefined }))
  },
  rowsOf: ({ seriesIds }) => seriesIds.length * ROWS_A_SERIES,
  limits: { sizeOf: ({ seriesIds }) => seriesIds.length, perCommit: SERIES_A_COMMIT, maxWaiting: 100_000 },
})

/** Seals the whole tails of locked series. Those of short runs, which are most, have no chunks yet: they share their statements. */
async function sealTails(tx: WriteTx, ids: readonly number[]): Promise<void> {
  const begun = new Set(await store.sealedAmong(tx.db, ids))
  const fresh = ids.filter((id) => !begun.has(id))
  const tails = await tailsOf(tx.db, fresh)
  await store.addChunks(
    tx.db,
    [...tails].flatMap(([id, points]) => chunksOf(id, 0, points)),
  )
  await store.removeTails(tx.db, fresh)
  await store.setTailPoints(tx.db, fresh, 0)
  for (const id of begun) await sealPoints(tx, id, [], true)
}

/** Seals the tail together with new points. Call it in the transaction that has locked the series. */
export async function sealPoints(
  tx: WriteTx,
  seriesId: number,
  added: readonly PointColumns[],
  whole: boolean,
): Promise<void> {
  const tail = (await tailsOf(tx.db, [seriesId])).get(seriesId) ?? []
  let points = added.length === 0 ? tail : inOrder([...tail, ...added])
  const first = points[0]
  const last = await store.lastChunkHead(tx.db, seriesId)
  let number = 0
  if (last !== undefined && first !== undefined) {
    const from = await firstToRewrite(tx, seriesId, last, first)
    number = from ?? last.number + 1
    if (from !== null) {
      points = inOrder([...(await pointsOfChunks(tx, seriesId, from)), ...points])
      await store.removeChunks(tx.db, seriesId, from)
    }
  }
  const count = whole ? points.length : points.length - (points.length % CHUNK_POINTS)
  const rest = points.slice(count)
  await store.addChunks(tx.db, chunksOf(seriesId, number, points.slice(0, count)))
  if (tail.length > 0) await store.removeTails(tx.db, [seriesId])
  if (rest.length > 0) await addToTails(tx.db, [{ series_id: seriesId, number: rest.length, points: rest }])
  await store.setTailPoints(tx.db, [seriesId], rest.length)
}

/**
 * The number of the first chunk that must be written anew: the one where the new points begin when they overlap sealed
 * ones, the last one when it is short; null when the points are simply put behind.
 */
async function firstToRewrite(
  tx: WriteTx,
  seriesId: number,
  last: store.ChunkHead,
  first: PointColumns,
): Promise<number | null> {
  const [tip] = (await pointsOfChunks(tx, seriesId, last.number)).slice(-1)
  const behind = tip !== undefined && comparePoints(first, tip) > 0
  if (behind) return last.points < DIRECT_POINTS ? last.number : null
  const heads = await store.chunkHeads(tx.db, [seriesId])
  return heads.find((head) => head.last_step >= first.step)?.number ?? last.number
}

/** The points of chunks from one number to the end. */
async function pointsOfChunks(tx: WriteTx, seriesId: number, from: number): Promise<PointColumns[]> {
  const points: PointColumns[] = []
  for await (const columns of sealedColumns(tx.db, seriesId, from)) points.push(...pointsOf(columns))
  return points
}

/** Points as chunks from a number on; only the last may be short. */
function chunksOf(seriesId: number, number: number, points: readonly PointColumns[]): store.ChunkRow[] {
  const chunks: store.ChunkRow[] = []
  for (let at = 0; at < points.length; at += CHUNK_POINTS)
    chunks.push(chunkOf(seriesId, number + chunks.length, points.slice(at, at + CHUNK_POINTS)))
  return chunks
}

function chunkOf(seriesId: number, number: number, points: readonly PointColumns[]): store.ChunkRow {
  const [first, last] = [points[0] as PointColumns, points.at(-1) as PointColumns]
  let [min, max] = [first.timestamp_ms, first.timestamp_ms]
  for (const { timestamp_ms: time } of points) {
    if (time < min) min = time
    if (time > max) max = time
  }
  return {
    series_id: seriesId,
    number,
    points: points.length,
    first_step: first.step,
    last_step: last.step,
    min_timestamp_ms: min,
    max_timestamp_ms: max,
    summary: summaryOf(points),
    data: encodeChunk(points),
  }
}
