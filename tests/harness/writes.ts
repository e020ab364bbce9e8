import { threadId } from 'node:worker_threads'
import { sql } from 'kysely'
import { defineThreadBatch, type Outcome, type WriteTx } from '../../src/db/writes.ts'
import { badRequest } from '../../src/lib/errors.ts'

/** `full`: the file may not grow, and the user is too large for what is left. */
export type NewUser = { name: string; light?: boolean; refuse?: boolean; end?: boolean; full?: boolean }

const MOST_PAGES = 1_073_741_823

/** A batch that makes users, tells in which thread that was, refuses some, and can end its thread. */
export const userWrites = defineThreadBatch(import.meta.url, 'userWrites', {
  rowsOf: ({ light = false }: NewUser) => (light ? 1 : 1_000),
  flush: async (tx: WriteTx, items: NewUser[]): Promise<Outcome<{ thread: number; atMs: number }>[]> => {
    const outcomes: Outcome<{ thread: number; atMs: number }>[] = []
    for (const { name, refuse = false, end = false, full = false } of items) {
      if (end) process.exit(1)
      if (refuse) {
        outcomes.push({ error: badRequest(`no ${name}`, 'name') })
        continue
      }
      if (full) await sql`PRAGMA max_page_count = 1`.execute(tx.db)
      const password_hash = full ? 'x'.repeat(4 * 1024 * 1024) : null
      const row = { id: name, name, password_hash, is_admin: 0, created_at_ms: tx.now(), disabled_at_ms: null }
      try {
        await tx.db.insertInto('users').values(row).execute()
      } finally {
        if (full) await sql.raw(`PRAGMA max_page_count = ${MOST_PAGES}`).execute(tx.db)
      }
      outcomes.push({ value: { thread: threadId, atMs: tx.now() } })
    }
    tx.bus.poke()
    return outcomes
  },
})
