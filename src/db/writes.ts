import type { Db } from './dialect.ts'

/** What became of one item of a batch. */
export type Outcome<O> = { value: O } | { error: unknown }

/**
 * What a write may use that is done for many callers at once: a transaction, the time, and a way to tell that something was
 * changed. Every Context is one; the thread that writes (write-thread.ts) has no more than this.
 */
export type WriteTx = { readonly db: Db; readonly now: () => number; readonly bus: { poke(): void } }

/** How much is written at once, and how much may wait; both are counted by `sizeOf`. */
export type BatchLimits<I> = { sizeOf: (item: I) => number; perCommit: number; maxWaiting: number }

/** Items are requests, mostly: so many wait only where the disk does not keep up. */
const LIMITS: BatchLimits<unknown> = { sizeOf: () => 1, perCommit: 256, maxWaiting: 20_000 }

/** A kind of write that is done for all who ask at the same time: see `inBatch`. */
export type BatchedWrite<C extends WriteTx, I, O> = {
  /** Decides about every item before it writes anything, so that one item's mistake changes nothing for the others. */
  flush: (tx: C, items: I[]) => Promise<Outcome<O>[]>
  limits: BatchLimits<I>
  /** A last look at an item that is about to be written or handed over: what this thread remembers is added. */
  prepare?: (ctx: C, item: I) => I
  /** What this thread remembers of an item that was committed. */
  done?: (ctx: C, item: I, outcome: O) => void
  /** How the thread that writes finds it again; absent: it needs a whole Context. */
  thread?: { module: string; name: string }
  /** About how many rows an item writes: the thread is for many (write-thread.ts). */
  rowsOf: (item: I) => number
}

const oneRow = () => 1

/** A write that may need all of a Context. */
export function defineBatch<C extends WriteTx, I, O>(
  flush: BatchedWrite<C, I, O>['flush'],
  limits: BatchLimits<I> = LIMITS,
): BatchedWrite<C, I, O> {
  return { flush, limits, rowsOf: oneRow }
}

/**
 * A write that the thread can do: items and outcomes are copied between threads, so they are plain data, no functions.
 * @param module the `import.meta.url` of the module that exports the result under `name`; loading it must have no effects
 */
export function defineThreadBatch<I, O>(
  module: string,
  name: string,
  write: Pick<BatchedWrite<WriteTx, I, O>, 'flush' | 'rowsOf'> & Partial<BatchedWrite<WriteTx, I, O>>,
): BatchedWrite<WriteTx, I, O> {
  return { limits: LIMITS, ...write, thread: { module, name } }
}
