import { readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Context } from '../../src/context.ts'

/** A generator of the same numbers for the same seed (mulberry32). */
export function seeded(seed: number) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    below: (limit: number) => Math.floor(next() * limit),
    one: <T>(items: readonly T[]): T | undefined => items[Math.floor(next() * items.length)],
  }
}

/** Every blob on the disk, as `kind/id`. */
export async function onDisk(ctx: Context): Promise<string[]> {
  const found: string[] = []
  for (const kind of ['content', 'objects'] as const)
    for await (const { id } of ctx.blobs.list(kind)) found.push(`${kind}/${id}`)
  return found.sort()
}

/** Every blob that the database refers to, asked in other words than the sweep asks. */
export async function inDatabase(ctx: Context): Promise<string[]> {
  const { rows } = await sql<{ blob: string }>`
    SELECT 'content/' || sha256 AS blob FROM dataset_files
    UNION SELECT 'content/' || sha256 FROM code_files
    UNION SELECT 'content/' || sha256 FROM project_blobs
    UNION SELECT 'content/' || blob_sha256 FROM model_forms WHERE blob_sha256 IS NOT NULL
    UNION SELECT 'objects/' || object_id FROM artifact_entries WHERE object_id IS NOT NULL`.execute(ctx.db)
  return rows.map((row) => row.blob).sort()
}

const LONG_AGO_MS = 30 * 24 * 3600_000

/** Makes everything that lies in the store now, and every upload noted by now, a month old. */
export async function age(ctx: Context, blobsFolder: string): Promise<void> {
  const then = (Date.now() - LONG_AGO_MS) / 1_000
  for (const kind of ['content', 'objects']) {
    for (const entry of await readdir(join(blobsFolder, kind), { recursive: true, withFileTypes: true }).catch(
      () => [],
    ))
      if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), then, then).catch(() => {})
  }
  await ctx.db
    .updateTable('project_blobs')
    .set({ used_at_ms: Date.now() - LONG_AGO_MS, created_at_ms: Date.now() - LONG_AGO_MS })
    .execute()
}

/** Waits until no task of a kind is due. */
export async function tasksDone(ctx: Context, kind: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const due = await ctx.db
      .selectFrom('tasks')
      .select('id')
      .where('kind', '=', kind)
      .where('state', 'in', ['queued', 'running'])
      .where('run_after_ms', '<=', Date.now())
      .executeTakeFirst()
    if (due === undefined) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`tasks of kind ${kind} are still waiting`)
}
