import { setTimeout } from 'node:timers/promises'
import type { Context } from '../../../context.ts'
import { idle } from './idle.reads.ts'
import { sealSeries } from './seal.service.ts'
import { openSeries } from './series.store.ts'

/** A run that wrote nothing for so long is taken for silent; what it writes later is merged. */
const SILENT_MS = 10 * 60_000
const LOOK_EVERY_MS = 10_000
const SERIES_AT_ONCE = 200
/** So many times as long as it worked it rests, so that who asks meanwhile goes first; but what it did may have waited long. */
const REST = 3
const MAX_REST_MS = 300

export type MetricKeeper = { stop(): Promise<void> }

/** Seals, in the background, what is left in the tails of ended and silent runs: most of a store of many short runs. */
export function startMetricKeeper(ctx: Context): MetricKeeper {
  const stopped = new AbortController()
  let working: Promise<unknown> = Promise.resolve()
  const timer = setInterval(() => {
    working = working.then(() => (stopped.signal.aborted ? undefined : keep()))
  }, LOOK_EVERY_MS)
  timer.unref()

  async function keep(): Promise<void> {
    try {
      while (!stopped.signal.aborted) {
        const begun = performance.now()
        if ((await sealSilentRuns(ctx, ctx.now() - SILENT_MS, SERIES_AT_ONCE)) < SERIES_AT_ONCE) return
        await setTimeout(Math.min(MAX_REST_MS, REST * (performance.now() - begun)), undefined, {
          signal: stopped.signal,
        })
      }
    } catch (error) {
      if (stopped.signal.aborted) return
      ctx.log.warn({ err: error }, 'metrics were not sealed; the next look tries again')
    }
  }

  return {
    async stop() {
      stopped.abort()
      clearInterval(timer)
      await working
    },
  }
}

/** Seals series of runs that ended or were silent since `beforeMs`, at most `limit` of them; returns how many. */
export async function sealSilentRuns(ctx: Context, beforeMs: number, limit: number): Promise<number> {
  const series = await ctx.reads.ask(ctx.db, idle, { beforeMs, limit })
  await sealSeries(ctx, series, true)
  return series.length
}

/**
 * Seals what a run that ended has in its tails. The keeper's next look would be too late for the file of SQLite: it grows by
 * all that comes in until then, 24 bytes a point, and never shrinks again.
 */
export async function sealRun(ctx: Context, runId: string): Promise<void> {
  await sealSeries(ctx, await openSeries(ctx.db, runId), true)
}
