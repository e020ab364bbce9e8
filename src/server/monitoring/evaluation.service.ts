import { type Context, inTransaction } from '../../context.ts'
import { isUniqueViolation } from '../../db/dialect.ts'
import { SYSTEM } from '../../lib/actor.ts'
import { AppError } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import { enqueueTask } from '../events/tasks.service.ts'
import { type Endpoint, endpointById, servedVersion } from '../serving/endpoints.service.ts'
import { hasEnded, jobById } from '../training/jobs.service.ts'
import { recordDecision, type Trigger } from './decisions.service.ts'
import { type DecisionRow, insertDecision, openDecision } from './decisions.store.ts'
import { aliasMovedAt, newestLabelled } from './feedback.store.ts'
import { countRight } from './performance.service.ts'
import { type PolicySpec, stateOf } from './policies.service.ts'
import { policyOf } from './policies.store.ts'
import { retrainingFinished } from './retraining.service.ts'

/** Task `monitoring.evaluate`: new feedback came, or the policy changed. */
export async function evaluateTask(ctx: Context, payload: Record<string, unknown>): Promise<void> {
  let endpoint: Endpoint
  try {
    endpoint = await endpointById(ctx, String(payload.endpoint_id))
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return // deleted meanwhile
    throw error
  }
  await evaluatePolicy(ctx, endpoint)
}

/**
 * Looks at the champion's newest labelled predictions and, when its accuracy is below the policy's threshold, opens a
 * decision: from then on the retraining runs by itself. Does nothing while a decision is open or the policy rests.
 * @returns the id of the decision that this opened, or that is open already; null when there is nothing to decide
 */
export async function evaluatePolicy(ctx: Context, endpoint: Endpoint): Promise<string | null> {
  const policy = await policyOf(ctx.db, endpoint.id)
  if (policy === undefined || policy.enabled === 0) return null
  const spec = JSON.parse(policy.spec) as PolicySpec
  const state = await stateOf(ctx, policy.id, spec)
  if (state === 'retraining') return followOpen(ctx, policy.id)
  if (state === 'cooling' || endpoint.alias !== spec.alias) return null
  const found = await findTrigger(ctx, endpoint, spec)
  if (found === null) return null
  const now = ctx.now()
  const row: DecisionRow = {
    id: newId(now),
    policy_id: policy.id,
    endpoint_id: endpoint.id,
    project_id: endpoint.projectId,
    state: 'retraining',
    spec: policy.spec,
    trigger: JSON.stringify(found.trigger),
    champion_version_id: found.championId,
    challenger_version_id: null,
    dataset_version_id: null,
    job_id: null,
    comparison: null,
    reason: null,
    created_at_ms: now,
    decided_at_ms: null,
  }
  try {
    await inTransaction(ctx, async (tx) => {
      await insertDecision(tx.db, row)
      await recordDecision(tx, SYSTEM, row, 'created', { ...found.trigger })
      await enqueueTask(tx, { kind: 'monitoring.retrain', payload: { decision_id: row.id } })
    })
  } catch (error) {
    if (isUniqueViolation(error)) return (await openDecision(ctx.db, policy.id))?.id ?? null // two evaluations at once
    throw error
  }
  return row.id
}

/** Normally the end of the job moves its decision on; should that have been missed, the next look does. */
async function followOpen(ctx: Context, policyId: string): Promise<string | null> {
  const open = await openDecision(ctx.db, policyId)
  if (open?.state === 'retraining' && open.job_id !== null) {
    const job = await jobById(ctx, open.job_id)
    if (hasEnded(job.state)) await retrainingFinished(ctx, job)
  }
  return open?.id ?? null
}

/** Only predictions of the version that serves now, since it serves, say whether it must be replaced. */
async function findTrigger(
  ctx: Context,
  endpoint: Endpoint,
  spec: PolicySpec,
): Promise<{ championId: string; trigger: Trigger } | null> {
  let champion: { id: string }
  try {
    champion = await servedVersion(ctx, endpoint)
  } catch (error) {
    if (error instanceof AppError && error.code === 'unavailable') return null // the alias points at nothing
    throw error
  }
  const sinceMs = await aliasMovedAt(ctx.db, endpoint.modelId, spec.alias)
  if (sinceMs === null) return null
  const rows = await newestLabelled(ctx.db, endpoint.id, spec.window, { versionId: champion.id, sinceMs })
  const newest = rows[0]
  const oldest = rows.at(-1)
  if (newest === undefined || oldest === undefined || rows.length < spec.min_samples) return null
  const value = countRight(rows) / rows.length
  if (value >= spec.threshold) return null
  const trigger: Trigger = {
    metric: 'accuracy',
    value,
    threshold: spec.threshold,
    window: spec.window,
    labelled: rows.length,
    from_ms: oldest.predicted_at_ms,
    to_ms: newest.predicted_at_ms,
  }
  return { championId: champion.id, trigger }
}
