import type { Db } from '../../../db/dialect.ts'
import type { PointColumns } from '../../../db/tables/tracking.ts'
import { comparePoints, inOrder } from './point-order.ts'
import * as store from './series.store.ts'
import { decodeTail, encodeTail } from './tail-codec.ts'

/** Points that come to the tail of a series at once, and how many it has with them. */
export type NewPiece = { series_id: number; number: number; points: readonly PointColumns[] }

/** Adds pieces to the tails. */
export async function addToTails(db: Db, pieces: readonly NewPiece[]): Promise<void> {
  await store.addPieces(
    db,
    pieces.map(({ points, ...piece }) => ({ ...piece, last_step: greatestStep(points), data: encodeTail(points) })),
  )
}

function greatestStep(points: readonly PointColumns[]): number | bigint {
  return points.reduce((most, { step }) => (step > most ? step : most), points[0]?.step ?? 0)
}

/** The unsealed points of series, in order, each once; one that has none is left out. */
export async function tailsOf(db: Db, seriesIds: readonly number[]): Promise<Map<number, PointColumns[]>> {
  const pieces = Map.groupBy(await store.piecesOf(db, seriesIds), (piece) => piece.series_id)
  return new Map([...pieces].map(([id, own]) => [id, pointsOf(own)]))
}

/** Unsealed points of a series behind one, in order, each once. */
export async function tailBehind(db: Db, seriesId: number, after: PointColumns | null): Promise<PointColumns[]> {
  const points = pointsOf(await store.piecesReaching(db, seriesId, after?.step ?? null))
  return after === null ? points : points.filter((point) => comparePoints(point, after) > 0)
}

function pointsOf(pieces: readonly store.TailPiece[]): PointColumns[] {
  return inOrder(pieces.flatMap(({ data }) => decodeTail(data)))
}
