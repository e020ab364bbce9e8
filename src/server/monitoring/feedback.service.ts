import { type Context, inTransaction } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { badRequest } from '../../lib/errors.ts'
import { recordEvent } from '../events/events.service.ts'
import { enqueueTask } from '../events/tasks.service.ts'
import type { Project } from '../projects/projects.service.ts'
import type { Endpoint } from '../serving/endpoints.service.ts'
import * as store from './feedback.store.ts'
import { sameOutcome } from './truth.ts'

/** What one prediction turned out to be: the true outcome, or only whether it was right. */
export type FeedbackInput = { prediction_id: string; truth?: unknown; correct?: boolean }

const MAX_TRUTH_LENGTH = 10_000
const EVALUATE_SLICE_MS = 250

/**
 * Records what really happened, one row per prediction; said again, it corrects. Ids that are not of this endpoint are
 * reported back, the others count. What follows from it (retraining) is looked at afterwards.
 * @throws AppError bad_request naming the entry that says neither or both, or says too much
 */
export async function addFeedback(
  ctx: Context,
  actor: Actor,
  project: Project,
  endpoint: Endpoint,
  input: readonly FeedbackInput[],
): Promise<{ accepted: number; unknown: string[] }> {
  input.forEach(checkEntry)
  // Said twice in one call: the later one corrects the earlier one.
  const entries = new Map(input.map((entry) => [entry.prediction_id, entry]))
  return inTransaction(ctx, async (tx) => {
    const outputs = await store.outputsOf(tx.db, endpoint.id, [...entries.keys()])
    const unknown = [...entries.keys()].filter((id) => !outputs.has(id))
    const now = tx.now()
    const rows = [...outputs].map(([id, output]): store.FeedbackRow => {
      const entry = entries.get(id) as FeedbackInput
      const correct = entry.truth === undefined ? entry.correct === true : sameOutcome(JSON.parse(output), entry.truth)
      return {
        prediction_id: id,
        endpoint_id: endpoint.id,
        project_id: project.id,
        truth: entry.truth === undefined ? null : JSON.stringify(entry.truth),
        correct: correct ? 1 : 0,
        created_at_ms: now,
        created_by: actor.name,
      }
    })
    if (rows.length === 0) return { accepted: 0, unknown }
    await store.putFeedback(tx.db, rows)
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'created',
      kind: 'feedback',
      subject: endpoint.name,
      detail: { accepted: rows.length, correct: rows.filter((row) => row.correct === 1).length },
    })
    // One look for all feedback of a quarter second, after its end: a key that is reused while its task runs would be lost.
    const slice = Math.floor(now / EVALUATE_SLICE_MS)
    await enqueueTask(tx, {
      kind: 'monitoring.evaluate',
      payload: { endpoint_id: endpoint.id },
      runAfterMs: (slice + 1) * EVALUATE_SLICE_MS,
      dedupeKey: `monitoring.evaluate ${endpoint.id} ${slice}`,
    })
    return { accepted: rows.length, unknown }
  })
}

function checkEntry(entry: FeedbackInput, index: number): void {
  const field = `feedback[${index}]`
  if ((entry.truth === undefined) === (entry.correct === undefined))
    throw badRequest(`${field} must say either truth (what really happened) or correct (true or false).`, field)
  if (entry.truth === null)
    throw badRequest(`${field}.truth must not be null: leave out what is not known yet.`, `${field}.truth`)
  if (entry.truth !== undefined && JSON.stringify(entry.truth).length > MAX_TRUTH_LENGTH)
    throw badRequest(`${field}.truth is longer than ${MAX_TRUTH_LENGTH} characters of JSON.`, `${field}.truth`)
}
