import type { Selectable } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { EventsTable } from '../../db/tables/identity.ts'

export type EventRow = Selectable<EventsTable>

export async function insertEvent(db: Db, row: Omit<EventRow, 'id'>): Promise<void> {
  await db.insertInto('events').values(row).execute()
}

/** The newest event's id, 0 when there is none. */
export async function lastEventId(db: Db): Promise<number> {
  const row = await db.selectFrom('events').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst()
  return row?.id ?? 0
}

export async function eventsAfter(db: Db, id: number, limit: number): Promise<EventRow[]> {
  return db.selectFrom('events').selectAll().where('id', '>', id).orderBy('id').limit(limit).execute()
}

/** What changed in a project, newest first; `before` is the id of the last one seen. */
export async function projectEvents(
  db: Db,
  projectId: string,
  before: number | null,
  limit: number,
): Promise<EventRow[]> {
  let query = db
    .selectFrom('events')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('result', '=', 'done')
    .orderBy('id', 'desc')
    .limit(limit)
  if (before !== null) query = query.where('id', '<', before)
  return query.execute()
}
