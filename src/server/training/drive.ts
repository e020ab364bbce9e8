import { appendFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { type Context, inTransaction } from '../../context.ts'
import { SYSTEM } from '../../lib/actor.ts'
import { AppError, errorMessage } from '../../lib/errors.ts'
import { recordEvent } from '../events/events.service.ts'
import type { StepLog } from './children.ts'
import { EnvironmentError } from './environments.ts'
import type { Executor } from './executors/executor.ts'
import { type Ending, jobEnded, runStarted } from './finish.service.ts'
import { clearInputs } from './folders.ts'
import { type Job, jobFolder, toJob } from './jobs.service.ts'
import { changeHeldJob, type JobRow, jobById } from './jobs.store.ts'
import { lastLine, logPath, OWN_PREFIX } from './logs.service.ts'
import { type Prepared, prepareJob, timeoutOf } from './prepare.service.ts'

const POLL_MS = process.platform === 'linux' ? 150 : 1_000 // elsewhere a look costs a process
/** Downloading and installing packages may take long, but not for ever. */
const PREPARE_LIMIT_MS = 60 * 60_000
/** From SIGTERM to SIGKILL. */
const GRACE_MS = 10_000
const LOG_LIMIT_BYTES = 1024 ** 3
const LOG_CHECK_MS = 2_000

/** Why the driver of a job should stop: its user, its server, or another owner. Several may be set. */
export type StopRequests = { cancel: boolean; serverStop: boolean; leaseLost: boolean }

/** What drives one job: where it belongs, and how it is told to stop. */
export type Drive = {
  owner: string
  baseUrl: string
  executor: Executor
  stop: StopRequests
  /** Aborted with the first stop request: ends the preparation. Running code is ended by looking at `stop`. */
  signal: AbortSignal
}

/** Carries a job that this owner holds from where it is to its end, or to where the next owner can go on. */
export async function driveJob(ctx: Context, drive: Drive, row: JobRow): Promise<void> {
  const log = stepLog(jobFolder(ctx.config, row.id))
  let ending: Ending | null
  let started: Started | null = null
  if (row.state === 'running' && row.process !== null) {
    started = { handle: row.process, atMs: row.started_at_ms ?? ctx.now() }
  }
  try {
    started ??= await launch(ctx, drive, row, log)
    ending = await watch(ctx, drive, row, started)
  } catch (error) {
    ending = endingOf(ctx, drive, row, error)
  }
  if (ending !== null) await finish(ctx, drive, row, ending, log)
}

type Started = { handle: string; atMs: number }

/** Prepares the code and starts it, on hold: it runs only when the job's row says so. */
async function launch(ctx: Context, drive: Drive, row: JobRow, log: StepLog): Promise<Started> {
  const job = toJob(row)
  const { launch: what, environment } = await prepared(ctx, drive, job, log)
  drive.signal.throwIfAborted()
  const handle = await drive.executor.start(what)
  const atMs = ctx.now()
  try {
    const held = await inTransaction(ctx, async (tx) => {
      const change = { state: 'running', process: handle, environment, started_at_ms: atMs } as const
      if (!(await changeHeldJob(tx.db, row.id, drive.owner, ['preparing'], change))) return false
      if (row.run_id !== null) await runStarted(tx, row.project_id, row.run_id)
      await recordEvent(tx, SYSTEM, {
        projectId: row.project_id,
        verb: 'started',
        kind: 'job',
        subject: row.id,
        detail: { name: row.name },
      })
      return true
    })
    if (!held) throw new LeaseLost()
  } catch (error) {
    await drive.executor.cancel(handle, 'kill')
    throw error
  }
  return { handle, atMs }
}

class LeaseLost extends Error {}

async function prepared(ctx: Context, drive: Drive, job: Job, log: StepLog): Promise<Prepared> {
  const limit = AbortSignal.timeout(PREPARE_LIMIT_MS)
  try {
    return await prepareJob(ctx, job, drive.baseUrl, log, AbortSignal.any([drive.signal, limit]))
  } catch (error) {
    if (limit.aborted)
      throw new EnvironmentError('Its environment was not ready after an hour; the log tells how far it came.')
    throw error
  }
}

/** What an error before the start means for the job; null when somebody else goes on with it. */
function endingOf(ctx: Context, drive: Drive, row: JobRow, error: unknown): Ending | null {
  const finishedAtMs = ctx.now()
  if (drive.stop.serverStop || drive.stop.leaseLost || error instanceof LeaseLost) return null
  if (drive.stop.cancel) {
    return { state: 'cancelled', exitCode: null, error: 'Cancelled before its code started.', finishedAtMs }
  }
  if (error instanceof AppError && error.status < 500)
    return { state: 'failed', exitCode: null, error: error.message, finishedAtMs }
  if (error instanceof EnvironmentError) return { state: 'failed', exitCode: null, error: error.message, finishedAtMs }
  ctx.log.error({ err: error, job: row.id }, 'a job could not be started')
  return {
    state: 'failed',
    exitCode: null,
    error: `The job could not be started: ${errorMessage(error).slice(0, 500)}`,
    finishedAtMs,
  }
}

/**
 * Lets the code run and waits for its end, ending it when somebody asks or a limit is passed. What goes wrong with the
 * watching (a full disk, a database that is away) is no reason to give up code that runs: it is tried again. Null: the
 * next owner goes on.
 */
async function watch(ctx: Context, drive: Drive, row: JobRow, { handle, atMs }: Started): Promise<Ending | null> {
  const { executor, stop } = drive
  const state: Watch = { ask: null, logCheckMs: 0, deadlineMs: atMs + timeoutOf(ctx, toJob(row)), released: false }
  for (;;) {
    let pauseMs = POLL_MS
    try {
      if (!state.released) await executor.release(handle)
      state.released = true
      const seen = await executor.poll(handle)
      if (seen.state === 'never-started') return await requeue(ctx, drive, row)
      if (seen.state !== 'running') {
        if (seen.state === 'gone') await executor.cancel(handle, 'kill') // what its leader left behind
        return await ended(ctx, row.id, seen, state.ask)
      }
      if (stop.serverStop) return null
      if (stop.leaseLost) return await leaveTo(ctx, drive, row, handle)
      await keepLimits(ctx, drive, row, handle, state)
    } catch (error) {
      ctx.log.error({ err: error, job: row.id }, 'a running job could not be looked at, will be tried again')
      if (stop.serverStop) return null
      pauseMs = 1_000
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

type Ask = { state: 'cancelled' | 'failed'; error: string; sinceMs: number }
type Watch = { ask: Ask | null; logCheckMs: number; deadlineMs: number; released: boolean }

/** Ends the code when its user asks, its time is over or its log is too large: first politely. */
async function keepLimits(ctx: Context, drive: Drive, row: JobRow, handle: string, state: Watch): Promise<void> {
  const now = ctx.now()
  if (state.ask !== null) {
    if (now - state.ask.sinceMs > GRACE_MS) await drive.executor.cancel(handle, 'kill')
    return
  }
  if (drive.stop.cancel) state.ask = { state: 'cancelled', error: 'Cancelled.', sinceMs: now }
  else if (now > state.deadlineMs) {
    const limit = timeoutOf(ctx, toJob(row)) / 1000
    state.ask = { state: 'failed', error: `Stopped: it ran longer than its limit of ${limit} s.`, sinceMs: now }
  } else if (now - state.logCheckMs > LOG_CHECK_MS) {
    state.logCheckMs = now
    if (await logIsTooLarge(ctx, row.id)) {
      state.ask = { state: 'failed', error: 'Stopped: its log grew beyond 1 GiB.', sinceMs: now }
    }
  }
  if (state.ask !== null) await drive.executor.cancel(handle, 'terminate')
}

async function ended(
  ctx: Context,
  jobId: string,
  seen: { state: 'exited'; exitCode: number; finishedAtMs: number } | { state: 'gone' },
  ask: Ask | null,
): Promise<Ending> {
  const exitCode = seen.state === 'exited' ? seen.exitCode : null
  const finishedAtMs = seen.state === 'exited' ? seen.finishedAtMs : ctx.now()
  if (ask !== null) return { state: ask.state, exitCode, error: ask.error, finishedAtMs }
  if (exitCode === null) {
    return {
      state: 'lost',
      exitCode,
      error: 'The process disappeared without an exit status: it was killed from outside, or the machine went down.',
      finishedAtMs,
    }
  }
  if (exitCode === 0) return { state: 'succeeded', exitCode, error: null, finishedAtMs }
  const said = await lastLine(logPath(jobFolder(ctx.config, jobId)))
  const how = exitCode > 128 ? `exit code ${exitCode} (signal ${exitCode - 128})` : `exit code ${exitCode}`
  return {
    state: 'failed',
    exitCode,
    error: said === null ? `${how}, without a word in the log` : `${how}: ${said}`,
    finishedAtMs,
  }
}

/** It never ran: another start cannot make it run twice. */
async function requeue(ctx: Context, drive: Drive, row: JobRow): Promise<null> {
  await changeHeldJob(ctx.db, row.id, drive.owner, ['preparing', 'running'], {
    state: 'queued',
    process: null,
    started_at_ms: null,
    lease_owner: null,
    lease_until_ms: null,
  })
  return null
}

/** Somebody else holds the job now. If it counts as ended, nobody watches its process any more: it must not go on. */
async function leaveTo(ctx: Context, drive: Drive, row: JobRow, handle: string): Promise<null> {
  const now = await jobById(ctx.db, row.id)
  if (now === undefined || (now.state !== 'running' && now.state !== 'preparing'))
    await drive.executor.cancel(handle, 'kill')
  return null
}

/** Stores the end; tried until the database takes it, because there is nobody else who knows. */
async function finish(ctx: Context, drive: Drive, row: JobRow, ending: Ending, log: StepLog): Promise<void> {
  log.say(`Job ${ending.state}${ending.error === null ? '' : `: ${ending.error}`}`)
  for (let attempt = 1; ; attempt++) {
    try {
      await endHeldJob(ctx, drive.owner, row, ending)
      break
    } catch (error) {
      ctx.log.error({ err: error, job: row.id, attempt }, 'the end of a job could not be stored')
      // Its exit status is on the disk: the next start of the server finds it.
      if (drive.stop.serverStop) return
      await new Promise((resolve) => setTimeout(resolve, Math.min(10_000, 250 * 2 ** attempt)))
    }
  }
  await clearInputs(jobFolder(ctx.config, row.id), row.kind)
}

/** One transaction: the job's row, its run, its token, its event, and what follows. Nothing when another owner has it. */
export async function endHeldJob(ctx: Context, owner: string, row: JobRow, ending: Ending): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const change = {
      state: ending.state,
      exit_code: ending.exitCode,
      error: ending.error,
      finished_at_ms: ending.finishedAtMs,
      lease_owner: null,
      lease_until_ms: null,
    }
    if (await changeHeldJob(tx.db, row.id, owner, ['preparing', 'running'], change))
      await jobEnded(tx, SYSTEM, row, ending)
  })
}

/** The server's own lines in a job's log. */
export function stepLog(folder: string): StepLog {
  const path = logPath(folder)
  return {
    path,
    say: (line) => {
      try {
        appendFileSync(path, `${OWN_PREFIX}${line.replace(/[\r\n]+/g, ' ')}\n`, { mode: 0o600 })
      } catch {
        // A log that cannot be written must not keep a job from its end.
      }
    },
  }
}

async function logIsTooLarge(ctx: Context, jobId: string): Promise<boolean> {
  const info = await stat(logPath(jobFolder(ctx.config, jobId))).catch(() => null)
  return info !== null && info.size > LOG_LIMIT_BYTES
}
