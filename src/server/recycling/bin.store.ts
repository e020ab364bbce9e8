import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import { NOT_CREATED } from '../../db/partial-indexes.ts'
import type { BinKind } from '../../db/tables/recycling.ts'

/** One thing in the bin. */
export type BinRow = {
  id: string
  name: string
  deleted_at_ms: number
  /** How its events name it. */
  subject: string
  /** Things that were deleted with it and come back with it: runs of an experiment, versions of a model or dataset. */
  contents: number
}

const gone = (kind: BinKind, id: string) =>
  sql`NOT EXISTS (SELECT 1 FROM tombstones AS g WHERE g.kind = ${sql.lit(kind)} AND g.thing_id = ${sql.raw(id)})`

/**
 * What of a kind lies in a project's bin, as the inside of a query. What went with something larger is not listed by
 * itself: it comes back with that.
 */
function deleted(kind: BinKind, projectId: string): RawBuilder<unknown> {
  switch (kind) {
    case 'experiment':
      return sql`SELECT e.id AS row_id, CASE WHEN e.is_default = 1 THEN '0' ELSE COALESCE(e.wire_id, CAST(e.id AS TEXT)) END AS id, e.name,
          e.updated_at_ms AS deleted_at_ms, (SELECT COUNT(*) FROM runs AS r WHERE r.experiment_id = e.id) AS contents
        FROM experiments AS e
        WHERE e.project_id = ${projectId} AND e.lifecycle = 'deleted' AND ${gone(kind, 'CAST(e.id AS TEXT)')}`
    case 'run':
      return sql`SELECT r.id AS row_id, r.id, r.name, COALESCE(r.deleted_at_ms, r.started_at_ms) AS deleted_at_ms, 0 AS contents
        FROM runs AS r JOIN experiments AS e ON e.id = r.experiment_id
        WHERE r.project_id = ${projectId} AND r.lifecycle = 'deleted' AND e.lifecycle = 'active'`
    case 'logged_model':
      return sql`SELECT m.id AS row_id, m.id, m.name, m.updated_at_ms AS deleted_at_ms, 0 AS contents
        FROM logged_models AS m JOIN experiments AS e ON e.id = m.experiment_id
        WHERE m.project_id = ${projectId} AND m.lifecycle = 'deleted' AND e.lifecycle = 'active'`
    case 'model':
      return sql`SELECT m.id AS row_id, m.id, m.name, m.deleted_at_ms,
          (SELECT COUNT(*) FROM model_versions AS v WHERE v.model_id = m.id AND v.deleted_at_ms >= m.deleted_at_ms) AS contents
        FROM registered_models AS m
        WHERE m.project_id = ${projectId} AND m.deleted_at_ms IS NOT NULL AND ${gone(kind, 'm.id')}`
    case 'model_version':
      return sql`SELECT v.id AS row_id, v.id, m.name || '/' || v.version AS name, v.deleted_at_ms, 0 AS contents
        FROM model_versions AS v JOIN registered_models AS m ON m.id = v.model_id
        WHERE v.project_id = ${projectId} AND v.deleted_at_ms IS NOT NULL AND m.deleted_at_ms IS NULL AND ${gone(kind, 'v.id')}`
    case 'dataset':
      return sql`SELECT d.id AS row_id, d.id, d.name, d.deleted_at_ms,
          (SELECT COUNT(*) FROM dataset_versions AS v WHERE v.dataset_id = d.id AND v.deleted_at_ms IS NULL) AS contents
        FROM datasets AS d
        WHERE d.project_id = ${projectId} AND d.deleted_at_ms IS NOT NULL AND ${gone(kind, 'd.id')}`
    case 'dataset_version':
      return sql`SELECT v.id AS row_id, v.id, d.name || '/' || v.version AS name, v.deleted_at_ms, 0 AS contents
        FROM dataset_versions AS v JOIN datasets AS d ON d.id = v.dataset_id
        WHERE v.project_id = ${projectId} AND v.deleted_at_ms IS NOT NULL AND d.deleted_at_ms IS NULL AND ${gone(kind, 'v.id')}`
  }
}

type Found = Omit<BinRow, 'subject'>

function toRow(kind: BinKind, row: Found): BinRow {
  const byName = kind === 'model' || kind === 'model_version' || kind === 'dataset' || kind === 'dataset_version'
  return {
    id: row.id,
    name: row.name,
    deleted_at_ms: row.deleted_at_ms,
    contents: Number(row.contents),
    subject: byName ? row.name : row.id,
  }
}

/** Where a page of the bin begins: behind what was deleted at this time, and of that time behind this kind and id. */
export type BinCursor = { deletedAtMs: number; kind: BinKind; id: string }

/** Things of one kind, the newest deletion first. */
export async function binRows(
  db: Db,
  projectId: string,
  kind: BinKind,
  after: BinCursor | null,
  limit: number,
): Promise<BinRow[]> {
  let where = sql`1 = 1`
  if (after !== null && kind > after.kind) where = sql`deleted_at_ms <= ${after.deletedAtMs}`
  if (after !== null && kind < after.kind) where = sql`deleted_at_ms < ${after.deletedAtMs}`
  if (after !== null && kind === after.kind)
    where = sql`(deleted_at_ms < ${after.deletedAtMs} OR (deleted_at_ms = ${after.deletedAtMs} AND id > ${after.id}))`
  const { rows } = await sql<Found>`SELECT id, name, deleted_at_ms, contents FROM (${deleted(kind, projectId)}) AS t
    WHERE ${where} ORDER BY deleted_at_ms DESC, id LIMIT ${limit}`.execute(db)
  return rows.map((row) => toRow(kind, row))
}

export async function binRow(db: Db, projectId: string, kind: BinKind, id: string): Promise<BinRow | undefined> {
  const { rows } = await sql<Found>`SELECT id, name, deleted_at_ms, contents FROM (${deleted(kind, projectId)}) AS t
    WHERE id = ${id}`.execute(db)
  return rows[0] === undefined ? undefined : toRow(kind, rows[0])
}

/** What of a kind was deleted before a moment, in any project: the oldest first. */
export async function expiredRows(
  db: Db,
  kind: BinKind,
  beforeMs: number,
  limit: number,
): Promise<{ project_id: string; id: string }[]> {
  const found: { project_id: string; id: string }[] = []
  for (const { id: projectId } of await db.selectFrom('projects').select('id').orderBy('id').execute()) {
    const { rows } = await sql<{ id: string }>`SELECT id FROM (${deleted(kind, projectId)}) AS t
      WHERE deleted_at_ms < ${beforeMs} ORDER BY deleted_at_ms, id LIMIT ${limit - found.length}`.execute(db)
    found.push(...rows.map(({ id }) => ({ project_id: projectId, id })))
    if (found.length >= limit) break
  }
  return found
}

/** Who deleted these things: by kind and subject, the deletion nearest in time to what the row says. */
export async function deletions(
  db: Db,
  projectId: string,
  kind: BinKind,
  subjects: readonly string[],
): Promise<{ subject: string; actor: string; created_at_ms: number }[]> {
  if (subjects.length === 0) return []
  return db
    .selectFrom('events')
    .select(['subject', 'actor', 'created_at_ms'])
    .where('project_id', '=', projectId)
    .where('kind', '=', kind)
    .where('subject', 'in', [...subjects])
    .where('verb', '=', 'deleted')
    .where(NOT_CREATED)
    .where('result', '=', 'done')
    .execute()
}

/** Takes a thing out of the bin. False when it is not there any more. @throws on a taken name (unique constraint) */
export async function bringBack(
  db: Db,
  projectId: string,
  kind: 'logged_model' | 'model' | 'model_version' | 'dataset' | 'dataset_version',
  row: BinRow,
  nowMs: number,
): Promise<void> {
  if (kind === 'logged_model') {
    await db
      .updateTable('logged_models')
      .set({ lifecycle: 'active', updated_at_ms: nowMs })
      .where('id', '=', row.id)
      .where('project_id', '=', projectId)
      .execute()
    return
  }
  if (kind === 'dataset' || kind === 'dataset_version') {
    const table = kind === 'dataset' ? 'datasets' : 'dataset_versions'
    await db
      .updateTable(table)
      .set({ deleted_at_ms: null })
      .where('id', '=', row.id)
      .where('project_id', '=', projectId)
      .execute()
    return
  }
  const table = kind === 'model' ? 'registered_models' : 'model_versions'
  await db
    .updateTable(table)
    .set({ deleted_at_ms: null, updated_at_ms: nowMs })
    .where('id', '=', row.id)
    .where('project_id', '=', projectId)
    .execute()
  if (kind === 'model') {
    // Those that were deleted before the model was stay in the bin by themselves.
    await db
      .updateTable('model_versions')
      .set({ deleted_at_ms: null, updated_at_ms: nowMs })
      .where('model_id', '=', row.id)
      .where('deleted_at_ms', '>=', row.deleted_at_ms)
      .execute()
  }
}
