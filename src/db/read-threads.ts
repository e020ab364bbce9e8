import { Worker } from 'node:worker_threads'
import { AppError, badRequest } from '../lib/errors.ts'
import type { Db } from './dialect.ts'
import type { ReadAnswer, ReadMessage } from './read.worker.ts'
import type { Read } from './reads.ts'

/**
 * Long reads beside the event loop. `node:sqlite` answers in the thread that asks: a search over a hundred thousand runs
 * would hold up every logged metric. PostgreSQL answers from its own processes and needs none of this.
 */
export type ReadThreads = {
  /** What is committed is seen; a transaction's own writes are not: `db` is asked itself inside one. */
  ask<I, O>(db: Db, read: Read<I, O>, input: I): Promise<O>
  /** Has a thread ready for the first read, which would be done here and start one. */
  start(): void
  close(): Promise<void>
}

const THREADS = 2
const IDLE_MS = 120_000
const TIMEOUT_MS = 30_000
/** SQLSTATE of a statement that was broken off. */
const QUERY_CANCELED = '57014'

type Waiting = { resolve: (output: unknown) => void; reject: (error: unknown) => void; timer: NodeJS.Timeout }

/** For a SQLite file. Starts nothing by itself: a read that finds no thread is done at once, here, and starts one for the next. */
export function createReadThreads(databaseUrl: string): ReadThreads {
  if (!databaseUrl.startsWith('sqlite:')) return { ask: askServer, start: () => {}, close: async () => {} }
  const threads: ReadThread[] = []
  let closed = false

  function start(): void {
    const thread = new ReadThread(databaseUrl, {
      isSpare: () => threads.length > 1,
      onEnd: () => void threads.splice(threads.indexOf(thread), 1),
    })
    threads.push(thread)
  }

  return {
    ask<I, O>(db: Db, read: Read<I, O>, input: I): Promise<O> {
      if (db.isTransaction) return read.run(db, input)
      const ready = threads.filter((thread) => thread.isReady).sort((a, b) => a.load - b.load)
      const [free] = ready
      if (!closed && threads.length < THREADS && (free === undefined || free.load > 0)) start()
      return free === undefined ? read.run(db, input) : free.ask(read, input)
    },
    start() {
      if (!closed && threads.length === 0) start()
    },
    async close() {
      closed = true
      await Promise.all(threads.map((thread) => thread.end()))
    },
  }
}

/** PostgreSQL breaks off by itself what takes too long (`statement_timeout`). */
async function askServer<I, O>(db: Db, read: Read<I, O>, input: I): Promise<O> {
  try {
    return await read.run(db, input)
  } catch (error) {
    throw (error as { code?: unknown }).code === QUERY_CANCELED ? tooLong() : error
  }
}

function tooLong(): AppError {
  return badRequest('This takes longer than is waited for: ask for less, or order by what is indexed.', 'filter')
}

class ReadThread {
  isReady = false
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  readonly #isSpare: () => boolean
  #asked = 0
  #idle: NodeJS.Timeout

  constructor(databaseUrl: string, { isSpare, onEnd }: { isSpare: () => boolean; onEnd: () => void }) {
    this.#isSpare = isSpare
    const file = new URL(`./read.worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
    this.#worker = new Worker(file, { workerData: { databaseUrl }, resourceLimits: { maxOldGenerationSizeMb: 512 } })
    this.#worker.unref()
    this.#worker.on('message', (message: 'ready' | ReadAnswer) => {
      if (message === 'ready') this.isReady = true
      else this.#answered(message)
    })
    this.#worker.on('error', () => {}) // 'exit' follows
    this.#worker.on('exit', () => {
      this.isReady = false
      onEnd()
      for (const { reject, timer } of this.#waiting.values()) {
        clearTimeout(timer)
        reject(new AppError('unavailable', 'The read was broken off; ask again.', { retryAfterSeconds: 1 }))
      }
      this.#waiting.clear()
    })
    this.#idle = this.#rest()
  }

  get load(): number {
    return this.#waiting.size
  }

  ask<I, O>({ module, name }: Read<I, O>, input: I): Promise<O> {
    clearTimeout(this.#idle)
    this.#idle = this.#rest()
    const id = ++this.#asked
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(tooLong())
        void this.end()
      }, TIMEOUT_MS)
      this.#waiting.set(id, { resolve: resolve as (output: unknown) => void, reject, timer })
      this.#worker.postMessage({ id, module, name, input } satisfies ReadMessage)
    })
  }

  async end(): Promise<void> {
    this.isReady = false
    clearTimeout(this.#idle)
    await this.#worker.terminate()
  }

  #rest(): NodeJS.Timeout {
    return setTimeout(() => {
      if (this.load === 0 && this.#isSpare()) void this.end()
      else this.#idle = this.#rest()
    }, IDLE_MS).unref()
  }

  #answered(answer: ReadAnswer): void {
    const waiting = this.#waiting.get(answer.id)
    if (waiting === undefined) return
    this.#waiting.delete(answer.id)
    clearTimeout(waiting.timer)
    if ('output' in answer) waiting.resolve(answer.output)
    else waiting.reject(Object.assign(new Error(`A read failed: ${answer.error.message}`), answer.error))
  }
}
