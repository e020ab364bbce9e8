import { type ChildProcess, fork } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Json } from '@duckdb/node-api'
import { AppError } from '../../lib/errors.ts'
import type { Answer, OpenMessage, QueryMessage } from './tables.worker.ts'

export type TableRows = { columns: { name: string; type: string }[]; rows: Json[][] }

/** One DuckDB in a process of its own, for as long as the work that was given it lasts. */
export type TableSession = {
  /** A folder that this session may write to; what is left in it goes with the process. */
  readonly folder: string
  /** @throws TableError with DuckDB's words; AppError unprocessable when the time or memory of the work ran out */
  query(sql: string): Promise<TableRows>
}

/** What DuckDB said. Services translate it into a sentence for the user. */
export class TableError extends Error {}

export type Worker = {
  process: ChildProcess
  folder: string
  closed: boolean
  ask(message: OpenMessage | QueryMessage): Promise<TableRows>
}

const MEMORY_POLL_MS = 100
/** Beyond DuckDB's own limit: Node, the library, and what its functions allocate outside the limit. */
const MEMORY_SLACK_BYTES = 512 * 1024 ** 2

/** Starts a process with a folder of its own; it must be told to open before it is asked. */
export async function startWorker(root: string): Promise<Worker> {
  await mkdir(root, { recursive: true, mode: 0o700 })
  const folder = await mkdtemp(join(root, 'session-'))
  const script = fileURLToPath(
    new URL(`./tables.worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
  )
  // A clean environment: the server's holds secrets. Only errors of the child itself are worth the log.
  const child = fork(script, [], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: { TZ: 'UTC' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  child.unref()
  child.channel?.unref()
  let pending: { resolve: (rows: TableRows) => void; reject: (error: Error) => void } | undefined
  const worker: Worker = {
    process: child,
    folder,
    closed: false,
    ask: (message) =>
      new Promise((resolve, reject) => {
        if (worker.closed) return reject(new TableError('The table process has ended.'))
        pending = { resolve, reject }
        child.send(message, (error) => error !== null && reject(new TableError('The table process has ended.')))
      }),
  }
  child.on('message', (answer: Answer) => {
    const asked = pending
    pending = undefined
    if ('error' in answer) asked?.reject(new TableError(answer.error))
    else asked?.resolve(answer)
  })
  const ended = () => {
    worker.closed = true
    pending?.reject(new TableError('The table process ended unexpectedly.'))
    pending = undefined
  }
  child.once('exit', ended)
  child.once('error', ended)
  return worker
}

/** Runs `work` on a worker and kills that worker when its time or memory is over: a native function cannot be asked to stop. */
export async function supervised<T>(
  worker: Worker,
  timeoutMs: number,
  memoryLimitBytes: number,
  work: (session: TableSession) => Promise<T>,
): Promise<T> {
  let verdict: AppError | undefined
  const kill = (error: AppError) => {
    verdict ??= error
    worker.closed = true
    worker.process.kill('SIGKILL')
  }
  const timer = setTimeout(
    () => kill(new AppError('unprocessable', `It took longer than ${timeoutMs / 1000} seconds and was stopped.`)),
    timeoutMs,
  )
  const maximum = memoryLimitBytes + MEMORY_SLACK_BYTES
  const tooMuch = `It needed more than ${Math.round(maximum / 1024 ** 2)} MiB of memory and was stopped.`
  const watch = setInterval(async () => {
    if ((await residentBytes(worker.process.pid)) > maximum) kill(new AppError('unprocessable', tooMuch))
  }, MEMORY_POLL_MS)
  try {
    return await work({
      folder: worker.folder,
      async query(sql) {
        try {
          if (verdict === undefined) return await worker.ask({ kind: 'query', sql })
        } catch (error) {
          if (verdict === undefined) throw error
        }
        throw verdict
      },
    })
  } catch (error) {
    throw error instanceof AppError ? error : (verdict ?? error)
  } finally {
    clearTimeout(timer)
    clearInterval(watch)
  }
}

/** Ends the process for good and removes its folder. */
export async function end(worker: Worker): Promise<void> {
  worker.closed = true
  const { process: child } = worker
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.ref()
    child.kill('SIGKILL')
    await gone
  }
  await rm(worker.folder, { recursive: true, force: true })
}

/** Resident memory of a process; 0 where /proc does not tell. */
async function residentBytes(pid: number | undefined): Promise<number> {
  try {
    const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
    return Number(kibibytes ?? 0) * 1024
  } catch {
    return 0
  }
}
