import { Worker } from 'node:worker_threads'
import type { Db } from '../../db/dialect.ts'
import { AppError, badRequest } from '../../lib/errors.ts'
import { type Found, findRuns, type RunSearch } from './runs-search.store.ts'
import type { SearchAnswer, SearchMessage } from './search.worker.ts'

/**
 * Searches beside the event loop. `node:sqlite` answers in the thread that asks: a search over a hundred thousand runs
 * would hold up every logged metric. PostgreSQL answers from its own processes and needs none of this.
 */
export type SearchThreads = {
  findRuns(db: Db, search: RunSearch): Promise<Found[]>
  close(): Promise<void>
}

const THREADS = 2
const IDLE_MS = 120_000
const TIMEOUT_MS = 30_000

type Waiting = { resolve: (found: Found[]) => void; reject: (error: unknown) => void; timer: NodeJS.Timeout }

/** For a SQLite file. Starts nothing: the first search is answered at once, here, and starts the first thread for the next ones. */
export function createSearchThreads(databaseUrl: string): SearchThreads {
  if (!databaseUrl.startsWith('sqlite:')) return { findRuns, close: async () => {} }
  const threads: SearchThread[] = []
  let closed = false

  function start(): void {
    const thread = new SearchThread(databaseUrl, () => void threads.splice(threads.indexOf(thread), 1))
    threads.push(thread)
  }

  return {
    findRuns(db, search) {
      const ready = threads.filter((thread) => thread.isReady).sort((a, b) => a.load - b.load)
      const [free] = ready
      if (!closed && threads.length < THREADS && (free === undefined || free.load > 0)) start()
      return free === undefined ? findRuns(db, search) : free.ask(search)
    },
    async close() {
      closed = true
      await Promise.all(threads.map((thread) => thread.end()))
    },
  }
}

class SearchThread {
  isReady = false
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  #asked = 0
  #idle: NodeJS.Timeout

  constructor(databaseUrl: string, onEnd: () => void) {
    const file = new URL(`./search.worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
    this.#worker = new Worker(file, { workerData: { databaseUrl }, resourceLimits: { maxOldGenerationSizeMb: 512 } })
    this.#worker.unref()
    this.#worker.on('message', (message: 'ready' | SearchAnswer) => {
      if (message === 'ready') this.isReady = true
      else this.#answered(message)
    })
    this.#worker.on('error', () => {}) // 'exit' follows
    this.#worker.on('exit', () => {
      this.isReady = false
      onEnd()
      for (const { reject, timer } of this.#waiting.values()) {
        clearTimeout(timer)
        reject(new AppError('unavailable', 'The search was broken off; ask again.', { retryAfterSeconds: 1 }))
      }
      this.#waiting.clear()
    })
    this.#idle = this.#rest()
  }

  get load(): number {
    return this.#waiting.size
  }

  ask(search: RunSearch): Promise<Found[]> {
    clearTimeout(this.#idle)
    this.#idle = this.#rest()
    const id = ++this.#asked
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(
          badRequest('This search takes longer than 30 seconds: ask for less, or order by what is indexed.', 'filter'),
        )
        void this.end()
      }, TIMEOUT_MS)
      this.#waiting.set(id, { resolve, reject, timer })
      this.#worker.postMessage({ id, search } satisfies SearchMessage)
    })
  }

  async end(): Promise<void> {
    this.isReady = false
    clearTimeout(this.#idle)
    await this.#worker.terminate()
  }

  #rest(): NodeJS.Timeout {
    return setTimeout(() => {
      if (this.load === 0) void this.end()
      else this.#idle = this.#rest()
    }, IDLE_MS).unref()
  }

  #answered(answer: SearchAnswer): void {
    const waiting = this.#waiting.get(answer.id)
    if (waiting === undefined) return
    this.#waiting.delete(answer.id)
    clearTimeout(waiting.timer)
    if ('found' in answer) waiting.resolve(answer.found)
    else waiting.reject(new Error(`A search failed: ${answer.error}`))
  }
}
