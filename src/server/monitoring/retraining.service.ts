import { type Context, inTransaction } from '../../context.ts'
import { SYSTEM } from '../../lib/actor.ts'
import { AppError } from '../../lib/errors.ts'
import { readRows, writeParquet } from '../datasets/tables.service.ts'
import { createVersion } from '../datasets/versions.service.ts'
import { enqueueTask } from '../events/tasks.service.ts'
import { type Project, projectForSystem } from '../projects/projects.service.ts'
import { modelVersionById } from '../registry/versions.service.ts'
import { endpointById } from '../serving/endpoints.service.ts'
import { type Job, submitJob } from '../training/jobs.service.ts'
import { closeDecision, recordDecision } from './decisions.service.ts'
import * as store from './decisions.store.ts'
import { aliasMovedAt, type LabelledPrediction, labelledPredictions } from './feedback.store.ts'
import type { PolicySpec } from './policies.service.ts'
import { FEEDBACK_FILE, planRetraining, type RetrainingPlan } from './retraining-plan.service.ts'
import { isHeldOut } from './truth.ts'

/** Newest rows win beyond this many; older feedback says less about today. */
const MAX_FEEDBACK_ROWS = 100_000

/**
 * Task `monitoring.retrain`: makes the dataset version with the feedback in it and submits the champion's own job on it.
 * What can never work ends the decision with the reason; anything else is tried again.
 */
export async function retrainTask(ctx: Context, payload: Record<string, unknown>): Promise<void> {
  const row = await store.decisionRow(ctx.db, String(payload.decision_id))
  if (row === undefined || row.state !== 'retraining' || row.job_id !== null) return
  try {
    await retrain(ctx, row)
  } catch (error) {
    if (!(error instanceof AppError) || error.status >= 500) throw error
    await closeDecision(ctx, row, 'failed', { reason: `The retraining could not be started: ${error.message}` })
  }
}

async function retrain(ctx: Context, row: store.DecisionRow): Promise<void> {
  const spec = JSON.parse(row.spec) as PolicySpec
  const project = await projectForSystem(ctx, row.project_id)
  const champion = await modelVersionById(ctx, row.champion_version_id)
  const plan = await planRetraining(ctx, champion, spec)
  const endpoint = await endpointById(ctx, row.endpoint_id)
  const sinceMs = (await aliasMovedAt(ctx.db, endpoint.modelId, spec.alias)) ?? 0
  const labelled = await labelledPredictions(ctx.db, endpoint.id, {
    versionId: champion.id,
    predictedSinceMs: sinceMs,
    // Feedback that came after the decision was not used: it is what the challenger is tried on.
    labelledUntilMs: row.created_at_ms,
    limit: MAX_FEEDBACK_ROWS,
  })
  const rows = trainingRows(plan, labelled, spec.holdout_share)
  const dataset = await feedbackVersion(ctx, project, plan, rows, endpoint.name)
  await inTransaction(ctx, async (tx) => {
    const train = plan.job.spec.train
    const job = await submitJob(tx, SYSTEM, project, {
      name: `retrain ${champion.name}`,
      codeDigest: plan.codeDigest,
      ...(train === null ? {} : { entryPoint: train.entryPoint }),
      parameters: { ...train?.parameters, ...spec.retrain.parameters },
      dataset: `${dataset.dataset}@${dataset.version}`,
      ...(train?.experiment == null ? {} : { experiment: train.experiment }),
      registerAs: champion.name,
      ...(plan.job.spec.timeoutMs === null ? {} : { timeoutMs: plan.job.spec.timeoutMs }),
    })
    // Not ours any more (somebody cancelled, or this task ran twice): the transaction takes the job back.
    if (!(await store.giveJob(tx.db, row.id, job.id, dataset.id))) throw new Error('the decision has its job already')
    await recordDecision(tx, SYSTEM, row, 'updated', {
      job_id: job.id,
      dataset: dataset.dataset,
      version: dataset.version,
    })
  })
}

/** Labelled predictions as rows of the training file, but for those kept to compare on. Newest last. */
function trainingRows(
  plan: RetrainingPlan,
  labelled: LabelledPrediction[],
  holdoutShare: number,
): Record<string, unknown>[] {
  const rows: Record<string, unknown>[] = []
  for (const one of labelled) {
    if (isHeldOut(one.inputs, holdoutShare)) continue
    const truth = truthOf(one)
    if (truth === undefined) continue
    rows.push({ ...(JSON.parse(one.inputs) as Record<string, unknown>), [plan.label]: truth })
  }
  if (rows.length === 0) {
    throw new AppError(
      'unprocessable',
      'No labelled prediction says what really happened (only that the prediction was wrong), so there is nothing to train on. Send truth with the feedback.',
    )
  }
  return rows.reverse()
}

/** The true outcome; undefined when only "wrong" is known. */
export function truthOf(one: Pick<LabelledPrediction, 'truth' | 'correct' | 'output'>): unknown {
  if (one.truth !== null) return JSON.parse(one.truth)
  return one.correct === 1 ? JSON.parse(one.output) : undefined
}

/** The champion's dataset with `feedback.parquet`: the feedback it was trained on already, if any, and the new rows. */
async function feedbackVersion(
  ctx: Context,
  project: Project,
  plan: RetrainingPlan,
  fresh: Record<string, unknown>[],
  endpoint: string,
) {
  const before = plan.files.find((file) => file.path === FEEDBACK_FILE)
  const known =
    before === undefined ? [] : (await readRows(ctx, before.sha256, before.path, { limit: MAX_FEEDBACK_ROWS })).rows
  const rows = [...known, ...fresh].slice(-MAX_FEEDBACK_ROWS)
  const blob = await writeParquet(ctx, project, rows, plan.columns)
  return createVersion(ctx, SYSTEM, project, {
    dataset: plan.base.dataset,
    files: [
      ...plan.files.filter((file) => file.path !== FEEDBACK_FILE),
      { path: FEEDBACK_FILE, sha256: blob.sha256, sizeBytes: blob.sizeBytes },
    ],
    parentId: plan.base.id,
    message: `${fresh.length} labelled predictions of the endpoint ${endpoint}${known.length === 0 ? '' : `, and ${known.length} from before`}`,
  })
}

/**
 * A job ended: when a decision waits for it, the decision goes on, or fails with the job's error. Harmless for others, and
 * when it is called twice.
 */
export async function retrainingFinished(ctx: Context, job: Job): Promise<void> {
  const row = await store.decisionOfJob(ctx.db, job.id)
  if (row === undefined || row.state !== 'retraining') return
  if (job.state !== 'succeeded') {
    await closeDecision(ctx, row, 'failed', {
      reason: `The retraining job ${job.state === 'failed' ? 'failed' : `was ${job.state}`}: ${job.error ?? 'it says no reason'}`,
    })
    return
  }
  await inTransaction(ctx, async (tx) => {
    if (!(await store.moveDecision(tx.db, row.id, ['retraining'], { state: 'converting' }))) return
    await recordDecision(tx, SYSTEM, row, 'updated', { state: 'converting' })
    await enqueueTask(tx, { kind: 'monitoring.compare', payload: { decision_id: row.id } })
  })
}
