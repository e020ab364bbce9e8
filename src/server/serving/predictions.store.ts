import type { Selectable } from 'kysely'
import { type Db, inChunks } from '../../db/dialect.ts'
import type { PredictionsTable } from '../../db/tables/serving.ts'

export type PredictionRow = Selectable<PredictionsTable>
export type ListedPrediction = PredictionRow & {
  version: number
  truth: string | null
  correct: number | null
  feedback_at_ms: number | null
}

export async function insertPredictions(db: Db, rows: readonly PredictionRow[]): Promise<void> {
  await inChunks(rows, 10, (chunk) => db.insertInto('predictions').values(chunk).execute())
}

/** Newest first; `before`: the last one of the page before. */
export async function listPredictions(
  db: Db,
  endpointId: string,
  before: { id: string; created_at_ms: number } | null,
  limit: number,
): Promise<ListedPrediction[]> {
  let query = db
    .selectFrom('predictions')
    .innerJoin('model_versions', 'model_versions.id', 'predictions.version_id')
    .leftJoin('feedback', 'feedback.prediction_id', 'predictions.id')
    .selectAll('predictions')
    .select([
      'model_versions.version',
      'feedback.truth',
      'feedback.correct',
      'feedback.created_at_ms as feedback_at_ms',
    ])
    .where('predictions.endpoint_id', '=', endpointId)
    .orderBy('predictions.created_at_ms', 'desc')
    .orderBy('predictions.id', 'desc')
    .limit(limit)
  if (before !== null) {
    query = query.where((eb) =>
      eb.or([
        eb('predictions.created_at_ms', '<', before.created_at_ms),
        eb.and([eb('predictions.created_at_ms', '=', before.created_at_ms), eb('predictions.id', '<', before.id)]),
      ]),
    )
  }
  return query.execute()
}

export async function findPrediction(db: Db, endpointId: string, id: string): Promise<PredictionRow | undefined> {
  return db
    .selectFrom('predictions')
    .selectAll()
    .where('endpoint_id', '=', endpointId)
    .where('id', '=', id)
    .executeTakeFirst()
}

/** How many were made after `afterMs` and not after `upToMs`. */
export async function countPredictions(db: Db, endpointId: string, afterMs: number, upToMs: number): Promise<number> {
  const row = await db
    .selectFrom('predictions')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('endpoint_id', '=', endpointId)
    .where('created_at_ms', '>', afterMs)
    .where('created_at_ms', '<=', upToMs)
    .executeTakeFirst()
  return Number(row?.count ?? 0)
}

/** Latencies of the newest predictions, in microseconds, unsorted. */
export async function latestLatencies(db: Db, endpointId: string, limit: number): Promise<number[]> {
  const rows = await db
    .selectFrom('predictions')
    .select('latency_us')
    .where('endpoint_id', '=', endpointId)
    .orderBy('created_at_ms', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  return rows.map((row) => row.latency_us)
}

/** The version that answered last, null before the first prediction. */
export async function lastVersionId(db: Db, endpointId: string): Promise<string | null> {
  const row = await db
    .selectFrom('predictions')
    .select('version_id')
    .where('endpoint_id', '=', endpointId)
    .orderBy('created_at_ms', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.version_id ?? null
}
