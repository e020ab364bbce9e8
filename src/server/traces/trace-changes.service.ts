import { type Context, inTransaction } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, badRequest, notFound } from '../../lib/errors.ts'
import { artifactPathOf, forgetArtifacts, removeObjects } from '../artifacts/artifacts.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { getExperiment } from '../tracking/experiments.service.ts'
import { assertRunTakesWrites } from '../tracking/runs.service.ts'
import { indexText } from './spans.ts'
import {
  assertTraceWritable,
  checkedPairs,
  holdWritableTrace,
  LOCATION_TAG,
  NAME_TAG,
  SPANS_TAG,
  TRACE_LIMITS,
  traceChanged,
} from './trace-rows.service.ts'
import * as store from './traces.store.ts'

/** Most traces that one request links, and that one deletion takes; the client comes again for more. */
const LINKS_PER_REQUEST = 100
const DELETED_PER_REQUEST = 1_000
const LINK_TARGETS = 1_000

function refuseOwnTag(key: string, what: string): void {
  if (key === LOCATION_TAG || key === SPANS_TAG)
    throw badRequest(`Tag '${key}' is immutable and cannot be ${what} on a trace.`, 'key')
}

/** @throws AppError not_found, bad_request (key), forbidden */
export async function setTraceTag(
  ctx: Context,
  actor: Actor,
  project: Project,
  traceId: string,
  key: string,
  value: string,
): Promise<void> {
  refuseOwnTag(key, 'set')
  const values = checkedPairs([[key, value]], 'key', TRACE_LIMITS.tagValue)
  await inTransaction(ctx, async (tx) => {
    const row = await holdWritableTrace(tx, actor, project, traceId)
    if (key === NAME_TAG) await store.updateTrace(tx.db, row.id, { name: indexText(value, TRACE_LIMITS.tagValue) })
    else await store.putValues(tx.db, row.id, 'tag', values)
    await traceChanged(tx, actor, project, traceId, 'updated', { tag: key })
  })
}

/** @throws AppError not_found (trace, tag), bad_request, forbidden */
export async function deleteTraceTag(
  ctx: Context,
  actor: Actor,
  project: Project,
  traceId: string,
  key: string,
): Promise<void> {
  refuseOwnTag(key, 'deleted')
  await inTransaction(ctx, async (tx) => {
    const row = await holdWritableTrace(tx, actor, project, traceId)
    const found =
      key === NAME_TAG
        ? row.name !== null && (await store.updateTrace(tx.db, row.id, { name: null }).then(() => true))
        : await store.deleteValue(tx.db, row.id, 'tag', key)
    if (!found) throw notFound(`No trace tag with key '${key.slice(0, 100)}' for trace with ID '${traceId}'`)
    await traceChanged(tx, actor, project, traceId, 'updated', { tag_removed: key })
  })
}

/**
 * Says that traces belong to a run. Ids that the project does not have are left out, as MLflow does.
 * @throws AppError not_found (run), bad_request (too many, deleted run), forbidden
 */
export async function linkTracesToRun(
  ctx: Context,
  actor: Actor,
  project: Project,
  traceIds: readonly string[],
  runId: string,
): Promise<void> {
  if (traceIds.length > LINKS_PER_REQUEST) {
    throw badRequest(
      `Cannot link more than ${LINKS_PER_REQUEST} traces to a run in a single request. Provided ${traceIds.length} traces.`,
      'trace_ids',
    )
  }
  await inTransaction(ctx, async (tx) => {
    await assertRunTakesWrites(tx, actor, project.id, runId)
    const rows = await store.tracesByIds(tx.db, project.id, traceIds)
    for (const row of rows) await assertTraceWritable(tx, actor, row.run_id)
    if (rows.length === 0) return
    const ids = rows.map((row) => row.id)
    await store.putLinks(tx.db, ids, 'run', [runId])
    for (const row of rows) await traceChanged(tx, actor, project, row.trace_id, 'updated', { run: runId })
  })
}

/** Says which prompt versions (`name/version`) a trace used. @throws AppError not_found, bad_request, forbidden */
export async function linkPromptsToTrace(
  ctx: Context,
  actor: Actor,
  project: Project,
  traceId: string,
  prompts: readonly { name: string; version: string }[],
): Promise<void> {
  if (prompts.length > LINK_TARGETS)
    throw badRequest(`At most ${LINK_TARGETS} prompt versions can be linked at once.`, 'prompt_versions')
  const targets = prompts.map(({ name, version }, index) => {
    if (!/^\d{1,10}$/.test(version))
      throw badRequest('A prompt version is a whole number.', `prompt_versions[${index}].version`)
    return indexText(`${name}/${version}`, 600)
  })
  await inTransaction(ctx, async (tx) => {
    const row = await holdWritableTrace(tx, actor, project, traceId)
    await store.putLinks(tx.db, [row.id], 'prompt', targets)
    await traceChanged(tx, actor, project, traceId, 'updated', { prompts: targets.length })
  })
}

export type TraceDeletion = {
  experimentId: string
  olderThanMs?: number
  maxTraces?: number
  traceIds?: readonly string[]
}

/**
 * Deletes traces of an experiment for ever, with their spans, tags, assessments and files: either the given ones, or those
 * not younger than a time, the oldest first.
 * @returns how many; one call takes a thousand at most
 * @throws AppError bad_request, not_found (experiment), forbidden for a job
 */
export async function deleteTraces(
  ctx: Context,
  actor: Actor,
  project: Project,
  deletion: TraceDeletion,
): Promise<number> {
  const { olderThanMs, maxTraces } = deletion
  const traceIds = deletion.traceIds?.length ? [...new Set(deletion.traceIds)] : undefined
  if (actor.run !== null) throw new AppError('forbidden', 'The token of a job may not delete traces.')
  if ((olderThanMs === undefined) === (traceIds === undefined)) {
    throw badRequest('Either `max_timestamp_millis` or `trace_ids` must be specified, but not both.', 'request_ids')
  }
  if (traceIds !== undefined && maxTraces !== undefined)
    throw badRequest("`max_traces` can't be specified if `trace_ids` is specified.", 'max_traces')
  if (maxTraces !== undefined && maxTraces <= 0)
    throw badRequest(`\`max_traces\` must be a positive integer, received ${maxTraces}.`, 'max_traces')
  if (traceIds !== undefined && traceIds.length > DELETED_PER_REQUEST)
    throw badRequest(`At most ${DELETED_PER_REQUEST} traces can be deleted at once.`, 'request_ids')
  const experiment = await getExperiment(ctx, project.id, deletion.experimentId)
  let deleted = 0
  const wanted = maxTraces ?? Number.POSITIVE_INFINITY
  for (;;) {
    const limit = Math.min(DELETED_PER_REQUEST, wanted - deleted)
    const gone = await inTransaction(ctx, async (tx) => {
      const rows = await store.tracesToDelete(tx.db, project.id, experiment.rowId, { olderThanMs, traceIds, limit })
      await store.deleteTraceRows(
        tx.db,
        rows.map((row) => row.id),
      )
      const files: string[] = []
      for (const row of rows) {
        const path = artifactPathOf(`${experiment.artifactLocation}/traces/${row.trace_id}`)
        if (path !== null) files.push(...(await forgetArtifacts(tx, project.id, path)))
        await traceChanged(tx, actor, project, row.trace_id, 'deleted')
      }
      return { count: rows.length, files }
    })
    await removeObjects(ctx, gone.files)
    deleted += gone.count
    if (gone.count < limit || deleted >= wanted || traceIds !== undefined) return deleted
  }
}
