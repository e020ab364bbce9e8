import type { Kysely } from 'kysely'
import { AppError } from '../lib/errors.ts'
import { isPostgres, troubleOf } from './dialect.ts'
import { type Elsewhere, joinElsewhere, transact } from './group-commit.ts'
import type { Tables } from './tables.ts'
import type { WriteThread } from './write-thread.ts'
import type { BatchedWrite, Outcome, WriteTx } from './writes.ts'

/** A Context; a transaction is the same one with another `db`. */
export type Batching = WriteTx & {
  /** Absent in the thread itself, which hands nothing over. */
  readonly writer?: WriteThread
  /**
   * Half of those who ask are written for at once: meanwhile the other half are answered and ask again. Else all wait for
   * the disk together, and then none of them. Of no use where writing stops everything else.
   */
  readonly inHalves?: boolean
}
type Waiting<I, O> = { item: I; size: number; resolve: (value: O) => void; reject: (error: unknown) => void }
type Queue = { waiting: Waiting<unknown, unknown>[]; waitingSize: number; running: number; lastTaken: number }

/** PostgreSQL commits side by side; SQLite has one writer. */
const POSTGRES_AT_ONCE = 3

const queues = new WeakMap<Kysely<Tables>, Map<unknown, Queue>>()

/**
 * Does the same kind of write for all callers that ask at the same time, in one transaction with few statements, and tells
 * each its own outcome once that is committed. When the whole batch fails, each item is tried alone, except when the
 * engine is full or gone: then all would fail alike, and what a lost commit kept may not be written twice. Inside a
 * transaction the item is written there and then.
 * @throws AppError unavailable when too much waits already
 */
export async function inBatch<C extends Batching, I, O>(ctx: C, item: I, write: BatchedWrite<C, I, O>): Promise<O> {
  const value = ctx.db.isTransaction
    ? await single(ctx, item, write)
    : await (handedOver(ctx, item, write) ?? queued(ctx, item, write))
  write.done?.(ctx, item, value)
  return value
}

/** While the thread writes, it is handed what comes; null when it does not. */
function handedOver<C extends Batching, I, O>(ctx: C, item: I, write: BatchedWrite<C, I, O>): Promise<O> | null {
  const { writer } = ctx
  if (writer === undefined) return null
  return joinElsewhere(ctx.db as Kysely<Tables>, {
    load: () => ({ items: write.limits.sizeOf(item), rows: write.rowsOf(item) }),
    isWanted: (load) => writer.isWanted(write, load),
    run: () => writer.write(ctx, write, prepared(ctx, item, write)),
  })
}

function queued<C extends Batching, I, O>(ctx: C, item: I, write: BatchedWrite<C, I, O>): Promise<O> {
  const db = ctx.db as Kysely<Tables>
  const queue = queueOf(db, write)
  const size = write.limits.sizeOf(item)
  if (queue.waitingSize + size > write.limits.maxWaiting)
    throw new AppError('unavailable', 'More arrives than can be written; send it again in a moment.', {
      retryAfterSeconds: 1,
    })
  return new Promise<O>((resolve, reject) => {
    queue.waiting.push({ item, size, resolve: resolve as (value: unknown) => void, reject })
    queue.waitingSize += size
    if (queue.running >= (isPostgres(db) ? POSTGRES_AT_ONCE : 1)) return
    queue.running += 1
    void drain(ctx, queue, write as BatchedWrite<C, unknown, unknown>)
  })
}

function queueOf(db: Kysely<Tables>, write: unknown): Queue {
  let own = queues.get(db)
  if (own === undefined) {
    own = new Map()
    queues.set(db, own)
  }
  let queue = own.get(write)
  if (queue === undefined) {
    queue = { waiting: [], waitingSize: 0, running: 0, lastTaken: 0 }
    own.set(write, queue)
  }
  return queue
}

const prepared = <C extends WriteTx, I, O>(ctx: C, item: I, { prepare }: BatchedWrite<C, I, O>): I =>
  prepare === undefined ? item : prepare(ctx, item)

async function single<C extends WriteTx, I, O>(tx: C, item: I, write: BatchedWrite<C, I, O>): Promise<O> {
  const [outcome] = await write.flush(tx, [prepared(tx, item, write)])
  if (outcome === undefined) throw new Error('A batch lost an item.')
  if ('error' in outcome) throw outcome.error
  return outcome.value
}

const inTransaction = <C extends WriteTx, T>(
  ctx: C,
  work: (tx: C) => Promise<T>,
  elsewhere?: Elsewhere<T>,
): Promise<T> => transact(ctx.db as Kysely<Tables>, (db) => work({ ...ctx, db }), elsewhere)

/** The longest-waiting items that fit into one commit: at least one, and no more than `most`. */
function take(queue: Queue, perCommit: number, most = Number.POSITIVE_INFINITY): Waiting<unknown, unknown>[] {
  let size = 0
  let count = 0
  for (const waiting of queue.waiting) {
    if (count > 0 && (size + waiting.size > perCommit || count >= most)) break
    size += waiting.size
    count += 1
  }
  queue.waitingSize -= size
  queue.lastTaken = count
  return queue.waiting.splice(0, count)
}

async function drain<C extends Batching>(
  ctx: C,
  queue: Queue,
  write: BatchedWrite<C, unknown, unknown>,
): Promise<void> {
  while (queue.waiting.length > 0) {
    let items: Waiting<unknown, unknown>[] = []
    // Taken when the transaction begins: whoever asked until then is in it.
    const taken = () => {
      const half = Math.ceil((queue.waiting.length + queue.lastTaken) / 2)
      items = take(queue, write.limits.perCommit, ctx.inHalves === true ? half : undefined)
      return items.map(({ item }) => prepared(ctx, item, write))
    }
    const flush = async (tx: C) => {
      const batch = taken()
      return batch.length === 0 ? [] : write.flush(tx, batch)
    }
    try {
      const outcomes = await inTransaction(ctx, flush, {
        load: () => ({
          items: queue.waitingSize,
          rows: queue.waiting.reduce((sum, { item }) => sum + write.rowsOf(item), 0),
        }),
        isWanted: (load) => ctx.writer?.isWanted(write, load) === true,
        run: () => allHandedOver(ctx, write, taken(), items),
      })
      for (const [index, outcome] of outcomes.entries()) settle(items[index], outcome)
    } catch (error) {
      if (items.length > 1 && !concernsAll(error)) await eachAlone(ctx, items, write)
      else for (const waiting of items) waiting.reject(error)
      // The transaction did not even begin: nobody was taken out, and all that wait would fail alike.
      if (items.length === 0) for (const waiting of take(queue, Number.POSITIVE_INFINITY)) waiting.reject(error)
    }
  }
  queue.running -= 1
}

/** Each is told as soon as it is written, in whichever commit: no outcomes are left to tell. */
async function allHandedOver<C extends Batching>(
  ctx: C,
  write: BatchedWrite<C, unknown, unknown>,
  batch: unknown[],
  items: Waiting<unknown, unknown>[],
): Promise<Outcome<unknown>[]> {
  const writer = ctx.writer as WriteThread
  await Promise.all(
    items.map(({ resolve, reject }, index) => writer.write(ctx, write, batch[index]).then(resolve, reject)),
  )
  return []
}

function concernsAll(error: unknown): boolean {
  const trouble = troubleOf(error)
  return trouble === 'full' || trouble === 'down' || (error instanceof AppError && error.code === 'unavailable')
}

async function eachAlone<C extends Batching>(
  ctx: C,
  items: Waiting<unknown, unknown>[],
  write: BatchedWrite<C, unknown, unknown>,
): Promise<void> {
  for (const waiting of items) {
    try {
      waiting.resolve(await inTransaction(ctx, (tx) => single(tx, waiting.item, write)))
    } catch (error) {
      waiting.reject(error)
    }
  }
}

function settle(waiting: Waiting<unknown, unknown> | undefined, outcome: Outcome<unknown>): void {
  if ('error' in outcome) waiting?.reject(outcome.error)
  else waiting?.resolve(outcome.value)
}
