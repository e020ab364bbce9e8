import { type Context, inTransaction } from '../../context.ts'
import type { TraceStatus } from '../../db/tables/traces.ts'
import type { Actor } from '../../lib/actor.ts'
import { badRequest } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import { artifactPathOf } from '../artifacts/artifacts.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { assertActive, getExperiment } from '../tracking/experiments.service.ts'
import { wireId } from '../tracking/records.ts'
import { assertRunWritable } from '../tracking/runs.service.ts'
import { type Assessment, addAssessments, assessmentsOf, type NewAssessment } from './assessments.service.ts'
import { compactSpans } from './spans.service.ts'
import { indexText } from './spans.ts'
import {
  assertTraceWritable,
  checkedPairs,
  checkTraceId,
  EMPTY_TRACE,
  holdWritableTrace,
  LOCATION_TAG,
  NAME_TAG,
  SOURCE_RUN,
  SPANS_TAG,
  TRACE_LIMITS,
  traceChanged,
  traceNotFound,
} from './trace-rows.service.ts'
import * as store from './traces.store.ts'

/** A trace without its spans. */
export type Trace = {
  rowId: number
  id: string
  /** As clients see it. */
  experimentId: string
  name: string | null
  status: TraceStatus
  clientRequestId: string | null
  startedAtMs: number
  durationMs: number | null
  requestPreview: string | null
  responsePreview: string | null
  runId: string | null
  spanCount: number
  chunkCount: number
  tags: Record<string, string>
  metadata: Record<string, string>
  assessments: Assessment[]
}

/** Where a trace's files lie (older clients put its spans there, newer ones its attachments). */
function locationOf(row: { artifact_location: string; trace_id: string }): string {
  return `${row.artifact_location}/traces/${row.trace_id}/artifacts`
}

/**
 * Whether this folder is the one of a trace of the project, and this actor may write there.
 * @throws AppError not_found (no such trace), forbidden
 */
export async function ownsTraceFolder(
  ctx: Context,
  actor: Actor,
  project: Project,
  folder: { id: string; root: string },
): Promise<boolean> {
  const row = await store.traceById(ctx.db, project.id, folder.id)
  if (row === undefined) throw traceNotFound(folder.id)
  if (artifactPathOf(locationOf(row)) !== folder.root) return false
  await assertTraceWritable(ctx, actor, row.run_id)
  return true
}

/** Traces from rows, in their order. For this room. */
export async function tracesFromRows(ctx: Context, rows: readonly store.TraceRow[]): Promise<Trace[]> {
  const values = Map.groupBy(
    await store.valuesOfTraces(
      ctx.db,
      rows.map((row) => row.id),
    ),
    (value) => value.trace,
  )
  const assessments = await assessmentsOf(ctx, rows)
  return rows.map((row) => {
    const of = (kind: string) =>
      Object.fromEntries(
        (values.get(row.id) ?? []).filter((value) => value.kind === kind).map((value) => [value.key, value.value]),
      )
    return {
      rowId: row.id,
      id: row.trace_id,
      experimentId: wireId({ ...row, id: row.experiment_id }),
      name: row.name,
      status: row.status,
      clientRequestId: row.client_request_id,
      startedAtMs: row.started_at_ms,
      durationMs: row.duration_ms,
      requestPreview: row.request_preview,
      responsePreview: row.response_preview,
      runId: row.run_id,
      spanCount: row.span_count,
      chunkCount: row.chunk_count,
      tags: {
        ...of('tag'),
        ...(row.name === null ? {} : { [NAME_TAG]: row.name }),
        [LOCATION_TAG]: locationOf(row),
        ...(row.span_count > 0 ? { [SPANS_TAG]: 'TRACKING_STORE' } : {}),
      },
      metadata: of('metadata'),
      assessments: assessments.get(row.id) ?? [],
    }
  })
}

/** @throws AppError not_found, also for a trace of another project */
export async function getTrace(ctx: Context, projectId: string, traceId: string): Promise<Trace> {
  const row = await store.traceById(ctx.db, projectId, traceId)
  if (row === undefined) throw traceNotFound(traceId)
  const [trace] = await tracesFromRows(ctx, [row])
  return trace!
}

/** Those of these traces that the project has, in the order asked for. @throws AppError bad_request for more than `limit` */
export async function getTraces(
  ctx: Context,
  projectId: string,
  traceIds: readonly string[],
  limit: number,
): Promise<Trace[]> {
  const ids = [...new Set(traceIds)]
  if (ids.length > limit) throw badRequest(`At most ${limit} traces can be asked for at once.`, 'trace_ids')
  const rows = new Map((await store.tracesByIds(ctx.db, projectId, ids)).map((row) => [row.trace_id, row]))
  return tracesFromRows(
    ctx,
    ids.map((id) => rows.get(id)).filter((row) => row !== undefined),
  )
}

export type NewTrace = {
  /** Default: a new one (`tr-…`). */
  id?: string
  experimentId: string
  status: TraceStatus
  clientRequestId?: string
  startedAtMs: number
  durationMs: number | null
  requestPreview?: string
  responsePreview?: string
  tags: Readonly<Record<string, string>>
  metadata: Readonly<Record<string, string>>
  assessments?: readonly NewAssessment[]
}

const OWN_TAGS = new Set([LOCATION_TAG, SPANS_TAG, NAME_TAG])

function checkedTags(tags: Readonly<Record<string, string>>): Map<string, string> {
  return checkedPairs(
    Object.entries(tags).filter(([key]) => !OWN_TAGS.has(key)),
    'tags',
    TRACE_LIMITS.tagValue,
  )
}

/**
 * Writes what a client says about a trace, whether its spans came before or not. A job's token writes traces of its own
 * runs; without `mlflow.sourceRun` a trace of it belongs to the job's run.
 * @throws AppError bad_request (id, keys, deleted experiment), not_found (experiment), forbidden
 */
export async function startTrace(ctx: Context, actor: Actor, project: Project, input: NewTrace): Promise<Trace> {
  const id = checkTraceId(input.id === undefined || input.id === '' ? `tr-${newId(ctx.now())}` : input.id)
  const tags = checkedTags(input.tags)
  const metadata = checkedPairs(Object.entries(input.metadata), 'trace_metadata', TRACE_LIMITS.metadataValue)
  const experiment = await getExperiment(ctx, project.id, input.experimentId)
  assertActive(experiment)
  const runId = metadata.get(SOURCE_RUN) ?? actor.run?.runId ?? null
  const name = input.tags[NAME_TAG]
  const described = {
    experiment_id: experiment.rowId,
    status: input.status,
    client_request_id: input.clientRequestId?.slice(0, TRACE_LIMITS.clientRequestId) ?? null,
    started_at_ms: input.startedAtMs,
    duration_ms: input.durationMs,
    finalized: 1,
    ...(runId === null ? {} : { run_id: indexText(runId) }),
    ...(name === undefined ? {} : { name: indexText(name, TRACE_LIMITS.tagValue) }),
    ...(input.requestPreview === undefined
      ? {}
      : { request_preview: indexText(input.requestPreview, TRACE_LIMITS.preview) }),
    ...(input.responsePreview === undefined
      ? {}
      : { response_preview: indexText(input.responsePreview, TRACE_LIMITS.preview) }),
  }
  await inTransaction(ctx, async (tx) => {
    if (actor.run !== null && runId !== null) await assertRunWritable(tx, actor, { id: runId })
    const isNew = await store.insertTrace(tx.db, { ...EMPTY_TRACE, project_id: project.id, trace_id: id, ...described })
    const row = await store.holdTrace(tx.db, project.id, id)
    if (row === undefined) throw traceNotFound(id)
    if (!isNew) {
      await assertTraceWritable(tx, actor, row.run_id)
      await store.updateTrace(tx.db, row.id, described)
    }
    await store.putValues(tx.db, row.id, 'tag', tags)
    await store.putValues(tx.db, row.id, 'metadata', metadata)
    if (runId !== null) await store.putLinks(tx.db, [row.id], 'run', [indexText(runId)])
    await addAssessments(tx, row, input.assessments ?? [])
    await traceChanged(tx, actor, project, id, isNew || row.finalized === 0 ? 'created' : 'updated')
  })
  const trace = await getTrace(ctx, project.id, id)
  await compactSpans(ctx, trace)
  return trace
}

export type TraceEnd = {
  endedAtMs: number
  status: TraceStatus | undefined
  tags: Readonly<Record<string, string>>
  metadata: Readonly<Record<string, string>>
}

/** What older clients say at the end of a trace that they began before. @throws AppError not_found, bad_request, forbidden */
export async function endTrace(
  ctx: Context,
  actor: Actor,
  project: Project,
  traceId: string,
  end: TraceEnd,
): Promise<Trace> {
  const tags = checkedTags(end.tags)
  const metadata = checkedPairs(Object.entries(end.metadata), 'request_metadata', TRACE_LIMITS.metadataValue)
  const name = end.tags[NAME_TAG]
  await inTransaction(ctx, async (tx) => {
    const row = await holdWritableTrace(tx, actor, project, traceId)
    const runId = metadata.get(SOURCE_RUN)
    if (runId !== undefined && actor.run !== null) await assertRunWritable(tx, actor, { id: runId })
    await store.updateTrace(tx.db, row.id, {
      duration_ms: Math.max(0, end.endedAtMs - row.started_at_ms),
      ...(end.status === undefined ? {} : { status: end.status }),
      ...(name === undefined ? {} : { name: indexText(name, TRACE_LIMITS.tagValue) }),
      ...(runId === undefined ? {} : { run_id: indexText(runId) }),
      ...previewsOf(metadata),
    })
    await store.putValues(tx.db, row.id, 'tag', tags)
    await store.putValues(tx.db, row.id, 'metadata', metadata)
    if (runId !== undefined) await store.putLinks(tx.db, [row.id], 'run', [indexText(runId)])
    await traceChanged(tx, actor, project, traceId, 'updated', { status: end.status })
  })
  return getTrace(ctx, project.id, traceId)
}

/** Clients before MLflow 3 say inputs and outputs as metadata. */
function previewsOf(metadata: ReadonlyMap<string, string>) {
  const inputs = metadata.get('mlflow.traceInputs')
  const outputs = metadata.get('mlflow.traceOutputs')
  return {
    ...(inputs === undefined ? {} : { request_preview: inputs }),
    ...(outputs === undefined ? {} : { response_preview: outputs }),
  }
}
