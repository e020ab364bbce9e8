import { type Context, inTransaction } from '../../context.ts'
import { SYSTEM } from '../../lib/actor.ts'
import { recordEvent } from '../events/events.service.ts'
import * as store from './lost-runs.store.ts'

/** Runs that one query takes up: requests are answered between two of them. */
const PAGE = 500
const LOOK_EVERY_MS = 60_000
/** Generations of child runs whose writes count as a sign of life of their parent. */
const GENERATIONS = 5

/**
 * Notes runs that fell silent as lost, and those that were heard again as running. A lost run keeps its status: nobody
 * knows that its process has ended, and MLflow's clients see what they wrote (docs/decisions/0013-lost-runs.md).
 */
export async function lookForLostRuns(ctx: Context): Promise<void> {
  const { runLostAfterMs } = ctx.config
  if (runLostAfterMs === 0) return
  const beforeMs = ctx.now() - runLostAfterMs
  await takeUpAgain(ctx, beforeMs)
  let after = ''
  for (;;) {
    const rows = await store.silentRuns(ctx.db, beforeMs, after, PAGE)
    for (const run of rows) {
      // Most were noted by an earlier look, and said nothing since.
      if (run.noted_at_ms === null || run.noted_at_ms < run.heard_at_ms) await noteAsLost(ctx, run, beforeMs)
    }
    after = rows.at(-1)?.id ?? ''
    if (rows.length < PAGE) return
  }
}

async function noteAsLost(ctx: Context, run: store.SilentRun, beforeMs: number): Promise<void> {
  const heardAtMs = await store.lastHeard(ctx.db, run.id, GENERATIONS)
  if (heardAtMs >= beforeMs) return
  await inTransaction(ctx, async (tx) => {
    const row = { run_id: run.id, project_id: run.project_id, last_heard_at_ms: heardAtMs, noticed_at_ms: tx.now() }
    if (!(await store.putLostRun(tx.db, row))) return
    await recordEvent(tx, SYSTEM, {
      projectId: run.project_id,
      verb: 'lost',
      kind: 'run',
      subject: run.id,
      detail: { name: run.name, last_heard_at_ms: heardAtMs },
    })
  })
}

async function takeUpAgain(ctx: Context, beforeMs: number): Promise<void> {
  let after = ''
  for (;;) {
    const rows = await store.lostRunsAfter(ctx.db, after, PAGE)
    for (const row of rows) {
      const isAsItWas = row.status === 'RUNNING' && row.heard_at_ms <= row.last_heard_at_ms
      if (isAsItWas && !row.has_children) continue
      const heardAtMs = await store.lastHeard(ctx.db, row.run_id, GENERATIONS)
      const speaks = row.status === 'RUNNING' && heardAtMs > row.last_heard_at_ms && heardAtMs >= beforeMs
      if (row.status === 'RUNNING' && !speaks) continue
      await inTransaction(ctx, async (tx) => {
        if (!(await store.deleteLostRun(tx.db, row.run_id, row.last_heard_at_ms)) || !speaks) return
        await recordEvent(tx, SYSTEM, {
          projectId: row.project_id,
          verb: 'resumed',
          kind: 'run',
          subject: row.run_id,
          detail: { name: row.name, silent_ms: heardAtMs - row.last_heard_at_ms },
        })
      })
    }
    after = rows.at(-1)?.run_id ?? ''
    if (rows.length < PAGE) return
  }
}

/** When the lost ones of these runs were last heard, in milliseconds since the epoch, by run id. */
export async function lostRuns(ctx: Context, runIds: readonly string[]): Promise<Map<string, number>> {
  if (ctx.config.runLostAfterMs === 0 || runIds.length === 0) return new Map()
  const rows = await store.lostAmong(ctx.db, runIds)
  return new Map(rows.map((row) => [row.run_id, row.last_heard_at_ms]))
}

/** Looks every minute until the returned function is called, which waits for a look in work. */
export function startLostRunWatch(ctx: Context): () => Promise<void> {
  let working: Promise<void> = Promise.resolve()
  let busy = false
  const timer = setInterval(() => {
    if (busy) return
    busy = true
    working = lookForLostRuns(ctx)
      .catch((error: unknown) => ctx.log.warn({ err: error }, 'looking for lost runs'))
      .finally(() => {
        busy = false
      })
  }, LOOK_EVERY_MS)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await working
  }
}
