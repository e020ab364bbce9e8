import { type RawBuilder, sql } from 'kysely'
import { type Db, inChunks } from '../../db/dialect.ts'

/** Own writes only. A run from before writes were dated has its start. */
const HEARD: RawBuilder<number> = sql`COALESCE(r.last_write_at_ms, r.started_at_ms)`

export type SilentRun = {
  id: string
  project_id: string
  name: string
  heard_at_ms: number
  /** Until when a look found it silent before; null when none did. */
  noted_at_ms: number | null
}

/**
 * Running runs that were not heard since `beforeMs`, in the order of their ids; `after`: the last one of the page before.
 * Runs of jobs are left out: the platform watches their process.
 */
export async function silentRuns(db: Db, beforeMs: number, after: string, limit: number): Promise<SilentRun[]> {
  const { rows } = await sql<SilentRun>`
    SELECT r.id, r.project_id, r.name, ${HEARD} AS heard_at_ms, l.last_heard_at_ms AS noted_at_ms
    FROM runs AS r LEFT JOIN lost_runs AS l ON l.run_id = r.id
    WHERE r.status = 'RUNNING' AND r.id > ${after} AND r.lifecycle = 'active' AND r.job_id IS NULL AND ${HEARD} < ${beforeMs}
    ORDER BY r.id LIMIT ${limit}`.execute(db)
  return rows
}

/** When a run or one below it (its children, theirs …) was last heard: a parent may only wait while its children work. */
export async function lastHeard(db: Db, runId: string, depth: number): Promise<number> {
  const { rows } = await sql<{ at: number | null }>`
    WITH RECURSIVE below(id, depth) AS (
      SELECT id, 0 FROM runs WHERE id = ${runId}
      UNION
      SELECT t.run_id, b.depth + 1 FROM below AS b JOIN run_tags AS t
        ON t.value = b.id AND t.key = 'mlflow.parentRunId' AND length(t.value) <= 64
      WHERE b.depth < ${depth}
    )
    SELECT MAX(${HEARD}) AS at FROM runs AS r WHERE r.id IN (SELECT id FROM below)`.execute(db)
  return rows[0]?.at ?? 0
}

/** Notes a run as lost; false when somebody else noted the same silence. */
export async function putLostRun(
  db: Db,
  row: { run_id: string; project_id: string; last_heard_at_ms: number; noticed_at_ms: number },
): Promise<boolean> {
  const done = await db
    .insertInto('lost_runs')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .column('run_id')
        .doUpdateSet({ last_heard_at_ms: row.last_heard_at_ms, noticed_at_ms: row.noticed_at_ms })
        .where('lost_runs.last_heard_at_ms', '<', row.last_heard_at_ms),
    )
    .executeTakeFirst()
  return Number(done.numInsertedOrUpdatedRows ?? 0) > 0
}

export type LostRun = {
  run_id: string
  project_id: string
  name: string
  status: string
  last_heard_at_ms: number
  /** Of its own: runs below it may have been heard later. */
  heard_at_ms: number
  has_children: number | boolean
}

/** Runs that are noted as lost, in the order of their ids; `after`: the last one of the page before. */
export async function lostRunsAfter(db: Db, after: string, limit: number): Promise<LostRun[]> {
  const { rows } = await sql<LostRun>`
    SELECT l.run_id, l.project_id, r.name, r.status, l.last_heard_at_ms, ${HEARD} AS heard_at_ms, EXISTS (
      SELECT 1 FROM run_tags AS t
      WHERE t.value = l.run_id AND t.key = 'mlflow.parentRunId' AND length(t.value) <= 64) AS has_children
    FROM lost_runs AS l JOIN runs AS r ON r.id = l.run_id
    WHERE l.run_id > ${after} ORDER BY l.run_id LIMIT ${limit}`.execute(db)
  return rows
}

/** True when it was there. */
export async function deleteLostRun(db: Db, runId: string, lastHeardAtMs: number): Promise<boolean> {
  const done = await db
    .deleteFrom('lost_runs')
    .where('run_id', '=', runId)
    .where('last_heard_at_ms', '=', lastHeardAtMs)
    .executeTakeFirst()
  return Number(done.numDeletedRows) > 0
}

/** Those of these runs that are lost now: still said to be running, and not heard since that was noted. */
export async function lostAmong(
  db: Db,
  runIds: readonly string[],
): Promise<{ run_id: string; last_heard_at_ms: number }[]> {
  const found: { run_id: string; last_heard_at_ms: number }[] = []
  await inChunks(runIds, 1, async (chunk) => {
    const { rows } = await sql<{ run_id: string; last_heard_at_ms: number }>`
      SELECT l.run_id, l.last_heard_at_ms FROM lost_runs AS l JOIN runs AS r ON r.id = l.run_id
      WHERE l.run_id IN (${sql.join(chunk)}) AND r.status = 'RUNNING' AND ${HEARD} <= l.last_heard_at_ms`.execute(db)
    found.push(...rows)
  })
  return found
}
