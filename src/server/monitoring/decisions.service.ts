import { type Context, inTransaction } from '../../context.ts'
import type { DecisionState } from '../../db/tables/serving.ts'
import { type Actor, SYSTEM } from '../../lib/actor.ts'
import { conflict, notFound } from '../../lib/errors.ts'
import { recordEvent } from '../events/events.service.ts'
import { type Project, projectForSystem } from '../projects/projects.service.ts'
import { setAlias } from '../registry/aliases.service.ts'
import { modelVersionById } from '../registry/versions.service.ts'
import { endpointById, findEndpoint, servedVersion } from '../serving/endpoints.service.ts'
import * as store from './decisions.store.ts'
import type { PolicySpec } from './policies.service.ts'

/** What set a decision off. */
export type Trigger = {
  metric: 'accuracy'
  value: number
  threshold: number
  window: number
  labelled: number
  from_ms: number
  to_ms: number
}
export type ComparedSet = {
  name: string
  rows: number
  champion: number
  challenger: number
  difference: number
  interval: [number, number]
}
export type Rule = { text: string; passed: boolean }
export type Comparison = { method: string; sets: ComparedSet[]; rules: Rule[] }

/** A decision as it is shown. */
export type Decision = {
  id: string
  endpoint: string
  state: DecisionState
  trigger: Trigger
  champion: { model: string; version: number }
  challenger: { model: string; version: number } | null
  job_id: string | null
  dataset: { name: string; version: number } | null
  comparison: Comparison | null
  reason: string | null
  created_at_ms: number
  decided_at_ms: number | null
}

function shown(row: store.SeenDecisionRow): Decision {
  return {
    id: row.id,
    endpoint: row.endpoint,
    state: row.state,
    trigger: JSON.parse(row.trigger) as Trigger,
    champion: { model: row.champion_model, version: row.champion_version },
    challenger:
      row.challenger_model === null || row.challenger_version === null
        ? null
        : { model: row.challenger_model, version: row.challenger_version },
    job_id: row.job_id,
    dataset:
      row.dataset === null || row.dataset_version === null ? null : { name: row.dataset, version: row.dataset_version },
    comparison: row.comparison === null ? null : (JSON.parse(row.comparison) as Comparison),
    reason: row.reason,
    created_at_ms: row.created_at_ms,
    decided_at_ms: row.decided_at_ms,
  }
}

/** Newest first, of one endpoint or of all. @throws AppError not_found for an unknown endpoint */
export async function listDecisions(
  ctx: Context,
  project: Project,
  endpoint: string | undefined,
  limit: number,
): Promise<Decision[]> {
  const endpointId = endpoint === undefined ? undefined : (await findEndpoint(ctx, project.id, endpoint)).id
  return (await store.projectDecisions(ctx.db, project.id, { endpointId, limit })).map(shown)
}

/** @throws AppError not_found */
export async function findDecision(ctx: Context, project: Project, id: string): Promise<Decision> {
  const row = (await store.projectDecisions(ctx.db, project.id, { id, limit: 1 }))[0]
  if (row === undefined) throw notFound('The project has no such decision.')
  return shown(row)
}

/** Writes what happened to a decision: one event, its state as the verb. Call it inside the change's transaction. */
export async function recordDecision(
  tx: Context,
  actor: Actor,
  row: Pick<store.DecisionRow, 'id' | 'project_id' | 'endpoint_id'>,
  verb: string,
  detail: Record<string, unknown>,
): Promise<void> {
  const endpoint = await endpointById(tx, row.endpoint_id).catch(() => null)
  await recordEvent(tx, actor, {
    projectId: row.project_id,
    verb,
    kind: 'decision',
    subject: row.id,
    detail: { endpoint: endpoint?.name ?? null, ...detail },
  })
}

/** Ends an open decision without a promotion. Does nothing when another process ended it first. */
export async function closeDecision(
  ctx: Context,
  row: store.DecisionRow,
  state: 'refused' | 'failed',
  change: { reason: string; comparison?: Comparison; challenger_version_id?: string },
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const { reason, comparison, challenger_version_id } = change
    const moved = await store.moveDecision(tx.db, row.id, ['retraining', 'converting', 'comparing', 'waiting'], {
      state,
      reason,
      ...(comparison === undefined ? {} : { comparison: JSON.stringify(comparison) }),
      ...(challenger_version_id === undefined ? {} : { challenger_version_id }),
      decided_at_ms: tx.now(),
    })
    if (moved) await recordDecision(tx, SYSTEM, row, state, { reason })
  })
}

/**
 * Moves the alias to the challenger and marks the decision, both or neither. When somebody moved the alias since the
 * decision began, the challenger was compared with a version that serves no more: refused.
 * @returns false when the decision was not in `from` any more
 */
export async function promote(
  ctx: Context,
  actor: Actor,
  row: store.DecisionRow,
  from: 'comparing' | 'waiting',
  change: { reason: string; comparison?: Comparison },
): Promise<boolean> {
  const project = await projectForSystem(ctx, row.project_id)
  const { alias } = JSON.parse(row.spec) as PolicySpec
  return inTransaction(ctx, async (tx) => {
    const endpoint = await endpointById(tx, row.endpoint_id)
    const serving = await servedVersion(tx, endpoint)
    const challenger = await modelVersionById(tx, row.challenger_version_id ?? '')
    const comparison = change.comparison === undefined ? {} : { comparison: JSON.stringify(change.comparison) }
    if (serving.id !== row.champion_version_id || endpoint.alias !== alias) {
      const reason = `Not promoted: while the challenger was made and compared, ${endpoint.name} was pointed at version ${serving.version}${endpoint.alias === alias ? '' : ' in another way'}.`
      const moved = await store.moveDecision(tx.db, row.id, [from], {
        state: 'refused',
        reason,
        ...comparison,
        decided_at_ms: tx.now(),
      })
      if (moved) await recordDecision(tx, actor, row, 'refused', { reason })
      return moved
    }
    const moved = await store.moveDecision(tx.db, row.id, [from], {
      state: 'promoted',
      reason: change.reason,
      ...comparison,
      decided_at_ms: tx.now(),
    })
    if (!moved) return false
    const why = { decision: row.id, because: change.reason }
    await setAlias(tx, actor, project, challenger.name, alias, challenger.version, why)
    await recordDecision(tx, actor, row, 'promoted', {
      alias,
      from: serving.version,
      to: challenger.version,
      reason: change.reason,
    })
    return true
  })
}

/** A person agrees to a promotion that was left to people. @throws AppError not_found, conflict in any other state */
export async function approveDecision(ctx: Context, actor: Actor, project: Project, id: string): Promise<Decision> {
  await findDecision(ctx, project, id)
  const row = await store.decisionRow(ctx.db, id)
  if (row?.state !== 'waiting')
    throw conflict(`This decision is ${row?.state ?? 'gone'}; only one that waits can be approved.`)
  if (!(await promote(ctx, actor, row, 'waiting', { reason: `${row.reason ?? ''} Approved by ${actor.name}.`.trim() })))
    throw conflict('Somebody else decided at the same moment.')
  return findDecision(ctx, project, id)
}

/**
 * Takes a promotion back: the alias points at the former champion again. A decision that waits is refused by it.
 * @throws AppError not_found; conflict when it was not promoted, or the alias has moved on since
 */
export async function undoDecision(ctx: Context, actor: Actor, project: Project, id: string): Promise<Decision> {
  await findDecision(ctx, project, id)
  await inTransaction(ctx, async (tx) => {
    const row = await store.decisionRow(tx.db, id)
    if (row?.state === 'waiting') return refuseWaiting(tx, actor, row)
    if (row?.state !== 'promoted')
      throw conflict(`This decision is ${row?.state ?? 'gone'}; only a promotion can be undone.`)
    const { alias } = JSON.parse(row.spec) as PolicySpec
    const endpoint = await endpointById(tx, row.endpoint_id)
    const serving = await servedVersion(tx, endpoint)
    const champion = await modelVersionById(tx, row.champion_version_id)
    if (serving.id !== row.challenger_version_id || endpoint.alias !== alias)
      throw conflict(`${endpoint.name} serves version ${serving.version} by now; move the alias by hand.`)
    const reason = `${row.reason ?? ''} Undone by ${actor.name}: version ${champion.version} serves again.`.trim()
    if (!(await store.moveDecision(tx.db, id, ['promoted'], { state: 'undone', reason, decided_at_ms: tx.now() })))
      throw conflict('Somebody else decided at the same moment.')
    const why = { decision: id, because: reason }
    await setAlias(tx, actor, project, champion.name, alias, champion.version, why)
    await recordDecision(tx, actor, row, 'undone', { alias, from: serving.version, to: champion.version })
  })
  return findDecision(ctx, project, id)
}

async function refuseWaiting(tx: Context, actor: Actor, row: store.DecisionRow): Promise<void> {
  const reason = `${row.reason ?? ''} Refused by ${actor.name}.`.trim()
  if (!(await store.moveDecision(tx.db, row.id, ['waiting'], { state: 'refused', reason, decided_at_ms: tx.now() })))
    throw conflict('Somebody else decided at the same moment.')
  await recordDecision(tx, actor, row, 'refused', { reason })
}
