import type { Db } from '../../db/dialect.ts'
import { NOT_CREATED } from '../../db/partial-indexes.ts'

export type HistoryRow = {
  id: number
  actor: string
  verb: string
  kind: string
  subject: string
  detail: string
  created_at_ms: number
}

/** A stretch of the audit log: newer than one event, older than another, and not before a moment. */
export type Stretch = { afterId: number; beforeId: number; sinceMs: number }

/** What moved aliases and stages of a model that had this name then, and took versions away, newest first. */
export async function movesOfModel(
  db: Db,
  projectId: string,
  modelName: string,
  { afterId, beforeId, sinceMs }: Stretch,
  limit: number,
): Promise<HistoryRow[]> {
  return db
    .selectFrom('events')
    .select(['id', 'actor', 'verb', 'kind', 'subject', 'detail', 'created_at_ms'])
    .where('project_id', '=', projectId)
    .where('kind', 'in', ['alias', 'model_version'])
    .where('subject', '>=', `${modelName}/`)
    .where('subject', '<', `${modelName}0`) // `0` follows `/`
    .where(NOT_CREATED)
    .where('id', '>', afterId)
    .where('id', '<', beforeId)
    .where('created_at_ms', '>=', sinceMs)
    .where('result', '=', 'done')
    .where((eb) =>
      eb.or([eb('kind', '=', 'alias'), eb('detail', 'like', '{"stage":%'), eb('detail', 'like', '{"aliases":%')]),
    )
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

/** The event by which a model got this name, the newest in a stretch; undefined when it was made with it. */
export async function renamingTo(
  db: Db,
  projectId: string,
  modelName: string,
  { afterId, beforeId, sinceMs }: Stretch,
): Promise<Pick<HistoryRow, 'id' | 'detail'> | undefined> {
  return db
    .selectFrom('events')
    .select(['id', 'detail'])
    .where('project_id', '=', projectId)
    .where('kind', '=', 'model')
    .where('subject', '=', modelName)
    .where('verb', '=', 'renamed')
    .where(NOT_CREATED)
    .where('id', '>', afterId)
    .where('id', '<', beforeId)
    .where('created_at_ms', '>=', sinceMs)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
}
