import { Worker } from 'node:worker_threads'
import { AppError } from '../lib/errors.ts'
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
   * Whether it should be handed a write when so many items wait. One alone is written sooner by who has it, unless others
   * came a moment ago; and a server that never gets two at a time has no thread: the first two start it, for those that
   * follow.
   */
  isWanted<C extends WriteTx, I, O>(write: BatchedWrite<C, I, O>, items: number): boolean
  /** Hands an item over. @throws what its batch throws; AppError unavailable when the thread ended meanwhile */
  write<C extends WriteTx, I, O>(ctx: C, write: BatchedWrite<C, I, O>, item: I): Promise<O>
  close(): Promise<void>
}

const IDLE_MS = 120_000
/** After two came at a time, so long the next is expected not to be alone. */
const BUSY_MS = 20

/** For a SQLite file. */
export function createWriteThread(databaseUrl: string): WriteThread {
  let thread: Thread | null = null
  let closed = !databaseUrl.startsWith('sqlite:')
  let busyUntil = 0
  return {
    isWanted(write, items) {
      if (closed || write.thread === undefined) return false
      const now = performance.now()
      if (items < 2 && now > busyUntil) return false
      if (items > 1) busyUntil = now + BUSY_MS
      thread ??= new Thread({ databaseUrl, module: write.thread.module }, () => {
        thread = null
      })
      return thread.isReady
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

  constructor(data: WriterData, onEnd: () => void) {
    const file = new URL(`./write.worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
    this.#worker = new Worker(file, { workerData: data })
    this.#worker.unref()
    this.#worker.on('message', (message: 'ready' | WriteAnswer) => {
      if (message === 'ready') this.isReady = true
      else this.#answered(message)
    })
    this.#worker.on('error', () => {}) // 'exit' follows
    this.#worker.on('exit', () => {
      this.isReady = false
      onEnd()
      for (const { reject } of this.#waiting.values()) reject(ended())
      this.#waiting.clear()
    })
    this.#idle = this.#rest()
  }

  ask(ctx: WriteTx, { module, name }: { module: string; name: string }, item: unknown): Promise<unknown> {
    // What comes in one turn of the event loop goes over in one message.
    if (this.#outbox.length === 0) setImmediate(() => this.#send())
    this.#ctx = ctx
    const id = ++this.#asked
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
      for (const { id } of items) {
        this.#waiting.get(id)?.reject(error)
        this.#waiting.delete(id)
      }
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
    const waiting = this.#waiting.get(outcome.id)
    this.#waiting.delete(outcome.id)
    if ('error' in outcome) waiting?.reject(errorOf(outcome.error))
    else waiting?.resolve(outcome.value)
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
