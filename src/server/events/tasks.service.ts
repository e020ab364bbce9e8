import type { Context } from '../../context.ts'
import type { WriteTx } from '../../db/writes.ts'
import { errorMessage } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import { ownerDied, ownerName } from '../../lib/processes.ts'
import {
  claimTask,
  deleteDoneTasks,
  extendTaskLease,
  finishTask,
  insertTask,
  releaseTasksOf,
  retryTask,
  type TaskKinds,
  taskOwners,
} from './tasks.store.ts'

/** What must follow a change, written in the change's transaction and done after it, at least once. */
export type NewTask = {
  kind: string
  payload: Record<string, unknown>
  runAfterMs?: number
  /** While a task with this key waits or runs, another is not added. */
  dedupeKey?: string
}

/**
 * Does one task. It may run twice (a kill in between), so it must be idempotent. Throwing retries it with back-off.
 * `stopping` is aborted when the server ends: who waits for others gives up then.
 */
export type TaskHandler = (ctx: Context, payload: Record<string, unknown>, stopping: AbortSignal) => Promise<void>
export type TaskHandlers = Readonly<Record<string, TaskHandler>>

const LEASE_MS = 60_000
const MAX_ATTEMPTS = 6
const IDLE_MS = 200
const KEEP_DONE_MS = 24 * 3600_000
const PARALLEL = 3
/** Requests to others' servers, which may take their time. */
const OUTBOUND_PARALLEL = 8

export async function enqueueTask(ctx: WriteTx, task: NewTask): Promise<void> {
  const now = ctx.now()
  await insertTask(ctx.db, {
    id: newId(now),
    kind: task.kind,
    payload: JSON.stringify(task.payload),
    state: 'queued',
    attempts: 0,
    run_after_ms: task.runAfterMs ?? now,
    lease_owner: null,
    lease_until_ms: null,
    error: null,
    dedupe_key: task.dedupeKey ?? null,
    created_at_ms: now,
  })
}

/** Frees the tasks of servers of this machine that were killed, instead of waiting for their leases to run out. */
async function releaseTasksOfTheDead(ctx: Context): Promise<void> {
  for (const owner of await taskOwners(ctx.db)) if (await ownerDied(owner)) await releaseTasksOf(ctx.db, owner)
}

/**
 * Starts the loops that do tasks until `stop` is called; `stop` waits for those in work.
 * @param outbound tasks that wait for others' servers: they have a queue of their own, so that nothing waits behind them
 */
export async function startTaskLoop(
  ctx: Context,
  handlers: TaskHandlers,
  outbound: TaskHandlers = {},
): Promise<{ stop(): Promise<void> }> {
  const owner = await ownerName()
  await releaseTasksOfTheDead(ctx)
  const stopping = new AbortController()
  const sleepers = new Set<() => void>()
  const sleep = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(done, ms)
      function done() {
        clearTimeout(timer)
        sleepers.delete(done)
        resolve()
      }
      sleepers.add(done)
    })

  const kinds = Object.keys(outbound)
  async function loop(taken: TaskKinds, parallel: number, known: TaskHandlers): Promise<void> {
    const inWork = new Set<Promise<void>>()
    while (!stopping.signal.aborted) {
      try {
        const task = await claimTask(ctx.db, owner, ctx.now(), LEASE_MS, taken)
        if (task === null) await sleep(IDLE_MS)
        else {
          const work: Promise<void> = doTask(ctx, known, owner, task, stopping.signal)
            .catch((error) => ctx.log.error({ err: error, task: task.id }, 'task loop: a task cannot be settled'))
            .finally(() => inWork.delete(work))
          inWork.add(work)
          if (inWork.size >= parallel) await Promise.race(inWork)
        }
      } catch (error) {
        ctx.log.error({ err: error }, 'task loop: the queue cannot be read')
        await sleep(1_000)
      }
    }
    await Promise.all(inWork)
  }

  const sweeper = setInterval(() => void deleteDoneTasks(ctx.db, ctx.now() - KEEP_DONE_MS).catch(() => {}), 3600_000)
  sweeper.unref()
  const loops = Array.from({ length: PARALLEL }, () => loop({ kinds, taken: false }, 1, handlers))
  if (kinds.length > 0) loops.push(loop({ kinds, taken: true }, OUTBOUND_PARALLEL, outbound))
  return {
    async stop() {
      stopping.abort()
      clearInterval(sweeper)
      for (const wake of [...sleepers]) wake()
      await Promise.all(loops)
    },
  }
}

async function doTask(
  ctx: Context,
  handlers: TaskHandlers,
  owner: string,
  task: { id: string; kind: string; payload: string; attempts: number },
  stopping: AbortSignal,
): Promise<void> {
  const handler = handlers[task.kind]
  const heartbeat = setInterval(
    () => void extendTaskLease(ctx.db, task.id, owner, ctx.now() + LEASE_MS).catch(() => {}),
    LEASE_MS / 3,
  )
  heartbeat.unref()
  try {
    if (handler === undefined) throw new Error(`no handler for task kind "${task.kind}"`)
    await handler(ctx, JSON.parse(task.payload) as Record<string, unknown>, stopping)
    await finishTask(ctx.db, task.id)
  } catch (error) {
    const last = task.attempts >= MAX_ATTEMPTS
    ctx.log.error(
      { err: error, task: task.id, kind: task.kind, attempt: task.attempts },
      last ? 'task failed for good' : 'task failed, will be retried',
    )
    await retryTask(ctx.db, task.id, errorMessage(error), last ? null : ctx.now() + 500 * 2 ** task.attempts)
  } finally {
    clearInterval(heartbeat)
  }
}
