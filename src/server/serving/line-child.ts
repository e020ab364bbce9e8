import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import { AppError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { signalGroup } from '../../lib/processes.ts'

export type LineChildOptions = {
  argv: readonly [string, ...string[]]
  env: Record<string, string>
  cwd: string
  /** Longest time from the start to the first line, in milliseconds. */
  startTimeoutMs: number
  /** Longest time for one answer; then the child is killed, and started again for the next call. */
  callTimeoutMs: number
  /** Calls that may wait for the one in work. */
  maxQueue: number
  log: Logger
  /** What it serves, for messages. */
  what: string
}

type Message = Record<string, unknown>

/** A child process that answers one JSON line for each JSON line, one at a time. It runs in a process group of its own. */
export type LineChild = {
  /** Starts it when it does not run. @returns its first line @throws AppError unprocessable with the end of its stderr */
  start(): Promise<Message>
  /** @throws AppError unavailable (queue full, child ended), timeout, unprocessable (cannot start) */
  call(message: Message): Promise<Message>
  close(): Promise<void>
}

type Running = { stdin: Writable; first: Message; next(timeoutMs: number): Promise<Message> }

const STDERR_KEPT = 4_000
const CLOSE_MS = 1_000

export function createLineChild(options: LineChildOptions): LineChild {
  let running: Promise<Running> | null = null
  let child: ChildProcessWithoutNullStreams | null = null
  let waiting = 0
  let last: Promise<unknown> = Promise.resolve()
  let closed = false
  let calls = 0

  function start(): Promise<Running> {
    if (closed)
      return Promise.reject(new AppError('unavailable', `${options.what} is being closed.`, { retryAfterSeconds: 1 }))
    running ??= begin(
      options,
      (spawned) => {
        child = spawned
      },
      () => {
        running = null
        child = null
      },
    )
    return running
  }

  async function ask(message: Message): Promise<Message> {
    const { stdin, next } = await start()
    const id = ++calls
    stdin.write(`${JSON.stringify({ ...message, id })}\n`)
    for (;;) {
      const answer = await next(options.callTimeoutMs)
      if (answer.id === id) return answer
    }
  }

  return {
    start: async () => (await start()).first,
    call(message) {
      if (waiting > options.maxQueue) {
        const error = new AppError(
          'unavailable',
          `${options.what} has more requests waiting than it may; send again in a moment.`,
          { retryAfterSeconds: 1 },
        )
        return Promise.reject(error)
      }
      waiting++
      const answer = last.then(() => ask(message)).finally(() => waiting--)
      last = answer.catch(() => {})
      return answer
    },
    async close() {
      closed = true
      const pid = child?.pid
      if (child === null || pid === undefined) return
      const ended = once(child, 'close')
      child.stdin.end()
      const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), CLOSE_MS)
      await ended
      clearTimeout(timer)
      signalGroup(pid, 'SIGKILL') // what it may have started itself
    },
  }
}

/** Answers that have arrived, for one reader at a time; after `end` the reader gets the error. */
function createInbox(onEnd: () => void) {
  const messages: Message[] = []
  let over: AppError | null = null
  let wake: (() => void) | null = null
  const notify = () => {
    wake?.()
    wake = null
  }
  return {
    isOver: () => over !== null,
    put(message: Message): void {
      messages.push(message)
      notify()
    },
    end(error: AppError): void {
      if (over !== null) return
      over = error
      onEnd()
      notify()
    },
    /** The next message; null when none came in time. */
    async next(timeoutMs: number): Promise<Message | null> {
      const deadline = Date.now() + timeoutMs
      for (;;) {
        const message = messages.shift()
        if (message !== undefined) return message
        if (over !== null) throw over
        const left = deadline - Date.now()
        if (left <= 0) return null
        const timer = setTimeout(notify, left)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        clearTimeout(timer)
      }
    },
  }
}

/** Spawns the child and waits for its first line. `onEnd` is called once when it is over, for whatever reason. */
async function begin(
  options: LineChildOptions,
  onSpawn: (child: ChildProcessWithoutNullStreams) => void,
  onEnd: () => void,
): Promise<Running> {
  const { what } = options
  const [program, ...rest] = options.argv
  const child = spawn(program, rest, { env: options.env, cwd: options.cwd, detached: true, stdio: 'pipe' })
  onSpawn(child)
  let stderr = ''
  const inbox = createInbox(() => {
    if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL')
    onEnd()
  })
  const failed = (problem: string) => {
    inbox.end(new AppError('unavailable', `${what} ${problem}; it is started again.`, { retryAfterSeconds: 1 }))
  }
  child.stdin.on('error', () => {}) // it ended while we wrote: its exit tells
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString('utf8')).slice(-STDERR_KEPT)
  })
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = parsed(line)
    if (message === null) failed('answered something that is no JSON object')
    else inbox.put(message)
  })
  child.once('error', (error) => failed(`could not be started (${error.message})`))
  child.once('close', (code, signal) => {
    if (!inbox.isOver())
      options.log.warn({ code, signal, stderr: stderr.slice(-1_000) }, 'a model process ended by itself')
    failed(`ended unexpectedly (${signal ?? `code ${code}`})`)
  })

  async function next(timeoutMs: number): Promise<Message> {
    const message = await inbox.next(timeoutMs)
    if (message !== null) return message
    const error = new AppError('timeout', `${what} gave no answer within ${timeoutMs / 1000} s; it is started again.`)
    inbox.end(error)
    throw error
  }

  try {
    return { stdin: child.stdin, first: await next(options.startTimeoutMs), next }
  } catch (error) {
    const reason = stderr.trim().split('\n').at(-1)?.slice(0, 500) ?? ''
    const why = reason === '' ? (error as Error).message : reason
    throw new AppError('unprocessable', `${what} cannot be loaded by Python: ${why}`, { cause: error })
  }
}

function parsed(line: string): Message | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Message) : null
  } catch {
    return null
  }
}
