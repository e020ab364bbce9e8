import { type ExpressionBuilder, sql } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { Tables } from '../../db/tables.ts'

/** The character after "/": what lies below `a/b` begins with `a/b/` and comes before `a/b0`. */
const AFTER_SLASH = '0'

function below(path: string) {
  return (eb: ExpressionBuilder<Tables, 'artifact_entries'>) =>
    eb.or([
      eb('folder', '=', path),
      eb.and([eb('folder', '>=', `${path}/`), eb('folder', '<', `${path}${AFTER_SLASH}`)]),
    ])
}

/** Bytes below a folder of a project's artifacts whose objects no other file has. */
export async function folderBytes(db: Db, projectId: string, path: string): Promise<number> {
  const { rows } = await sql<{ bytes: number | null }>`
    SELECT SUM(e.size_bytes) AS bytes FROM artifact_entries AS e
    WHERE e.project_id = ${projectId} AND e.object_id IS NOT NULL
      AND (e.folder = ${path} OR (e.folder >= ${`${path}/`} AND e.folder < ${`${path}${AFTER_SLASH}`}))
      AND NOT EXISTS (
        SELECT 1 FROM artifact_entries AS o WHERE o.object_id = e.object_id AND NOT (o.project_id = ${projectId}
          AND (o.folder = ${path} OR (o.folder >= ${`${path}/`} AND o.folder < ${`${path}${AFTER_SLASH}`})))
      )`.execute(db)
  return Number(rows[0]?.bytes ?? 0)
}

/** Removes a folder with everything below it; its objects' ids, for the sweep. */
export async function deleteFolder(db: Db, projectId: string, path: string): Promise<string[]> {
  const slash = path.lastIndexOf('/')
  const all = db.deleteFrom('artifact_entries').where('project_id', '=', projectId).returning('object_id')
  // The folder itself first: whoever writes below it holds it, and is waited for (PostgreSQL); what they wrote goes too.
  const own = await all
    .where('folder', '=', slash < 0 ? '' : path.slice(0, slash))
    .where('name', '=', path.slice(slash + 1))
    .execute()
  const removed = [...own, ...(await all.where(below(path)).execute())]
  return removed.flatMap(({ object_id }) => (object_id === null ? [] : [object_id]))
}
