import { sql } from 'kysely'
import { type Db, inChunks } from '../../db/dialect.ts'
import { BLOB_REFERENCES, lockUntilCommit } from '../../db/locks.ts'

export type BlobKind = 'content' | 'objects'

/**
 * Every column that refers to a blob. A new one belongs here, or the sweep removes what it refers to: a test compares this
 * list with the columns of the schema.
 */
export const REFERENCES = {
  content: [
    ['dataset_files', 'sha256'],
    ['code_files', 'sha256'],
    ['model_forms', 'blob_sha256'],
    ['project_blobs', 'sha256'],
  ],
  objects: [
    ['artifact_entries', 'object_id'],
    ['artifact_uploads', 'object_id'],
  ],
} as const satisfies Record<BlobKind, readonly (readonly [table: string, column: string])[]>

/** Content that a project may use but that no file of it uses, untouched since `cutoffMs`. */
const stale = (alias: string, cutoffMs: number) => {
  const p = sql.raw(alias)
  return sql`${p}.used_at_ms < ${cutoffMs} AND ${p}.created_at_ms < ${cutoffMs}
    AND NOT EXISTS (SELECT 1 FROM dataset_files AS f JOIN dataset_versions AS v ON v.id = f.version_id
      WHERE f.sha256 = ${p}.sha256 AND v.project_id = ${p}.project_id)
    AND NOT EXISTS (SELECT 1 FROM code_files AS k WHERE k.sha256 = ${p}.sha256 AND k.project_id = ${p}.project_id)`
}

/**
 * Those of these blobs that something refers to.
 * @param cutoffMs leaves out content that projects were sent and never used, when nobody asked for it since
 */
export async function referenced(db: Db, kind: BlobKind, ids: readonly string[], cutoffMs = 0): Promise<Set<string>> {
  const found = new Set<string>()
  for (const [table, column] of REFERENCES[kind]) {
    await inChunks(ids, 1, async (chunk) => {
      const among = sql`t.${sql.raw(column)} IN (${sql.join(chunk)})`
      const counts = table === 'project_blobs' ? sql`${among} AND NOT (${stale('t', cutoffMs)})` : among
      const { rows } = await sql<{ id: string }>`
        SELECT t.${sql.raw(column)} AS id FROM ${sql.table(table)} AS t WHERE ${counts}`.execute(db)
      for (const row of rows) found.add(row.id)
    })
  }
  return found
}

/** How many different blobs are referred to. */
export async function countReferenced(db: Db, kind: BlobKind): Promise<number> {
  const all = REFERENCES[kind].map(
    ([table, column]) =>
      sql`SELECT ${sql.raw(column)} AS id FROM ${sql.table(table)} WHERE ${sql.raw(column)} IS NOT NULL`,
  )
  const { rows } = await sql<{ n: number }>`SELECT COUNT(*) AS n FROM (${sql.join(all, sql` UNION `)}) AS t`.execute(db)
  return Number(rows[0]?.n ?? 0)
}

/**
 * Takes from projects the content that they never used and nobody asked for since `cutoffMs`. Call it in a transaction of
 * its own. @returns how many
 */
export async function dropStaleHoldings(
  db: Db,
  cutoffMs: number,
  only?: { projectId: string; ids: readonly string[] },
): Promise<number> {
  // Alone: what others are writing references to now is either seen, or not there for them any more.
  await lockUntilCommit(db, BLOB_REFERENCES, 'alone')
  const where =
    only === undefined
      ? sql`1 = 1`
      : sql`project_blobs.project_id = ${only.projectId} AND project_blobs.sha256 IN (${sql.join([...only.ids])})`
  const done = await sql`DELETE FROM project_blobs WHERE ${where} AND ${stale('project_blobs', cutoffMs)}`.execute(db)
  return Number(done.numAffectedRows ?? 0)
}

/** When the last of these contents was used that only waits for its time to pass; null when none does. */
export async function lastUseOfHoldings(
  db: Db,
  projectId: string,
  ids: readonly string[],
  nowMs: number,
): Promise<number | null> {
  const { rows } = await sql<{ at: number | null }>`SELECT MAX(p.used_at_ms) AS at FROM project_blobs AS p
    WHERE p.project_id = ${projectId} AND p.sha256 IN (${sql.join([...ids])}) AND ${stale('p', nowMs + 1)}`.execute(db)
  return rows[0]?.at ?? null
}

/**
 * Names those of these blobs that nothing refers to, for the sweep that calls and until `untilMs`. Holds the lock that
 * keeps everybody else from taking a reference meanwhile.
 * @returns the blobs that this sweep may remove
 */
export async function condemn(
  db: Db,
  kind: BlobKind,
  ids: readonly string[],
  { nowMs, untilMs }: { nowMs: number; untilMs: number },
): Promise<string[]> {
  await lockUntilCommit(db, BLOB_REFERENCES, 'alone')
  await db.deleteFrom('condemned_blobs').where('until_ms', '<', nowMs).execute()
  const used = await referenced(db, kind, ids)
  const free = [...new Set(ids)].filter((id) => !used.has(id))
  if (free.length === 0) return []
  const rows = await db
    .insertInto('condemned_blobs')
    .values(free.map((id) => ({ kind, id, until_ms: untilMs })))
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .execute()
  return rows.map((row) => row.id)
}

export async function pardon(db: Db, kind: BlobKind, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await db
    .deleteFrom('condemned_blobs')
    .where('kind', '=', kind)
    .where('id', 'in', [...ids])
    .execute()
}

/**
 * Whether a sweep is about to remove one of these blobs. From now until this transaction ends no sweep begins to: call it
 * before a reference is written.
 */
export async function anyCondemned(db: Db, kind: BlobKind, ids: readonly string[], nowMs: number): Promise<boolean> {
  await lockUntilCommit(db, BLOB_REFERENCES, 'shared')
  let found = false
  await inChunks(ids, 1, async (chunk) => {
    if (found) return
    const row = await db
      .selectFrom('condemned_blobs')
      .select('id')
      .where('kind', '=', kind)
      .where('id', 'in', chunk)
      .where('until_ms', '>=', nowMs)
      .limit(1)
      .executeTakeFirst()
    found = row !== undefined
  })
  return found
}
