import { sql } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { MetricRow } from './run-data.store.ts'

function pointsOf(db: Db, projectId: string, runId: string, key: string) {
  return db
    .selectFrom('metrics')
    .selectAll()
    .where('run_id', '=', runId)
    .where('key', '=', key)
    .where((eb) =>
      eb.exists(
        eb.selectFrom('runs').select('runs.id').where('runs.id', '=', runId).where('runs.project_id', '=', projectId),
      ),
    )
}

/** Points by time, step, value. `limit` null: all. */
export async function pointsByTime(
  db: Db,
  projectId: string,
  runId: string,
  key: string,
  page: { offset: number; limit: number | null },
): Promise<MetricRow[]> {
  const query = pointsOf(db, projectId, runId, key)
    .orderBy('timestamp_ms')
    .orderBy('step')
    .orderBy('value')
    .orderBy('is_nan')
  return page.limit === null ? query.execute() : query.offset(page.offset).limit(page.limit).execute()
}

export async function countPoints(db: Db, projectId: string, runId: string, key: string): Promise<number> {
  const row = await pointsOf(db, projectId, runId, key)
    .clearSelect()
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** The next points after one, in the order of the primary key (step, time, value): the cheapest way through all of them. */
export async function pointsAfter(
  db: Db,
  projectId: string,
  runId: string,
  key: string,
  after: MetricRow | null,
  limit: number,
): Promise<MetricRow[]> {
  let query = pointsOf(db, projectId, runId, key)
  if (after !== null) {
    query = query.where(
      sql<boolean>`(step, timestamp_ms, value, is_nan) > (${after.step}, ${after.timestamp_ms}, ${after.value}, ${after.is_nan})`,
    )
  }
  return query.orderBy('step').orderBy('timestamp_ms').orderBy('value').orderBy('is_nan').limit(limit).execute()
}

/** Of each run at most `limit` points by step, evenly spread, the first and the last always among them. */
export async function sampledPoints(
  db: Db,
  projectId: string,
  search: { runIds: readonly string[]; key: string; fromStep: number | null; toStep: number | null; limit: number },
): Promise<MetricRow[]> {
  const { runIds, key, fromStep, toStep, limit } = search
  const gaps = Math.max(1, limit - 1)
  const range = fromStep === null || toStep === null ? sql`` : sql`AND m.step >= ${fromStep} AND m.step <= ${toStep}`
  const { rows } = await sql<MetricRow>`
    SELECT run_id, key, step, timestamp_ms, value, is_nan FROM (
      SELECT m.*, ROW_NUMBER() OVER (PARTITION BY m.run_id ORDER BY m.step, m.timestamp_ms, m.value, m.is_nan) AS place,
        COUNT(*) OVER (PARTITION BY m.run_id) AS points
      FROM metrics AS m JOIN runs AS r ON r.id = m.run_id
      WHERE m.run_id IN (${sql.join(runIds)}) AND m.key = ${key} AND r.project_id = ${projectId} ${range}
    ) AS numbered
    WHERE points <= ${limit} OR place = points OR (place - 1) % ((points + ${gaps} - 1) / ${gaps}) = 0
    ORDER BY run_id, step, timestamp_ms, value`.execute(db)
  return rows
}
