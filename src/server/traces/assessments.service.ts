import { type Context, inTransaction } from '../../context.ts'
import type { AssessmentKind } from '../../db/tables/traces.ts'
import type { Actor } from '../../lib/actor.ts'
import { type AppError, badRequest, notFound } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import type { Project } from '../projects/projects.service.ts'
import * as store from './assessments.store.ts'
import { indexText } from './spans.ts'
import { holdWritableTrace, traceChanged } from './trace-rows.service.ts'

/** Most assessments of one trace, and the longest one as JSON. */
const LIMITS = { perTrace: 1_000, bytes: 1024 * 1024, name: 250, searchedValue: 2_000 } as const

/** What somebody or something says about a trace or one of its spans: a feedback, an expectation, or an issue. */
export type Assessment = {
  id: string
  traceId: string
  name: string
  spanId: string | null
  source: { sourceType: string; sourceId: string } | null
  kind: AssessmentKind
  /** JSON value of a feedback or expectation; the name. */
  value: unknown
  /** Of a feedback whose making failed: why. */
  error: { errorCode: string; errorMessage: string | null; stackTrace: string | null } | null
  rationale: string | null
  metadata: Record<string, string>
  /** The assessment that this one takes the place of. */
  overrides: string | null
  valid: boolean
  createdAtMs: number
  updatedAtMs: number
}
export type NewAssessment = Omit<Assessment, 'id' | 'traceId' | 'valid' | 'createdAtMs' | 'updatedAtMs'> & {
  id?: string
  valid?: boolean
  createdAtMs?: number
  updatedAtMs?: number
}
export type AssessmentChange = Partial<Pick<Assessment, 'name' | 'kind' | 'value' | 'error' | 'rationale' | 'metadata'>>

type Content = Pick<Assessment, 'spanId' | 'source' | 'value' | 'error' | 'rationale' | 'metadata' | 'overrides'>

function assessmentOf(row: store.AssessmentRow, traceId: string): Assessment {
  const content = JSON.parse(row.content) as Content
  return {
    ...content,
    id: row.id,
    traceId,
    name: row.name,
    kind: row.kind,
    valid: row.valid === 1,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  }
}

function rowOf(trace: number, assessment: Assessment): store.AssessmentRow {
  const { value, spanId, source, error, rationale, metadata, overrides } = assessment
  const content = JSON.stringify({ spanId, source, value, error, rationale, metadata, overrides } satisfies Content)
  if (content.length > LIMITS.bytes)
    throw badRequest(`An assessment may have at most ${LIMITS.bytes} bytes of JSON.`, 'assessment')
  return {
    trace,
    id: assessment.id,
    name: assessment.name,
    kind: assessment.kind,
    value: value === null ? null : indexText(JSON.stringify(value), LIMITS.searchedValue),
    number: typeof value === 'number' ? value : typeof value === 'boolean' ? Number(value) : null,
    valid: assessment.valid ? 1 : 0,
    content,
    created_at_ms: assessment.createdAtMs,
    updated_at_ms: assessment.updatedAtMs,
  }
}

/** An assessment with what the server gives it. @throws AppError bad_request (name, id) */
function complete(ctx: Context, traceId: string, input: NewAssessment): Assessment {
  if (input.name.trim() === '' || input.name.length > LIMITS.name)
    throw badRequest(`assessment_name must have 1 to ${LIMITS.name} characters.`, 'assessment.assessment_name')
  const id = input.id ?? `a-${newId(ctx.now())}`
  if (!/^[\w.:-]{1,64}$/.test(id)) throw badRequest('Invalid assessment_id.', 'assessment.assessment_id')
  const now = ctx.now()
  return {
    ...input,
    id,
    traceId,
    valid: input.valid ?? true,
    createdAtMs: input.createdAtMs ?? now,
    updatedAtMs: input.updatedAtMs ?? now,
  }
}

/** Assessments of traces by row id, the oldest first. For this room. */
export async function assessmentsOf(
  ctx: Context,
  traces: readonly { id: number; trace_id: string }[],
): Promise<Map<number, Assessment[]>> {
  const names = new Map(traces.map((trace) => [trace.id, trace.trace_id]))
  const rows = await store.assessmentsOfTraces(ctx.db, [...names.keys()])
  const byTrace = new Map<number, Assessment[]>()
  for (const row of rows) {
    const list = byTrace.get(row.trace) ?? []
    list.push(assessmentOf(row, names.get(row.trace) ?? ''))
    byTrace.set(row.trace, list)
  }
  return byTrace
}

/** Writes assessments that came with a trace, in the caller's transaction. For this room. @throws AppError bad_request */
export async function addAssessments(
  tx: Context,
  trace: { id: number; trace_id: string },
  inputs: readonly NewAssessment[],
): Promise<void> {
  if (inputs.length === 0) return
  if ((await store.countAssessments(tx.db, trace.id)) + inputs.length > LIMITS.perTrace)
    throw badRequest(`A trace may have at most ${LIMITS.perTrace} assessments.`, 'assessment')
  for (const input of inputs) {
    const assessment = complete(tx, trace.trace_id, input)
    if (assessment.overrides !== null && !(await store.setValid(tx.db, trace.id, assessment.overrides, false)))
      throw assessmentNotFound(trace.trace_id, assessment.overrides)
    await store.putAssessment(tx.db, rowOf(trace.id, assessment))
  }
}

/** @throws AppError not_found (trace, the overridden one), bad_request, forbidden */
export async function createAssessment(
  ctx: Context,
  actor: Actor,
  project: Project,
  traceId: string,
  input: NewAssessment,
): Promise<Assessment> {
  return inTransaction(ctx, async (tx) => {
    const trace = await holdWritableTrace(tx, actor, project, traceId)
    const assessment = complete(tx, traceId, input)
    if ((await store.assessmentById(tx.db, trace.id, assessment.id)) !== undefined)
      throw badRequest(`The trace has an assessment '${assessment.id}' already.`, 'assessment.assessment_id')
    await addAssessments(tx, trace, [assessment])
    await traceChanged(tx, actor, project, traceId, 'updated', { assessment: assessment.id, name: assessment.name })
    return assessment
  })
}

/** @throws AppError not_found */
export async function getAssessment(
  ctx: Context,
  trace: { rowId: number; id: string },
  assessmentId: string,
): Promise<Assessment> {
  const row = await store.assessmentById(ctx.db, trace.rowId, assessmentId)
  if (row === undefined) throw assessmentNotFound(trace.id, assessmentId)
  return assessmentOf(row, trace.id)
}

/**
 * Changes what is given; metadata is merged into what there is. A feedback stays a feedback.
 * @throws AppError not_found, bad_request (kind, name), forbidden
 */
export async function updateAssessment(
  ctx: Context,
  actor: Actor,
  project: Project,
  traceId: string,
  assessmentId: string,
  change: AssessmentChange,
): Promise<Assessment> {
  return inTransaction(ctx, async (tx) => {
    const trace = await holdWritableTrace(tx, actor, project, traceId)
    const row = await store.assessmentById(tx.db, trace.id, assessmentId)
    if (row === undefined) throw assessmentNotFound(traceId, assessmentId)
    const before = assessmentOf(row, traceId)
    if (change.kind !== undefined && change.kind !== before.kind)
      throw badRequest(`Cannot update ${change.kind} value on a ${before.kind} assessment.`, 'assessment')
    const after = complete(tx, traceId, {
      ...before,
      ...change,
      metadata: { ...before.metadata, ...change.metadata },
      updatedAtMs: tx.now(),
    })
    await store.putAssessment(tx.db, rowOf(trace.id, after))
    await traceChanged(tx, actor, project, traceId, 'updated', { assessment: assessmentId, name: after.name })
    return after
  })
}

/** Removes an assessment; the one it overrode counts again. None there is fine. @throws AppError not_found (trace), forbidden */
export async function deleteAssessment(
  ctx: Context,
  actor: Actor,
  project: Project,
  traceId: string,
  assessmentId: string,
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const trace = await holdWritableTrace(tx, actor, project, traceId)
    const row = await store.assessmentById(tx.db, trace.id, assessmentId)
    if (row === undefined) return
    const { overrides } = assessmentOf(row, traceId)
    if (overrides !== null) await store.setValid(tx.db, trace.id, overrides, true)
    await store.deleteAssessmentRow(tx.db, trace.id, assessmentId)
    await traceChanged(tx, actor, project, traceId, 'updated', { assessment_deleted: assessmentId })
  })
}

function assessmentNotFound(traceId: string, assessmentId: string): AppError {
  return notFound(`Assessment with ID '${assessmentId.slice(0, 100)}' not found for trace '${traceId}'`)
}
