import { type Context, inTransaction } from '../../context.ts'
import type { RunStatus } from '../../db/tables/tracking.ts'
import type { WriteTx } from '../../db/writes.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, badRequest, notFound } from '../../lib/errors.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { LIMITS, truncated } from './limits.ts'
import { sealRun } from './metrics/keeper.ts'
import { type RunRecord, runRecord } from './records.ts'
import { type RunState, runStates } from './run-data.store.ts'
import * as store from './runs.store.ts'

export { NAME_TAG } from './runs.store.ts'

export const PARENT_TAG = 'mlflow.parentRunId'

/** A run of the project, whatever its lifecycle. @throws AppError not_found */
export async function getRun(ctx: Context, projectId: string, runId: string): Promise<RunRecord> {
  const [row] = await store.runsByIds(ctx.db, projectId, [runId])
  if (row === undefined) throw runNotFound(runId)
  return runRecord(row)
}

export function runNotFound(runId: string): AppError {
  return notFound(`Run with id=${runId.slice(0, 100)} not found`)
}

/**
 * The one rule of job tokens: such a token writes to its own run and to runs below it (tag `mlflow.parentRunId`).
 * Every other actor was let in by the project's permission.
 * @throws AppError forbidden
 */
export async function assertRunWritable(ctx: WriteTx, actor: Actor, run: { id: string }): Promise<void> {
  if (actor.run === null) return
  let current: string | undefined = run.id
  for (let depth = 0; current !== undefined && depth < 20; depth++) {
    if (current === actor.run.runId) return
    current = await store.parentOf(ctx.db, current)
  }
  throw new AppError(
    'forbidden',
    `This token belongs to run ${actor.run.runId} and may write to it and its children only.`,
  )
}

/** The state of a run that takes writes: it is the project's, and active. @throws AppError not_found, bad_request (deleted) */
export function assertTakesWrites(run: RunState | undefined, projectId: string, runId: string): RunState {
  if (run === undefined || run.project_id !== projectId) throw runNotFound(runId)
  if (run.lifecycle !== 'active') {
    throw badRequest(`The run ${run.id} must be in the 'active' state. Current state is deleted.`, 'run_id')
  }
  return run
}

/**
 * Looks whether a run takes writes of this actor: it is the project's, active, and the actor's to write. Call it inside
 * the transaction that writes.
 * @throws AppError not_found, bad_request (deleted), forbidden
 */
export async function assertRunTakesWrites(
  ctx: Context,
  actor: Actor,
  projectId: string,
  runId: string,
): Promise<{ id: string; experimentRowId: number }> {
  const run = assertTakesWrites((await runStates(ctx.db, [runId], false)).get(runId), projectId, runId)
  await assertRunWritable(ctx, actor, run)
  return { id: run.id, experimentRowId: run.experiment_id }
}

export type RunChange = { status?: RunStatus; endedAtMs?: number; name?: string }

/**
 * Changes what is given: status, end, name (and with it the tag `mlflow.runName`).
 * @throws AppError not_found, bad_request (deleted), forbidden
 */
export async function updateRun(
  ctx: Context,
  actor: Actor,
  project: Project,
  runId: string,
  change: RunChange,
): Promise<RunRecord> {
  const name =
    change.name === undefined || change.name === '' ? undefined : truncated(change.name, 'run_name', LIMITS.runName)
  const run = await inTransaction(ctx, async (tx) => {
    await assertRunTakesWrites(tx, actor, project.id, runId)
    const columns = {
      last_write_at_ms: tx.now(),
      ...(change.status === undefined ? {} : { status: change.status }),
      ...(change.endedAtMs === undefined ? {} : { ended_at_ms: change.endedAtMs }),
      ...(name === undefined ? {} : { name }),
    }
    if (Object.keys(columns).length > 1) {
      await store.updateRun(tx.db, runId, columns)
      await recordEvent(tx, actor, {
        projectId: project.id,
        verb: 'updated',
        kind: 'run',
        subject: runId,
        detail: change,
      })
    }
    return getRun(tx, project.id, runId)
  })
  // After the answer. What is still uncommitted, or goes wrong here, is the metric keeper's.
  if (change.status !== undefined && hasEnded(change.status) && !ctx.db.isTransaction)
    void sealRun(ctx, runId).catch((error) => ctx.log.warn({ err: error }, 'sealing'))
  return run
}

function hasEnded(status: RunStatus): boolean {
  return status !== 'RUNNING' && status !== 'SCHEDULED'
}

/** Ends a run. @throws AppError not_found, bad_request (deleted), forbidden */
export async function endRun(
  ctx: Context,
  actor: Actor,
  project: Project,
  runId: string,
  status: 'FINISHED' | 'FAILED' | 'KILLED',
  endedAtMs: number = ctx.now(),
): Promise<RunRecord> {
  return updateRun(ctx, actor, project, runId, { status, endedAtMs })
}

/** Deletes a run; it can be restored. Again is fine. @throws AppError not_found, forbidden */
export async function deleteRun(ctx: Context, actor: Actor, project: Project, runId: string): Promise<void> {
  await setLifecycle(ctx, actor, project, runId, 'deleted')
}

/** @throws AppError not_found, forbidden */
export async function restoreRun(ctx: Context, actor: Actor, project: Project, runId: string): Promise<void> {
  await setLifecycle(ctx, actor, project, runId, 'active')
}

async function setLifecycle(
  ctx: Context,
  actor: Actor,
  project: Project,
  runId: string,
  lifecycle: 'active' | 'deleted',
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const run = (await runStates(tx.db, [runId], false)).get(runId)
    if (run?.project_id !== project.id) throw runNotFound(runId)
    await assertRunWritable(tx, actor, run)
    if (run.lifecycle === lifecycle) return
    await store.updateRun(tx.db, runId, { lifecycle, deleted_at_ms: lifecycle === 'deleted' ? tx.now() : null })
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: lifecycle === 'deleted' ? 'deleted' : 'restored',
      kind: 'run',
      subject: runId,
    })
  })
}

/** Active runs below this one, oldest first, at most 200. */
export async function childRuns(
  ctx: Context,
  projectId: string,
  runId: string,
): Promise<{ id: string; name: string; status: RunStatus }[]> {
  return store.childrenOf(ctx.db, projectId, runId, 200)
}
