import { type Selectable, sql } from 'kysely'
import { type Db, inChunks } from '../../db/dialect.ts'
import type { FeedbackTable } from '../../db/tables/serving.ts'

export type FeedbackRow = Selectable<FeedbackTable>

/** Outputs of those of these predictions that the endpoint made. */
export async function outputsOf(db: Db, endpointId: string, ids: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  await inChunks(ids, 1, async (chunk) => {
    const rows = await db
      .selectFrom('predictions')
      .select(['id', 'output'])
      .where('endpoint_id', '=', endpointId)
      .where('id', 'in', chunk)
      .execute()
    for (const row of rows) found.set(row.id, row.output)
  })
  return found
}

/** Puts or corrects feedback. The time of its first arrival stays: it says which training could have known it. */
export async function putFeedback(db: Db, rows: readonly FeedbackRow[]): Promise<void> {
  await inChunks(rows, 7, (chunk) =>
    db
      .insertInto('feedback')
      .values(chunk)
      .onConflict((conflict) =>
        conflict.column('prediction_id').doUpdateSet((eb) => ({
          truth: eb.ref('excluded.truth'),
          correct: eb.ref('excluded.correct'),
          created_by: eb.ref('excluded.created_by'),
        })),
      )
      .execute(),
  )
}

export type LabelledRow = {
  prediction_id: string
  version_id: string
  version: number
  correct: number
  predicted_at_ms: number
  labelled_at_ms: number
}

/** The newest labelled predictions of an endpoint, newest first; of one version since a time, when that is given. */
export async function newestLabelled(
  db: Db,
  endpointId: string,
  limit: number,
  only?: { versionId: string; sinceMs: number },
): Promise<LabelledRow[]> {
  let query = db
    .selectFrom('predictions as p')
    .innerJoin('feedback as f', 'f.prediction_id', 'p.id')
    .innerJoin('model_versions as v', 'v.id', 'p.version_id')
    .select([
      'p.id as prediction_id',
      'p.version_id',
      'v.version',
      'f.correct',
      'p.created_at_ms as predicted_at_ms',
      'f.created_at_ms as labelled_at_ms',
    ])
    .where('p.endpoint_id', '=', endpointId)
    .orderBy('p.created_at_ms', 'desc')
    .orderBy('p.id', 'desc')
    .limit(limit)
  if (only !== undefined)
    query = query.where('p.version_id', '=', only.versionId).where('p.created_at_ms', '>=', only.sinceMs)
  return query.execute()
}

export async function coverage(db: Db, endpointId: string): Promise<{ predicted: number; labelled: number }> {
  const count = async (table: 'predictions' | 'feedback') =>
    Number(
      (
        await db
          .selectFrom(table)
          .select((eb) => eb.fn.countAll<number>().as('count'))
          .where('endpoint_id', '=', endpointId)
          .executeTakeFirst()
      )?.count ?? 0,
    )
  return { predicted: await count('predictions'), labelled: await count('feedback') }
}

export async function accuracyByVersion(
  db: Db,
  endpointId: string,
): Promise<{ version: number; labelled: number; right: number }[]> {
  const rows = await db
    .selectFrom('feedback as f')
    .innerJoin('predictions as p', 'p.id', 'f.prediction_id')
    .innerJoin('model_versions as v', 'v.id', 'p.version_id')
    .select((eb) => ['v.version', eb.fn.countAll<number>().as('labelled'), sql<number>`sum(f.correct)`.as('right')])
    .where('f.endpoint_id', '=', endpointId)
    .groupBy('v.version')
    .orderBy('v.version')
    .execute()
  return rows.map((row) => ({ version: row.version, labelled: Number(row.labelled), right: Number(row.right) }))
}

export type LabelledPrediction = {
  id: string
  inputs: string
  output: string
  truth: string | null
  correct: number
  predicted_at_ms: number
  labelled_at_ms: number
}

/** Labelled predictions with their rows, newest first: those of one version, or of all made since a time. */
export async function labelledPredictions(
  db: Db,
  endpointId: string,
  filter: { versionId?: string; predictedSinceMs: number; labelledUntilMs?: number; limit: number },
): Promise<LabelledPrediction[]> {
  let query = db
    .selectFrom('predictions as p')
    .innerJoin('feedback as f', 'f.prediction_id', 'p.id')
    .select([
      'p.id',
      'p.inputs',
      'p.output',
      'f.truth',
      'f.correct',
      'p.created_at_ms as predicted_at_ms',
      'f.created_at_ms as labelled_at_ms',
    ])
    .where('p.endpoint_id', '=', endpointId)
    .where('p.created_at_ms', '>=', filter.predictedSinceMs)
    .orderBy('p.created_at_ms', 'desc')
    .orderBy('p.id', 'desc')
    .limit(filter.limit)
  if (filter.versionId !== undefined) query = query.where('p.version_id', '=', filter.versionId)
  if (filter.labelledUntilMs !== undefined) query = query.where('f.created_at_ms', '<=', filter.labelledUntilMs)
  return query.execute()
}

/** When an alias last moved; null when it points at nothing. */
export async function aliasMovedAt(db: Db, modelId: string, alias: string): Promise<number | null> {
  const row = await db
    .selectFrom('model_aliases')
    .select('updated_at_ms')
    .where('model_id', '=', modelId)
    .where('alias', '=', alias)
    .executeTakeFirst()
  return row?.updated_at_ms ?? null
}
