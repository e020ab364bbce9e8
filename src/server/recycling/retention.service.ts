import type { Config } from '../../config.ts'
import type { Context } from '../../context.ts'
import { SYSTEM } from '../../lib/actor.ts'
import { AppError } from '../../lib/errors.ts'
import { enqueueTask } from '../events/tasks.service.ts'
import { projectForSystem } from '../projects/projects.service.ts'
import { expiredRows } from './bin.store.ts'
import type { BinKind } from './kinds.ts'
import { deleteForEver } from './purge.service.ts'
import { askForReclaim, DEFAULT_GRACE_MS } from './reclaim.service.ts'
import { lastSweep } from './reclaim.store.ts'

const DAY_MS = 24 * 3600_000
const HOUR_MS = 3600_000
/** What needs others goes first, so that these can go too. */
const ORDER: readonly BinKind[] = [
  'model_version',
  'model',
  'run',
  'logged_model',
  'experiment',
  'dataset_version',
  'dataset',
]
/** Things of a kind that one round takes; the rest waits for the next. */
const A_ROUND = 1_000

/** When a thing is deleted for ever by itself; null where the configuration keeps the bin. */
export function purgeAtMs(config: Config, deletedAtMs: number): number | null {
  return config.recycleBinDays === 0 ? null : deletedAtMs + config.recycleBinDays * DAY_MS
}

/**
 * The hourly round: deletes for ever what has been in a recycle bin longer than `recycle-bin-days`, and asks for a sweep
 * when the last one is older than `reclaim-every-hours`. What something else needs stays. A task.
 */
export async function tidy(ctx: Context): Promise<void> {
  const { recycleBinDays, reclaimEveryHours } = ctx.config
  if (recycleBinDays > 0) {
    for (const kind of ORDER) {
      for (const { project_id, id } of await expiredRows(ctx.db, kind, ctx.now() - recycleBinDays * DAY_MS, A_ROUND)) {
        try {
          await deleteForEver(ctx, SYSTEM, await projectForSystem(ctx, project_id), kind, id)
        } catch (error) {
          if (!(error instanceof AppError) || error.status >= 500) throw error // needed, or restored meanwhile
        }
      }
    }
  }
  const last = await lastSweep(ctx.db)
  if (reclaimEveryHours > 0 && (last === null || last <= ctx.now() - reclaimEveryHours * HOUR_MS))
    await askForReclaim(ctx, SYSTEM, { dryRun: false, graceMs: DEFAULT_GRACE_MS })
}

/** Asks for a round now and every hour, once for all servers of the database. Returns what stops it. */
export async function startTidying(ctx: Context): Promise<() => void> {
  const ask = () => enqueueTask(ctx, { kind: 'recycling.tidy', payload: {}, dedupeKey: 'recycling.tidy' })
  if (ctx.config.recycleBinDays === 0 && ctx.config.reclaimEveryHours === 0) return () => {}
  await ask()
  const timer = setInterval(() => void ask().catch(() => {}), HOUR_MS)
  timer.unref()
  return () => clearInterval(timer)
}
