import type { Context } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError } from '../../lib/errors.ts'
import { assertRunWritable, getRun } from '../tracking/runs.service.ts'

/**
 * A job's token may change only versions that its own run, or a run made under it, produced.
 * @throws AppError forbidden
 */
export async function assertVersionWritable(
  ctx: Context,
  actor: Actor,
  version: { project_id: string; run_id: string | null },
): Promise<void> {
  if (actor.run === null) return
  if (version.run_id === null)
    throw new AppError(
      'forbidden',
      'The token of a job may only change model versions of its own run; this one has no run.',
    )
  await assertRunWritable(ctx, actor, await getRun(ctx, version.project_id, version.run_id))
}
