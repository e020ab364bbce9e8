import { Worker } from 'node:worker_threads'
import { AppError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { Load } from './group-commit.ts'
import type { PlainError, PlainOutcome, WriteAnswer, WriteMessage, WriterData } from './write.worker.ts'
import type { BatchedWrite, WriteTx } from './writes.ts'

/**
 * Writes beside the event loop. `node:sqlite` writes, and waits for the disk, in the thread that asks: with many clients
 * that was half of the time of the thread that reads their requests. This thread has a connection of its own and batches
 * what it is handed. It has work only while no transaction of the main connection is open (group-commit.ts). PostgreSQL
 * writes in its own processes and needs none of this.
 */
export type WriteThread = {
  /**
   * Whether it should be handed a write when so much waits. One alone is written sooner by who has it, and a few rows cost
   * less than the way to another thread and back; unless more came a moment ago. A server that never gets so much at a time
   * has no thread: the first heavy load starts it, for what follows.
   */
  isWanted<C extends WriteTx, I, O>(write: BatchedWrite<C, I, O>, load: Load): boolean
  /** Hands an item over. @throws what its batch throws; AppError unavailable when the thread ended meanwhile */
  write<C extends WriteTx, I, O>(ctx: C, write: BatchedWrite<C, I, O>, item: I): Promise<O>
  close(): Promise<void>
}

const IDLE_MS = 120_000
/** One that failed is not started again before. */
const RESTART_MS = 60_000
/** From so many rows on that are to be written at once. */
const HEAVY_ROWS = 300
/** After a heavy load, so long the next is expected to be one, too. */
const BUSY_MS = 20

/** For a SQLite file. */
export function createWriteThread(databaseUrl: string, log: Logger): WriteThread {
  let thread: Thread | null = null
  let closed = !databaseUrl.startsWith('sqlite:')
  let busyUntil = 0
  let startAgainAt = 0

  function start(module: string): void {
    const ended = (wasReady: boolean, error: unknown) => {
      thread = null
      if (closed || (wasReady && error === undefined)) return
      startAgainAt = performance.now() + RESTART_MS
      log.warn({ err: error }, 'the thread that writes ended; writes go on without it for a while')
    }
    try {
      thread = new Thread({ databaseUrl, module }, ended)
    } catch (error) {
      ended(false, error)
    }
  }

  return {
    isWanted(write, { items, rows }) {
      if (closed || write.thread === undefined) return false
      const now = performance.now()
      const isHeavy = items > 1 && rows >= HEAVY_ROWS
      if (!isHeavy && now > busyUntil) return false
      if (isHeavy) busyUntil = now + BUSY_MS
      if (thread === null && now >= startAgainAt) start(write.thread.module)
      return thread?.isReady === true
    },
    write(ctx, write, item) {
      if (thread === null || write.thread === undefined) throw ended()
      return thread.ask(ctx, write.thread, item) as Promise<never>
    },
    async close() {
      closed = true
      await thread?.end()
    },
  }
}

type Waiting = { resolve: (value: unknown) => void; reject: (error: unknown) => void }

class Thread {
  isReady = false
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  #outbox: WriteMessage['items'] = []
  #ctx: WriteTx | null = null
  #asked = 0
  #idle: NodeJS.Timeout

  constructor(data: WriterData, onEnd: (wasReady: boolean, error: unknown) => void) {
    const file = new URL(`./write.worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
    this.#worker = new Worker(file, { workerData: data })
    let wasReady = false
    let trouble: unknown
    this.#worker.on('message', (message: 'ready' | WriteAnswer) => {
      if (message === 'ready') this.isReady = wasReady = true
      else this.#answered(message)
    })
    this.#worker.on('error', (error) => {
      trouble = error // 'exit' follows
    })
    this.#worker.on('exit', () => {
      this.isReady = false
      onEnd(wasReady, trouble)
      for (const { reject } of this.#waiting.values()) reject(ended())
      this.#waiting.clear()
    })
    this.#worker.unref() // behind the listeners, which would hold the process; it is held while somebody waits
    this.#idle = this.#rest()
  }

  ask(ctx: WriteTx, { module, name }: { module: string; name: string }, item: unknown): Promise<unknown> {
    // What comes in one turn of the event loop goes over in one message.
    if (this.#outbox.length === 0) setImmediate(() => this.#send())
    this.#ctx = ctx
    const id = ++this.#asked
    if (this.#waiting.size === 0) this.#worker.ref()
    this.#outbox.push({ id, module, name, item })
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }

  async end(): Promise<void> {
    this.isReady = false
    clearTimeout(this.#idle)
    await this.#worker.terminate()
  }

  #send(): void {
    this.#idle.refresh()
    const items = this.#outbox
    this.#outbox = []
    try {
      this.#worker.postMessage({ nowMs: this.#ctx?.now() ?? Date.now(), items } satisfies WriteMessage)
    } catch (error) {
      // One of them is no plain data.
      for (const { id } of items) this.#settled(id)?.reject(error)
    }
  }

  #rest(): NodeJS.Timeout {
    return setTimeout(() => {
      if (this.#waiting.size === 0) void this.end()
      else this.#idle.refresh()
    }, IDLE_MS).unref()
  }

  #answered({ outcomes, poked }: WriteAnswer): void {
    if (poked) this.#ctx?.bus.poke()
    for (const outcome of outcomes) this.#settle(outcome)
  }

  #settle(outcome: PlainOutcome): void {
    const waiting = this.#settled(outcome.id)
    if ('error' in outcome) waiting?.reject(errorOf(outcome.error))
    else waiting?.resolve(outcome.value)
  }

  #settled(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) this.#worker.unref()
    return waiting
  }
}

/** Whether a write that was handed over was committed nobody knows then: it may not be written again here. */
function ended(): AppError {
  return new AppError('unavailable', 'The write was broken off; send it again.', { retryAfterSeconds: 1 })
}

function errorOf(plain: PlainError): Error {
  if (plain.kind === 'app') return new AppError(plain.code, plain.message, plain)
  const { message, code, errcode } = plain
  return Object.assign(new Error(message), { code, errcode })
}
