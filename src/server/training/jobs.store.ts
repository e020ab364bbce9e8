import { type Selectable, sql } from 'kysely'
import { type Db, skipLocked } from '../../db/dialect.ts'
import type { JobState, JobsTable } from '../../db/tables/training.ts'

export type JobRow = Selectable<JobsTable>
export type { JobState }

/** States in which a runner holds the job by a lease. */
const HELD: JobState[] = ['preparing', 'running']

export async function insertJob(db: Db, row: JobRow): Promise<void> {
  await db.insertInto('jobs').values(row).execute()
}

export async function jobById(db: Db, id: string): Promise<JobRow | undefined> {
  return db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function projectJob(db: Db, projectId: string, id: string): Promise<JobRow | undefined> {
  return db.selectFrom('jobs').selectAll().where('project_id', '=', projectId).where('id', '=', id).executeTakeFirst()
}

export type JobFilter = { state?: JobState; kind?: JobRow['kind']; before?: string; limit: number }

/** A project's jobs, newest first (ids are ordered by time). */
export async function projectJobs(db: Db, projectId: string, filter: JobFilter): Promise<JobRow[]> {
  let query = db
    .selectFrom('jobs')
    .selectAll()
    .where('project_id', '=', projectId)
    .orderBy('id', 'desc')
    .limit(filter.limit)
  if (filter.state !== undefined) query = query.where('state', '=', filter.state)
  if (filter.kind !== undefined) query = query.where('kind', '=', filter.kind)
  if (filter.before !== undefined) query = query.where('id', '<', filter.before)
  return query.execute()
}

/** Takes the oldest queued job of an executor for `owner`; null when there is none. Two runners never get the same one. */
export async function claimJob(db: Db, executor: string, owner: string, leaseUntilMs: number): Promise<JobRow | null> {
  return db.transaction().execute(async (tx) => {
    const found = await sql<{ id: string }>`
      SELECT id FROM jobs WHERE state = 'queued' AND executor = ${executor}
      ORDER BY created_at_ms, id LIMIT 1 ${skipLocked(tx)}`.execute(tx)
    const id = found.rows[0]?.id
    if (id === undefined) return null
    const row = await tx
      .updateTable('jobs')
      .set({ state: 'preparing', lease_owner: owner, lease_until_ms: leaseUntilMs, process: null, error: null })
      .where('id', '=', id)
      .where('state', '=', 'queued')
      .returningAll()
      .executeTakeFirst()
    return row ?? null
  })
}

/** The jobs that `owner` holds. */
export async function heldJobs(
  db: Db,
  owner: string,
): Promise<{ id: string; cancel_requested_at_ms: number | null }[]> {
  return db
    .selectFrom('jobs')
    .select(['id', 'cancel_requested_at_ms'])
    .where('state', 'in', HELD)
    .where('lease_owner', '=', owner)
    .execute()
}

export async function extendLeases(db: Db, owner: string, untilMs: number): Promise<void> {
  await db
    .updateTable('jobs')
    .set({ lease_until_ms: untilMs })
    .where('state', 'in', HELD)
    .where('lease_owner', '=', owner)
    .execute()
}

/** Jobs in work that somebody else holds, or nobody. */
export async function jobsOfOthers(db: Db, executor: string, owner: string): Promise<JobRow[]> {
  return db
    .selectFrom('jobs')
    .selectAll()
    .where('state', 'in', HELD)
    .where('executor', '=', executor)
    .where((eb) => eb.or([eb('lease_owner', 'is', null), eb('lease_owner', '!=', owner)]))
    .orderBy('id')
    .execute()
}

/** Moves a job's lease from the owner and time that were read to a new one; false when somebody was faster. */
export async function takeLease(db: Db, job: JobRow, owner: string, untilMs: number): Promise<boolean> {
  const result = await db
    .updateTable('jobs')
    .set({ lease_owner: owner, lease_until_ms: untilMs })
    .where('id', '=', job.id)
    .where('state', '=', job.state)
    .where('lease_owner', job.lease_owner === null ? 'is' : '=', job.lease_owner)
    .where('lease_until_ms', job.lease_until_ms === null ? 'is' : '=', job.lease_until_ms)
    .executeTakeFirst()
  return Number(result.numUpdatedRows) > 0
}

/** At a stop: whoever comes next may take these jobs at once. */
export async function releaseLeases(db: Db, owner: string, nowMs: number): Promise<void> {
  await db
    .updateTable('jobs')
    .set({ lease_owner: null, lease_until_ms: nowMs })
    .where('state', 'in', HELD)
    .where('lease_owner', '=', owner)
    .execute()
}

/** Changes a job that `owner` holds in one of `from`; false when it is not so any more. */
export async function changeHeldJob(
  db: Db,
  id: string,
  owner: string,
  from: JobState[],
  change: Partial<JobRow>,
): Promise<boolean> {
  const result = await db
    .updateTable('jobs')
    .set(change)
    .where('id', '=', id)
    .where('state', 'in', from)
    .where('lease_owner', '=', owner)
    .executeTakeFirst()
  return Number(result.numUpdatedRows) > 0
}

/** Ends a job that no runner has taken yet; false when one has. */
export async function changeQueuedJob(db: Db, id: string, change: Partial<JobRow>): Promise<boolean> {
  const result = await db
    .updateTable('jobs')
    .set(change)
    .where('id', '=', id)
    .where('state', '=', 'queued')
    .executeTakeFirst()
  return Number(result.numUpdatedRows) > 0
}

/** Asks for the end of a job in work; false when it is not in work any more. */
export async function askToCancel(db: Db, id: string, nowMs: number): Promise<boolean> {
  const result = await db
    .updateTable('jobs')
    .set((eb) => ({ cancel_requested_at_ms: eb.fn.coalesce('cancel_requested_at_ms', eb.val(nowMs)) }))
    .where('id', '=', id)
    .where('state', 'in', HELD)
    .executeTakeFirst()
  return Number(result.numUpdatedRows) > 0
}

/** Lately lost jobs: their host may come back and still have them. */
export async function lostJobsSince(db: Db, sinceMs: number): Promise<JobRow[]> {
  return db.selectFrom('jobs').selectAll().where('state', '=', 'lost').where('finished_at_ms', '>', sinceMs).execute()
}
