import { threadId } from 'node:worker_threads'
import { defineThreadBatch, type Outcome, type WriteTx } from '../../src/db/writes.ts'
import { badRequest } from '../../src/lib/errors.ts'

export type NewUser = { name: string; refuse?: boolean; end?: boolean }

/** A batch that makes users, tells in which thread that was, refuses some, and can end its thread. */
export const userWrites = defineThreadBatch(import.meta.url, 'userWrites', {
  flush: async (tx: WriteTx, items: NewUser[]): Promise<Outcome<{ thread: number; atMs: number }>[]> => {
    const outcomes: Outcome<{ thread: number; atMs: number }>[] = []
    for (const { name, refuse = false, end = false } of items) {
      if (end) process.exit(1)
      if (refuse) {
        outcomes.push({ error: badRequest(`no ${name}`, 'name') })
        continue
      }
      const row = { id: name, name, password_hash: null, is_admin: 0, created_at_ms: tx.now(), disabled_at_ms: null }
      await tx.db.insertInto('users').values(row).execute()
      outcomes.push({ value: { thread: threadId, atMs: tx.now() } })
    }
    tx.bus.poke()
    return outcomes
  },
})
