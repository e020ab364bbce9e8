import { readdir, rm, stat } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import { type Config, dataFolder } from '../../config.ts'
import { AppError } from '../../lib/errors.ts'
import { end, startWorker, supervised, type TableSession, type Worker } from './table-process.ts'
import type { OpenMessage } from './tables.worker.ts'

export type TableEngine = {
  /** Our own SQL over stored content. At most two at once; the others wait. `timeoutMs` bounds the whole work. */
  use<T>(work: (session: TableSession) => Promise<T>, timeoutMs?: number): Promise<T>
  /** Others' SQL: a fresh process with one thread that can read these files and nothing else. */
  isolated<T>(readableFiles: string[], timeoutMs: number, work: (session: TableSession) => Promise<T>): Promise<T>
  /** Ends every process; work in flight fails. */
  close(): Promise<void>
}

type Access = Pick<OpenMessage, 'threads' | 'readableFolders' | 'readableFiles'>

const PARALLEL = 2
const IDLE_MS = 30_000
const DEFAULT_TIMEOUT_MS = 60_000
const MEMORY_LIMIT_BYTES = 2 * 1024 ** 3
const DISK_LIMIT_BYTES = 64 * 1024 ** 3
const KEEP_STALE_MS = 24 * 3600_000

/** Starts nothing: the first work starts the first process, and 30 idle seconds end it. */
export function createTableEngine(config: Config): TableEngine {
  const processes = createProcesses(dataFolder(config, 'tables'))
  const limit = createLimit(PARALLEL)
  const idle = new Map<Worker, NodeJS.Timeout>()
  const ours = {
    threads: Math.min(4, availableParallelism()),
    readableFolders: [dataFolder(config, 'blobs')],
    readableFiles: [],
  }

  async function takeIdle(): Promise<Worker> {
    for (const [worker, timer] of idle) {
      clearTimeout(timer)
      idle.delete(worker)
      if (!worker.closed) return worker
    }
    return processes.start(ours)
  }

  async function giveBack(worker: Worker): Promise<void> {
    if (worker.closed || processes.stopped()) return end(worker)
    const timer = setTimeout(() => {
      idle.delete(worker)
      void end(worker)
    }, IDLE_MS)
    idle.set(worker, timer.unref())
  }

  return {
    use: (work, timeoutMs = DEFAULT_TIMEOUT_MS) =>
      limit(async () => {
        const worker = await takeIdle()
        try {
          return await processes.run(worker, timeoutMs, work)
        } catch (error) {
          // What DuckDB refused may have left a half-made table behind; what we refused has not.
          if (!(error instanceof AppError)) worker.closed = true
          throw error
        } finally {
          await giveBack(worker)
        }
      }),
    isolated: (readableFiles, timeoutMs, work) =>
      limit(async () => {
        // One thread: the order of rows, the sums of floats and so the bytes of the result are the same every time.
        const worker = await processes.start({ threads: 1, readableFolders: [], readableFiles })
        try {
          return await processes.run(worker, timeoutMs, work)
        } finally {
          await end(worker)
        }
      }),
    async close() {
      for (const timer of idle.values()) clearTimeout(timer)
      idle.clear()
      await processes.stop()
    },
  }
}

/** Every process of one engine, so that none outlives it. */
function createProcesses(root: string) {
  const alive = new Set<Worker>()
  const memoryLimitBytes = Math.min(
    MEMORY_LIMIT_BYTES,
    Math.floor(Math.min(process.constrainedMemory() || totalmem(), totalmem()) / 4),
  )
  let swept: Promise<void> | undefined
  let stopped = false
  const stopping = () =>
    new AppError('unavailable', 'The server is stopping; try again in a moment.', { retryAfterSeconds: 5 })

  return {
    stopped: () => stopped,
    async start(access: Access): Promise<Worker> {
      swept ??= sweep(root)
      await swept
      if (stopped) throw stopping()
      const worker = await startWorker(root)
      alive.add(worker)
      worker.process.once('exit', () => alive.delete(worker))
      try {
        await worker.ask({
          kind: 'open',
          memoryLimitBytes,
          diskLimitBytes: DISK_LIMIT_BYTES,
          folder: worker.folder,
          ...access,
        })
        return worker
      } catch (error) {
        await end(worker)
        throw stopped ? stopping() : error
      }
    },
    async run<T>(worker: Worker, timeoutMs: number, work: (session: TableSession) => Promise<T>): Promise<T> {
      try {
        return await supervised(worker, timeoutMs, memoryLimitBytes, work)
      } catch (error) {
        throw stopped ? stopping() : error
      }
    },
    async stop(): Promise<void> {
      stopped = true
      await Promise.all([...alive].map(end))
    },
  }
}

/** Folders of sessions whose server was killed. A day old: another server may share the data folder. */
async function sweep(root: string): Promise<void> {
  for (const name of await readdir(root).catch(() => [])) {
    const info = await stat(join(root, name)).catch(() => null)
    const stale = info !== null && info.mtimeMs < Date.now() - KEEP_STALE_MS
    if (stale) await rm(join(root, name), { recursive: true, force: true })
  }
}

function createLimit(parallel: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0
  const waiting: (() => void)[] = []
  return async (work) => {
    if (running >= parallel) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
