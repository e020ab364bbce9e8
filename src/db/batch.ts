import type { Kysely } from 'kysely'
import { AppError } from '../lib/errors.ts'
import { type Db, isPostgres, troubleOf } from './dialect.ts'
import { transact } from './group-commit.ts'
import type { Tables } from './tables.ts'

/** What became of one item of a batch. */
export type Outcome<O> = { value: O } | { error: unknown }
/** A Context; a transaction is the same one with another `db`. */
type WithDb = { readonly db: Db }
type Flush<C, I, O> = (tx: C, items: I[]) => Promise<Outcome<O>[]>
type Waiting<I, O> = { item: I; size: number; resolve: (value: O) => void; reject: (error: unknown) => void }
type Queue = { waiting: Waiting<unknown, unknown>[]; waitingSize: number; running: number }

/** How much is written at once, and how much may wait; both are counted by `sizeOf`. */
export type BatchLimits<I> = { sizeOf: (item: I) => number; perCommit: number; maxWaiting: number }

/** Items are requests, mostly: so many wait only where the disk does not keep up. */
const LIMITS: BatchLimits<unknown> = { sizeOf: () => 1, perCommit: 256, maxWaiting: 20_000 }
/** PostgreSQL commits side by side; SQLite has one writer. */
const POSTGRES_AT_ONCE = 3

const queues = new WeakMap<Kysely<Tables>, Map<unknown, Queue>>()

/**
 * Does the same kind of write for all callers that ask at the same time, in one transaction with few statements, and tells
 * each its own outcome once that is committed. `flush` decides about every item before it writes anything, so that one
 * item's mistake changes nothing for the others; when it throws all the same, each item is tried alone, except when the
 * engine is full or gone: then all would fail alike, and what a lost commit kept may not be written twice. Inside a
 * transaction the item is written there and then.
 * @throws AppError unavailable when too much waits already
 */
export async function inBatch<C extends WithDb, I, O>(
  ctx: C,
  item: I,
  flush: Flush<C, I, O>,
  limits: BatchLimits<I> = LIMITS,
): Promise<O> {
  if (ctx.db.isTransaction) return single(ctx, item, flush)
  const db = ctx.db as Kysely<Tables>
  const queue = queueOf(db, flush)
  const size = limits.sizeOf(item)
  if (queue.waitingSize + size > limits.maxWaiting)
    throw new AppError('unavailable', 'More arrives than can be written; send it again in a moment.', {
      retryAfterSeconds: 1,
    })
  return new Promise<O>((resolve, reject) => {
    queue.waiting.push({ item, size, resolve: resolve as (value: unknown) => void, reject })
    queue.waitingSize += size
    if (queue.running >= (isPostgres(db) ? POSTGRES_AT_ONCE : 1)) return
    queue.running += 1
    void drain(ctx, queue, flush as Flush<C, unknown, unknown>, limits.perCommit)
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
    queue = { waiting: [], waitingSize: 0, running: 0 }
    own.set(flush, queue)
  }
  return queue
}

async function single<C, I, O>(tx: C, item: I, flush: Flush<C, I, O>): Promise<O> {
  const [outcome] = await flush(tx, [item])
  if (outcome === undefined) throw new Error('A batch lost an item.')
  if ('error' in outcome) throw outcome.error
  return outcome.value
}

const inTransaction = <C extends WithDb, T>(ctx: C, work: (tx: C) => Promise<T>): Promise<T> =>
  transact(ctx.db as Kysely<Tables>, (db) => work({ ...ctx, db }))

/** The longest-waiting items that fit into one commit: at least one. */
function take(queue: Queue, perCommit: number): Waiting<unknown, unknown>[] {
  let size = 0
  let count = 0
  for (const waiting of queue.waiting) {
    if (count > 0 && size + waiting.size > perCommit) break
    size += waiting.size
    count += 1
  }
  queue.waitingSize -= size
  return queue.waiting.splice(0, count)
}

async function drain<C extends WithDb>(
  ctx: C,
  queue: Queue,
  flush: Flush<C, unknown, unknown>,
  perCommit: number,
): Promise<void> {
  while (queue.waiting.length > 0) {
    let items: Waiting<unknown, unknown>[] = []
    try {
      const outcomes = await inTransaction(ctx, async (tx) => {
        // Taken when the transaction begins: whoever asked until then is in it.
        items = take(queue, perCommit)
        return items.length === 0
          ? []
          : flush(
              tx,
              items.map(({ item }) => item),
            )
      })
      for (const [index, outcome] of outcomes.entries()) settle(items[index], outcome)
    } catch (error) {
      const trouble = troubleOf(error)
      if (items.length > 1 && trouble !== 'full' && trouble !== 'down') await eachAlone(ctx, items, flush)
      else for (const waiting of items) waiting.reject(error)
      // The transaction did not even begin: nobody was taken out, and all that wait would fail alike.
      if (items.length === 0) for (const waiting of take(queue, Number.POSITIVE_INFINITY)) waiting.reject(error)
    }
  }
  queue.running -= 1
}

async function eachAlone<C extends WithDb>(
  ctx: C,
  items: Waiting<unknown, unknown>[],
  flush: Flush<C, unknown, unknown>,
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
