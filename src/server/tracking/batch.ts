import type { Kysely } from 'kysely'
import { type Context, inTransaction } from '../../context.ts'
import { isPostgres } from '../../db/dialect.ts'
import type { Tables } from '../../db/tables.ts'

/** What became of one item of a batch. */
export type Outcome<O> = { value: O } | { error: unknown }
type Flush<I, O> = (tx: Context, items: I[]) => Promise<Outcome<O>[]>
type Waiting<I, O> = { item: I; resolve: (value: O) => void; reject: (error: unknown) => void }
type Queue = { waiting: Waiting<unknown, unknown>[]; running: number }

const MAX_ITEMS = 256
/** PostgreSQL commits side by side; SQLite has one writer. */
const POSTGRES_AT_ONCE = 3

const queues = new WeakMap<Kysely<Tables>, Map<unknown, Queue>>()

/**
 * Does the same kind of write for all callers that ask at the same time, in one transaction with few statements, and tells
 * each its own outcome once that is committed. `flush` decides about every item before it writes anything, so that one
 * item's mistake changes nothing for the others; when it throws all the same, each item is tried alone. Inside a
 * transaction the item is written there and then.
 */
export async function inBatch<I, O>(ctx: Context, item: I, flush: Flush<I, O>): Promise<O> {
  if (ctx.db.isTransaction) return single(ctx, item, flush)
  const db = ctx.db as Kysely<Tables>
  const queue = queueOf(db, flush)
  return new Promise<O>((resolve, reject) => {
    queue.waiting.push({ item, resolve: resolve as (value: unknown) => void, reject })
    if (queue.running >= (isPostgres(db) ? POSTGRES_AT_ONCE : 1)) return
    queue.running += 1
    void drain(ctx, queue, flush as Flush<unknown, unknown>)
  })
}

function queueOf(db: Kysely<Tables>, flush: unknown): Queue {
  let own = queues.get(db)
  if (own === undefined) {
    own = new Map()
    queues.set(db, own)
  }
  let queue = own.get(flush)
  if (queue === undefined) {
    queue = { waiting: [], running: 0 }
    own.set(flush, queue)
  }
  return queue
}

async function single<I, O>(tx: Context, item: I, flush: Flush<I, O>): Promise<O> {
  const [outcome] = await flush(tx, [item])
  if (outcome === undefined) throw new Error('A batch lost an item.')
  if ('error' in outcome) throw outcome.error
  return outcome.value
}

async function drain(ctx: Context, queue: Queue, flush: Flush<unknown, unknown>): Promise<void> {
  while (queue.waiting.length > 0) {
    let items: Waiting<unknown, unknown>[] = []
    try {
      const outcomes = await inTransaction(ctx, async (tx) => {
        // Taken when the transaction begins: whoever asked until then is in it.
        items = queue.waiting.splice(0, MAX_ITEMS)
        return items.length === 0
          ? []
          : flush(
              tx,
              items.map(({ item }) => item),
            )
      })
      for (const [index, outcome] of outcomes.entries()) settle(items[index], outcome)
    } catch (error) {
      if (items.length > 1) await eachAlone(ctx, items, flush)
      else for (const waiting of items) waiting.reject(error)
      // The transaction did not even begin: nobody was taken out, and all that wait would fail alike.
      if (items.length === 0) for (const waiting of queue.waiting.splice(0)) waiting.reject(error)
    }
  }
  queue.running -= 1
}

async function eachAlone(
  ctx: Context,
  items: Waiting<unknown, unknown>[],
  flush: Flush<unknown, unknown>,
): Promise<void> {
  for (const waiting of items) {
    try {
      waiting.resolve(await inTransaction(ctx, (tx) => single(tx, waiting.item, flush)))
    } catch (error) {
      waiting.reject(error)
    }
  }
}

function settle(waiting: Waiting<unknown, unknown> | undefined, outcome: Outcome<unknown>): void {
  if ('error' in outcome) waiting?.reject(outcome.error)
  else waiting?.resolve(outcome.value)
}
