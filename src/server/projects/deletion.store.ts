import { sql } from 'kysely'
import { type Db, skipLocked } from '../../db/dialect.ts'
import type { Tables } from '../../db/tables.ts'

/** What a project holds, by table, in the words of a sentence. Deleted things that can be restored or told of count too. */
export const PROJECT_CONTENT = {
  experiments: 'experiments',
  runs: 'runs',
  logged_models: 'logged models',
  traces: 'traces',
  eval_datasets: 'evaluation datasets',
  registered_models: 'registered models',
  datasets: 'datasets',
  project_blobs: 'uploaded files',
  artifact_entries: 'artifacts',
  artifact_uploads: 'unfinished uploads',
  code_files: 'files of code',
  jobs: 'jobs',
  endpoints: 'endpoints',
} as const satisfies Partial<Record<keyof Tables, string>>

/**
 * The project's row, locked against whatever refers to it, so that nothing comes in while it is looked through. Undefined
 * when somebody is writing into it just now (PostgreSQL; SQLite has one writer).
 */
export async function lockProject(db: Db, id: string): Promise<{ id: string } | undefined> {
  const found = await sql<{ id: string }>`SELECT id FROM projects WHERE id = ${id} ${skipLocked(db)}`.execute(db)
  return found.rows[0]
}

/** What the project holds beside its own Default experiment: `2 runs`, `1 datasets`. */
export async function contentOf(db: Db, id: string): Promise<string[]> {
  const held: string[] = []
  for (const [table, words] of Object.entries(PROJECT_CONTENT)) {
    const own = table === 'experiments' ? sql`AND is_default = 0` : sql``
    const { rows } = await sql<{
      count: number
    }>`SELECT count(*) AS count FROM ${sql.table(table)} WHERE project_id = ${id} ${own}`.execute(db)
    const count = Number(rows[0]?.count ?? 0)
    if (count > 0) held.push(`${count} ${count === 1 ? words.replace(/s$/, '').replace('files of', 'file of') : words}`)
  }
  return held
}

/** Deletes the row; members, tokens of jobs, webhooks and the Default experiment go with it. */
export async function deleteProject(db: Db, id: string): Promise<void> {
  await db.deleteFrom('projects').where('id', '=', id).execute()
}
