import { type Expression, type SqlBool, sql } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { EventRow } from './events.store.ts'

export type AuditFilter = {
  /** Null: every project, and what belongs to none. */
  projectId: string | null
  actor?: string
  verb?: string
  kind?: string
  subject?: string
  result?: 'done' | 'denied' | 'failed'
  address?: string
  sinceMs?: number
  untilMs?: number
}
export type AuditRow = EventRow & { project: string | null }

/** Rows with ids below `before` and not below `from` that match, newest first. */
export async function auditRows(
  db: Db,
  filter: AuditFilter,
  page: { before: number; from: number; limit: number },
): Promise<AuditRow[]> {
  return db
    .selectFrom('events as e')
    .leftJoin('projects as p', 'p.id', 'e.project_id')
    .selectAll('e')
    .select(sql<string | null>`p.owner || '/' || p.name`.as('project'))
    .where((eb) => {
      const all: Expression<SqlBool>[] = [eb('e.id', '<', page.before), eb('e.id', '>=', page.from)]
      if (filter.projectId !== null) all.push(eb('e.project_id', '=', filter.projectId))
      for (const column of ['actor', 'verb', 'kind', 'subject', 'result', 'address'] as const) {
        const wanted = filter[column]
        if (wanted !== undefined) all.push(eb(`e.${column}`, '=', wanted))
      }
      if (filter.sinceMs !== undefined) all.push(eb('e.created_at_ms', '>=', filter.sinceMs))
      if (filter.untilMs !== undefined) all.push(eb('e.created_at_ms', '<', filter.untilMs))
      return eb.and(all)
    })
    .orderBy('e.id', 'desc')
    .limit(page.limit)
    .execute()
}

/** The least id there is, 0 without events. */
export async function firstEventId(db: Db): Promise<number> {
  const row = await db.selectFrom('events').select('id').orderBy('id').limit(1).executeTakeFirst()
  return row?.id ?? 0
}
