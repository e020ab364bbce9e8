import { type Context, inTransaction } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { badRequest, notFound } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import { recordEvent } from '../events/events.service.ts'
import { enqueueTask } from '../events/tasks.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { type Endpoint, servedVersion } from '../serving/endpoints.service.ts'
import { latestDecided, openDecision } from './decisions.store.ts'
import type { PolicyInput } from './monitoring.schema.ts'
import * as store from './policies.store.ts'
import { planRetraining } from './retraining-plan.service.ts'

/** What a policy demands, as it is stored with the policy and with each of its decisions. */
export type PolicySpec = {
  metric: 'accuracy'
  threshold: number
  window: number
  min_samples: number
  holdout_share: number
  min_gain: number
  max_regression: number
  cooldown_ms: number
  alias: string
  promote: 'auto' | 'ask'
  retrain: { parameters: Record<string, string | number | boolean> }
}

export type PolicyState = 'watching' | 'retraining' | 'cooling'
export type Policy = PolicySpec & { enabled: boolean; state: PolicyState; updated_at_ms: number; created_by: string }

const DEFAULT_WINDOW = 500
const DAY_MS = 24 * 3600_000
/** A refusal doubles the rest, at most this many times. */
const MAX_DOUBLINGS = 10

/** @throws AppError not_found when the endpoint has no policy */
export async function getPolicy(ctx: Context, endpoint: Endpoint): Promise<Policy> {
  const row = await store.policyOf(ctx.db, endpoint.id)
  if (row === undefined) throw notFound(`The endpoint "${endpoint.name}" has no policy.`)
  return seen(ctx, row)
}

async function seen(ctx: Context, row: store.PolicyRow): Promise<Policy> {
  const spec = JSON.parse(row.spec) as PolicySpec
  return {
    ...spec,
    enabled: row.enabled === 1,
    state: await stateOf(ctx, row.id, spec),
    updated_at_ms: row.updated_at_ms,
    created_by: row.created_by,
  }
}

/** Whether a policy may act now, and if not, why. */
export async function stateOf(ctx: Context, policyId: string, spec: PolicySpec): Promise<PolicyState> {
  if ((await openDecision(ctx.db, policyId)) !== undefined) return 'retraining'
  return ctx.now() < (await coolUntilMs(ctx, policyId, spec)) ? 'cooling' : 'watching'
}

/**
 * When the rest after the last decision ends. Each refusal (or promotion taken back) since the last promotion doubles it:
 * what did not help twice will not help the third time.
 */
async function coolUntilMs(ctx: Context, policyId: string, spec: PolicySpec): Promise<number> {
  const decided = await latestDecided(ctx.db, policyId, MAX_DOUBLINGS + 1)
  const last = decided[0]
  if (last === undefined) return 0
  const promotion = decided.findIndex((one) => one.state === 'promoted')
  const since = promotion < 0 ? decided : decided.slice(0, promotion)
  const doublings = Math.min(
    MAX_DOUBLINGS,
    since.filter((one) => one.state === 'refused' || one.state === 'undone').length,
  )
  return last.decided_at_ms + spec.cooldown_ms * 2 ** doublings
}

/**
 * Makes or replaces an endpoint's policy; what is left out gets its default. Checks at once that the champion could be
 * trained again, so that a policy that can never act is refused today and not on the day it is needed.
 * @throws AppError bad_request naming the field; conflict when the champion cannot be trained again (says why)
 */
export async function setPolicy(
  ctx: Context,
  actor: Actor,
  project: Project,
  endpoint: Endpoint,
  input: PolicyInput,
): Promise<Policy> {
  const spec = specOf(endpoint, input)
  await planRetraining(ctx, await servedVersion(ctx, endpoint), spec)
  return inTransaction(ctx, async (tx) => {
    const now = tx.now()
    const row = await store.putPolicy(tx.db, {
      id: newId(now),
      endpoint_id: endpoint.id,
      project_id: project.id,
      enabled: input.enabled === false ? 0 : 1,
      spec: JSON.stringify(spec),
      created_by: actor.name,
      created_at_ms: now,
      updated_at_ms: now,
    })
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'updated',
      kind: 'policy',
      subject: endpoint.name,
      detail: { enabled: row.enabled === 1, ...spec },
    })
    // The labelled predictions that are there already may be enough.
    await enqueueTask(tx, { kind: 'monitoring.evaluate', payload: { endpoint_id: endpoint.id } })
    return seen(tx, row)
  })
}

function specOf(endpoint: Endpoint, input: PolicyInput): PolicySpec {
  if (endpoint.alias === null)
    throw badRequest(
      `The endpoint "${endpoint.name}" serves version ${endpoint.version} for good. A policy promotes by moving an alias: let the endpoint follow one.`,
      'alias',
    )
  const window = input.window ?? DEFAULT_WINDOW
  const minSamples = input.min_samples ?? Math.ceil(window / 2)
  if (minSamples > window)
    throw badRequest(
      `min_samples (${minSamples}) must not exceed window (${window}): there would never be enough.`,
      'body.min_samples',
    )
  return {
    metric: 'accuracy',
    threshold: input.threshold,
    window,
    min_samples: minSamples,
    holdout_share: input.holdout_share ?? 0.3,
    min_gain: input.min_gain ?? 0.01,
    max_regression: input.max_regression ?? 0.01,
    cooldown_ms: input.cooldown_ms ?? DAY_MS,
    alias: endpoint.alias,
    promote: input.promote ?? 'auto',
    retrain: { parameters: input.retrain?.parameters ?? {} },
  }
}
