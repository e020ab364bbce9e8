import type { Db } from '../../db/dialect.ts'
import { type EventRow, eventsAfter, lastEventId } from './events.store.ts'

type Listener = (event: EventRow) => void

/**
 * Tells listeners of this process about committed events, whoever wrote them: another request, another replica on the
 * same PostgreSQL. `poke` makes it look soon; a slow poll finds what other processes wrote. The table is the truth, so
 * a rolled-back transaction is never announced.
 */
export type Bus = {
  /** Something was (or will in a moment be) committed. */
  poke(): void
  subscribe(listener: Listener): () => void
  start(): Promise<void>
  stop(): Promise<void>
}

const SOON_MS = 15
const POLL_MS = 1_000
/** On PostgreSQL ids may be committed out of order: look this far behind the newest one seen. */
const OVERLAP = 50

export function createBus(db: Db): Bus {
  const listeners = new Set<Listener>()
  const seen = new Set<number>()
  let newest = 0
  let timer: NodeJS.Timeout | undefined
  let due = Number.POSITIVE_INFINITY
  let stopped = true
  let working: Promise<void> = Promise.resolve()

  function schedule(delayMs: number): void {
    if (stopped || Date.now() + delayMs >= due) return
    clearTimeout(timer)
    due = Date.now() + delayMs
    timer = setTimeout(() => {
      due = Number.POSITIVE_INFINITY
      working = look().finally(() => schedule(POLL_MS))
    }, delayMs)
    timer.unref()
  }

  async function look(): Promise<void> {
    if (listeners.size === 0) return
    try {
      for (const event of await eventsAfter(db, Math.max(0, newest - OVERLAP), 1_000)) {
        newest = Math.max(newest, event.id)
        if (seen.has(event.id)) continue
        seen.add(event.id)
        for (const listener of listeners) listener(event)
      }
      for (const id of seen) if (id < newest - OVERLAP) seen.delete(id)
    } catch {
      // The database is away for a moment: the next poll reads the same events.
    }
  }

  return {
    poke: () => schedule(SOON_MS),
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async start() {
      newest = await lastEventId(db)
      for (const event of await eventsAfter(db, Math.max(0, newest - OVERLAP), OVERLAP)) seen.add(event.id)
      stopped = false
      schedule(POLL_MS)
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      await working
    },
  }
}
