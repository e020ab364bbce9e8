import type { Selectable } from 'kysely'
import { insertMany } from '../../db/bulk.ts'
import type { Db } from '../../db/dialect.ts'
import type { EventsTable } from '../../db/tables/identity.ts'

export type EventRow = Selectable<EventsTable>

const COLUMNS = {
  project_id: 'text',
  actor: 'text',
  verb: 'text',
  kind: 'text',
  subject: 'text',
  detail: 'text',
  request_id: 'text',
  created_at_ms: 'int',
  result: 'text',
  address: 'text',
  user_agent: 'text',
} as const

export async function insertEvents(db: Db, rows: readonly Omit<EventRow, 'id'>[]): Promise<void> {
  await insertMany(
    db,
    { table: 'events', columns: COLUMNS },
    rows.map((row) => Object.keys(COLUMNS).map((column) => row[column as keyof typeof COLUMNS])),
  )
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
