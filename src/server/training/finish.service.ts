import type { Context } from '../../context.ts'
import { type Actor, SYSTEM } from '../../lib/actor.ts'
import { AppError } from '../../lib/errors.ts'
import { recordEvent } from '../events/events.service.ts'
import { enqueueTask } from '../events/tasks.service.ts'
import { revokeRunTokens } from '../identity/identity.service.ts'
import { type Project, projectForSystem } from '../projects/projects.service.ts'
import { setTag } from '../tracking/run-data.service.ts'
import { endRun, getRun, updateRun } from '../tracking/runs.service.ts'
import type { JobRow } from './jobs.store.ts'

/** How a job ended. */
export type Ending = {
  state: 'succeeded' | 'failed' | 'cancelled' | 'lost'
  exitCode: number | null
  /** A sentence for the user; null when it succeeded. */
  error: string | null
  finishedAtMs: number
}

const RUN_STATUS = { succeeded: 'FINISHED', failed: 'FAILED', cancelled: 'KILLED', lost: 'KILLED' } as const

/**
 * Everything that belongs to a job's end besides its own row, in that row's transaction: the run ends (unless its code
 * ended it), its token dies, the end is announced, and task `job.finished` is queued.
 */
export async function jobEnded(tx: Context, actor: Actor, job: JobRow, ending: Ending): Promise<void> {
  if (job.run_id !== null) {
    await endRunOf(tx, actor, await projectForSystem(tx, job.project_id), job.run_id, ending)
    await revokeRunTokens(tx, job.run_id)
  }
  await recordEvent(tx, actor, {
    projectId: job.project_id,
    verb: ending.state,
    kind: 'job',
    subject: job.id,
    detail: { name: job.name, state: ending.state, exit_code: ending.exitCode, error: ending.error },
  })
  await enqueueTask(tx, { kind: 'job.finished', payload: { job_id: job.id }, dedupeKey: `job.finished:${job.id}` })
}

async function endRunOf(tx: Context, actor: Actor, project: Project, runId: string, ending: Ending): Promise<void> {
  await tolerant(tx, runId, async () => {
    const run = await getRun(tx, project.id, runId)
    if (run.lifecycle !== 'active' || (run.status !== 'RUNNING' && run.status !== 'SCHEDULED')) return
    await endRun(tx, actor, project, runId, RUN_STATUS[ending.state], ending.finishedAtMs)
    if (ending.error !== null)
      await setTag(tx, actor, project, runId, { key: 'trainyard.end_reason', value: ending.error })
  })
}

/** The run waited in the queue with its job; now it runs. Call it in the transaction that starts the job. */
export async function runStarted(tx: Context, projectId: string, runId: string): Promise<void> {
  const project = await projectForSystem(tx, projectId)
  await tolerant(tx, runId, async () => {
    const run = await getRun(tx, projectId, runId)
    if (run.lifecycle === 'active' && run.status === 'SCHEDULED')
      await updateRun(tx, SYSTEM, project, runId, { status: 'RUNNING' })
  })
}

/** A run that somebody deleted while its job was in work must not keep the job from starting or ending. */
async function tolerant(tx: Context, runId: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof AppError) || error.status >= 500) throw error
    tx.log.warn({ run: runId, reason: error.message }, "the run of a job does not take the job's state")
  }
}
