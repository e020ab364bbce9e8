import { type Context, inTransaction } from '../../context.ts'
import { SYSTEM } from '../../lib/actor.ts'
import { AppError, errorMessage } from '../../lib/errors.ts'
import { enqueueTask, type TaskHandler } from '../events/tasks.service.ts'
import { onnxForm } from '../registry/forms.service.ts'
import { type ModelVersion, modelVersionById, versionsOfRun } from '../registry/versions.service.ts'
import { runTags } from '../tracking/run-data.service.ts'
import { jobById } from '../training/jobs.service.ts'
import { compare } from './comparison.service.ts'
import { type Comparison, closeDecision, promote, recordDecision } from './decisions.service.ts'
import * as store from './decisions.store.ts'
import type { PolicySpec } from './policies.service.ts'
import { retrainTask } from './retraining.service.ts'
import { planRetraining } from './retraining-plan.service.ts'

/** How often a step of a decision is tried before the decision fails. */
const MAX_ATTEMPTS = 5
const RETRY_MS = 2_000
const LOOK_AGAIN_MS = 1_000
/** A job that succeeded registers its model at once; a conversion has its own time limit. */
const REGISTRATION_MS = 2 * 60_000
const CONVERSION_MS = 60 * 60_000

/** The tasks that carry a decision from its trigger to its end. */
export const DECISION_TASKS: Readonly<Record<string, TaskHandler>> = {
  'monitoring.retrain': (ctx, payload) => step(ctx, 'monitoring.retrain', payload, retrainTask),
  'monitoring.compare': (ctx, payload) => step(ctx, 'monitoring.compare', payload, compareTask),
}

type Step = (ctx: Context, payload: Record<string, unknown>) => Promise<void>

/** A step that keeps failing must end its decision with the reason: an open decision keeps its policy from acting again. */
async function step(ctx: Context, kind: string, payload: Record<string, unknown>, work: Step): Promise<void> {
  try {
    await work(ctx, payload)
  } catch (error) {
    const row = await store.decisionRow(ctx.db, String(payload.decision_id))
    if (row === undefined) return
    const attempt = Number(payload.attempt ?? 1)
    ctx.log.warn({ err: error, decision: row.id, kind, attempt }, 'a step of a decision failed')
    if (attempt >= MAX_ATTEMPTS)
      return closeDecision(ctx, row, 'failed', {
        reason: `It was tried ${attempt} times and always failed: ${errorMessage(error)}`,
      })
    await enqueueTask(ctx, {
      kind,
      payload: { ...payload, attempt: attempt + 1 },
      runAfterMs: ctx.now() + RETRY_MS * 2 ** attempt,
    })
  }
}

/**
 * Task `monitoring.compare`: waits until the challenger is registered and its ONNX form is decided, compares, and promotes,
 * asks or refuses. Runs again harmlessly: each step moves the decision only from the state it found.
 */
export async function compareTask(ctx: Context, payload: Record<string, unknown>): Promise<void> {
  const row = await store.decisionRow(ctx.db, String(payload.decision_id))
  if (row === undefined || (row.state !== 'converting' && row.state !== 'comparing')) return
  const challenger = await findChallenger(ctx, row)
  if (challenger === 'later') return lookAgain(ctx, row)
  if (challenger === null) return
  if (!(await isSettled(ctx, challenger))) return lookAgain(ctx, row)
  await inTransaction(ctx, async (tx) => {
    if (
      await store.moveDecision(tx.db, row.id, ['converting'], {
        state: 'comparing',
        challenger_version_id: challenger.id,
      })
    ) {
      await recordDecision(tx, SYSTEM, row, 'updated', { state: 'comparing', challenger: challenger.version })
    }
  })
  try {
    const champion = await modelVersionById(ctx, row.champion_version_id)
    const plan = await planRetraining(ctx, champion, JSON.parse(row.spec) as PolicySpec)
    await decide(
      ctx,
      { ...row, state: 'comparing', challenger_version_id: challenger.id },
      await compare(ctx, row, plan, challenger),
      challenger,
    )
  } catch (error) {
    if (!(error instanceof AppError) || error.status >= 500) throw error
    await closeDecision(ctx, row, 'failed', {
      reason: `Champion and challenger could not be compared: ${error.message}`,
      challenger_version_id: challenger.id,
    })
  }
}

/** The version that the retraining's run registered; `later` while it may still come; null when the decision failed for it. */
async function findChallenger(ctx: Context, row: store.DecisionRow): Promise<ModelVersion | 'later' | null> {
  const champion = await modelVersionById(ctx, row.champion_version_id)
  const job = await jobById(ctx, row.job_id ?? '')
  const made = job.runId === null ? [] : await versionsOfRun(ctx, row.project_id, job.runId)
  const own = made
    .filter((version) => version.modelId === champion.modelId && version.id !== champion.id)
    .sort((a, b) => b.version - a.version)
  if (own[0] !== undefined) return own[0]
  // Training says here why it could register nothing; without it the version may still be on its way.
  const problem =
    job.runId === null ? undefined : (await runTags(ctx, row.project_id, job.runId))['trainyard.register_error']
  if (problem === undefined && ctx.now() < (job.finishedAtMs ?? row.created_at_ms) + REGISTRATION_MS) return 'later'
  await closeDecision(ctx, row, 'failed', {
    reason: `The retraining job succeeded but registered no version of ${champion.name}: ${problem ?? 'it must log a model.'}`,
  })
  return null
}

/** Whether the challenger's ONNX form is ready or known not to come; after an hour its own runtime must do. */
async function isSettled(ctx: Context, challenger: ModelVersion): Promise<boolean> {
  const form = await onnxForm(ctx, challenger.id)
  if (form === null || (form.state !== 'queued' && form.state !== 'running')) return true
  return ctx.now() > form.createdAtMs + CONVERSION_MS
}

async function lookAgain(ctx: Context, row: store.DecisionRow): Promise<void> {
  await enqueueTask(ctx, {
    kind: 'monitoring.compare',
    payload: { decision_id: row.id },
    runAfterMs: ctx.now() + LOOK_AGAIN_MS,
  })
}

async function decide(
  ctx: Context,
  row: store.DecisionRow,
  comparison: Comparison,
  challenger: ModelVersion,
): Promise<void> {
  const broken = comparison.rules.filter((rule) => !rule.passed)
  if (broken.length > 0) {
    await closeDecision(ctx, row, 'refused', {
      reason: `Refused: ${broken.map((rule) => `not so: ${rule.text}`).join('; ')}.`,
      comparison,
    })
    return
  }
  const figures = comparison.sets
    .map(
      (set) =>
        `${(set.champion * 100).toFixed(2)} → ${(set.challenger * 100).toFixed(2)} % on ${set.rows} rows of ${set.name}`,
    )
    .join('; ')
  const reason = `Version ${challenger.version} is better by every rule: ${figures}.`
  if ((JSON.parse(row.spec) as PolicySpec).promote === 'auto') {
    await promote(ctx, SYSTEM, row, 'comparing', { reason, comparison })
    return
  }
  await inTransaction(ctx, async (tx) => {
    const moved = await store.moveDecision(tx.db, row.id, ['comparing'], {
      state: 'waiting',
      reason,
      comparison: JSON.stringify(comparison),
    })
    if (moved) await recordDecision(tx, SYSTEM, row, 'waiting', { reason })
  })
}
