import { type Selectable, type SqlBool, sql } from 'kysely'
import { type Db, skipLocked } from '../../db/dialect.ts'
import type { TasksTable } from '../../db/tables/identity.ts'

export type TaskRow = Selectable<TasksTable>

/** Adds a task; does nothing when an unfinished one has the same dedupe key. */
export async function insertTask(db: Db, row: TaskRow): Promise<void> {
  await db
    .insertInto('tasks')
    .values(row)
    .onConflict((conflict) =>
      // As literals: SQLite does not recognise the partial index behind bound parameters.
      conflict.column('dedupe_key').where(sql<SqlBool>`state IN ('queued', 'running')`).doNothing(),
    )
    .execute()
}

/** Which kinds of task somebody takes: these, or all but these. */
export type TaskKinds = { kinds: readonly string[]; taken: boolean }

/** Takes the oldest due task, or one whose owner's lease ran out. Null when nothing is due. */
export async function claimTask(
  db: Db,
  owner: string,
  nowMs: number,
  leaseMs: number,
  { kinds, taken }: TaskKinds,
): Promise<TaskRow | null> {
  const ofKind =
    kinds.length === 0
      ? sql`1 = ${taken ? 0 : 1}`
      : taken
        ? sql`kind IN (${sql.join(kinds)})`
        : sql`kind NOT IN (${sql.join(kinds)})`
  const due = sql`
    SELECT id FROM tasks
    WHERE ((state = 'queued' AND run_after_ms <= ${nowMs}) OR (state = 'running' AND lease_until_ms < ${nowMs}))
      AND ${ofKind}
    ORDER BY run_after_ms, id LIMIT 1`
  // Most looks find nothing: those take no lock, which on SQLite is the only one there is for writers.
  if ((await sql`${due}`.execute(db)).rows.length === 0) return null
  return db.transaction().execute(async (tx) => {
    const found = await sql<{ id: string }>`${due} ${skipLocked(tx)}`.execute(tx)
    const id = found.rows[0]?.id
    if (id === undefined) return null
    const row = await tx
      .updateTable('tasks')
      .set((eb) => ({
        state: 'running' as const,
        lease_owner: owner,
        lease_until_ms: nowMs + leaseMs,
        attempts: eb('attempts', '+', 1),
      }))
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst()
    return row ?? null
  })
}

export async function extendTaskLease(db: Db, id: string, owner: string, untilMs: number): Promise<void> {
  await db
    .updateTable('tasks')
    .set({ lease_until_ms: untilMs })
    .where('id', '=', id)
    .where('lease_owner', '=', owner)
    .execute()
}

export async function finishTask(db: Db, id: string): Promise<void> {
  await db
    .updateTable('tasks')
    .set({ state: 'done', lease_owner: null, lease_until_ms: null, error: null })
    .where('id', '=', id)
    .execute()
}

export async function retryTask(db: Db, id: string, error: string, runAfterMs: number | null): Promise<void> {
  await db
    .updateTable('tasks')
    .set({
      state: runAfterMs === null ? 'failed' : 'queued',
      error,
      lease_owner: null,
      lease_until_ms: null,
      ...(runAfterMs === null ? {} : { run_after_ms: runAfterMs }),
    })
    .where('id', '=', id)
    .execute()
}

export async function deleteDoneTasks(db: Db, beforeMs: number): Promise<void> {
  await db.deleteFrom('tasks').where('state', '=', 'done').where('created_at_ms', '<', beforeMs).execute()
}

/** Who holds tasks now. */
export async function taskOwners(db: Db): Promise<string[]> {
  const rows = await db.selectFrom('tasks').select('lease_owner').distinct().where('state', '=', 'running').execute()
  return rows.flatMap((row) => (row.lease_owner === null ? [] : [row.lease_owner]))
}

/** Frees what an owner held. */
export async function releaseTasksOf(db: Db, owner: string): Promise<void> {
  await db
    .updateTable('tasks')
    .set({ state: 'queued', lease_owner: null, lease_until_ms: null })
    .where('state', '=', 'running')
    .where('lease_owner', '=', owner)
    .execute()
}
