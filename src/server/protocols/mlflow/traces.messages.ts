import { badRequest } from '../../../lib/errors.ts'
import type { Assessment, AssessmentChange, NewAssessment } from '../../traces/assessments.service.ts'
import type { Span } from '../../traces/spans.ts'
import type { Trace } from '../../traces/traces.service.ts'
import { textMap, timestampMs } from './traces.wire.ts'
import { type Message, optionalBoolean, optionalMessage, optionalString, requiredString } from './wire.ts'

/** Traces and assessments in MLflow's messages, both ways. */

export const STATES = { STATE_UNSPECIFIED: 0, OK: 1, ERROR: 2, IN_PROGRESS: 3 } as const
/** The same numbers have one other name in the older protocol. */
export const STATUSES = { TRACE_STATUS_UNSPECIFIED: 0, OK: 1, ERROR: 2, IN_PROGRESS: 3 } as const

const timestamp = (ms: number) => new Date(ms).toISOString()
const given = <T>(value: T | null): T | undefined => value ?? undefined

export function traceInfoMessage(trace: Trace): object {
  return {
    trace_id: trace.id,
    client_request_id: given(trace.clientRequestId),
    trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: trace.experimentId } },
    request_preview: given(trace.requestPreview),
    response_preview: given(trace.responsePreview),
    request_time: timestamp(trace.startedAtMs),
    execution_duration: trace.durationMs === null ? undefined : `${(trace.durationMs / 1_000).toFixed(3)}s`,
    state: trace.status,
    trace_metadata: trace.metadata,
    tags: trace.tags,
    assessments: trace.assessments.length === 0 ? undefined : trace.assessments.map(assessmentMessage),
  }
}

export function traceMessage(trace: Trace, spans: readonly Span[]): object {
  return { trace_info: traceInfoMessage(trace), spans: spans.length === 0 ? undefined : spans }
}

/** The message that clients before MLflow 3 read. */
export function oldTraceInfoMessage(trace: Trace): object {
  const pairs = (values: Record<string, string>) => Object.entries(values).map(([key, value]) => ({ key, value }))
  return {
    request_id: trace.id,
    experiment_id: trace.experimentId,
    timestamp_ms: trace.startedAtMs,
    execution_time_ms: given(trace.durationMs),
    status: trace.status === 'STATE_UNSPECIFIED' ? 'TRACE_STATUS_UNSPECIFIED' : trace.status,
    request_metadata: pairs(trace.metadata),
    tags: pairs(trace.tags),
  }
}

export function assessmentMessage(assessment: Assessment): object {
  const { value, error } = assessment
  const failure =
    error === null
      ? undefined
      : { error_code: error.errorCode, error_message: given(error.errorMessage), stack_trace: given(error.stackTrace) }
  return {
    assessment_id: assessment.id,
    assessment_name: assessment.name,
    trace_id: assessment.traceId,
    span_id: given(assessment.spanId),
    source:
      assessment.source === null
        ? undefined
        : { source_type: assessment.source.sourceType, source_id: assessment.source.sourceId },
    create_time: timestamp(assessment.createdAtMs),
    last_update_time: timestamp(assessment.updatedAtMs),
    ...(assessment.kind === 'feedback' ? { feedback: { value: given(value), error: failure } } : {}),
    ...(assessment.kind === 'expectation' ? { expectation: expectationMessage(value) } : {}),
    ...(assessment.kind === 'issue' ? { issue: { issue_name: String(value) } } : {}),
    rationale: given(assessment.rationale),
    metadata: assessment.metadata,
    overrides: given(assessment.overrides),
    valid: assessment.valid,
  }
}

/** A Value of protobuf knows no whole numbers: what holds some inside goes as JSON text. */
function expectationMessage(value: unknown): object {
  if (typeof value !== 'object' || value === null) return { value }
  return { serialized_value: { serialization_format: 'JSON_FORMAT', value: JSON.stringify(value) } }
}

/** What an assessment says. @throws AppError bad_request */
function statement(message: Message, path: string): Pick<NewAssessment, 'kind' | 'value' | 'error'> | null {
  const feedback = optionalMessage(message, 'feedback', `${path}.feedback`)
  if (feedback !== undefined) {
    const error = optionalMessage(feedback, 'error') ?? optionalMessage(message, 'error')
    return {
      kind: 'feedback',
      value: feedback.value ?? null,
      error:
        error === undefined
          ? null
          : {
              errorCode: optionalString(error, 'error_code') ?? '',
              errorMessage: optionalString(error, 'error_message') ?? null,
              stackTrace: optionalString(error, 'stack_trace') ?? null,
            },
    }
  }
  const expectation = optionalMessage(message, 'expectation', `${path}.expectation`)
  if (expectation !== undefined) return { kind: 'expectation', value: expectedValue(expectation, path), error: null }
  const issue = optionalMessage(message, 'issue', `${path}.issue`)
  if (issue !== undefined)
    return { kind: 'issue', value: requiredString(issue, 'issue_name', `${path}.issue.issue_name`), error: null }
  return null
}

function expectedValue(expectation: Message, path: string): unknown {
  const serialized = optionalMessage(expectation, 'serialized_value')
  if (serialized === undefined) return expectation.value ?? null
  try {
    return JSON.parse(requiredString(serialized, 'value', `${path}.expectation.serialized_value.value`))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw badRequest(`${path}.expectation.serialized_value.value is not JSON.`, path)
  }
}

/** @throws AppError bad_request */
export function newAssessment(message: Message, path: string): NewAssessment {
  const said = statement(message, path)
  if (said === null)
    throw badRequest(`An assessment needs a feedback, an expectation or an issue; ${path} has none.`, path)
  const source = optionalMessage(message, 'source', `${path}.source`)
  const createdAtMs = timestampMs(message, 'create_time', `${path}.create_time`)
  const updatedAtMs = timestampMs(message, 'last_update_time', `${path}.last_update_time`)
  const id = optionalString(message, 'assessment_id')
  return {
    ...said,
    ...(id === undefined || id === '' ? {} : { id }),
    name:
      said.kind === 'issue'
        ? String(said.value)
        : requiredString(message, 'assessment_name', `${path}.assessment_name`),
    spanId: optionalString(message, 'span_id') || null,
    source:
      source === undefined
        ? null
        : {
            sourceType: String(source.source_type ?? 'SOURCE_TYPE_UNSPECIFIED').slice(0, 50),
            sourceId: optionalString(source, 'source_id') ?? '',
          },
    rationale: optionalString(message, 'rationale') ?? null,
    metadata: textMap(message, 'metadata', `${path}.metadata`),
    overrides: optionalString(message, 'overrides') || null,
    valid: optionalBoolean(message, 'valid') ?? true,
    ...(createdAtMs === undefined ? {} : { createdAtMs }),
    ...(updatedAtMs === undefined ? {} : { updatedAtMs }),
  }
}

/** Only the fields that the update mask names. @throws AppError bad_request */
export function assessmentChange(message: Message, paths: readonly string[]): AssessmentChange {
  const change: AssessmentChange = {}
  for (const path of paths) {
    if (path === 'assessment_name')
      change.name = requiredString(message, 'assessment_name', 'assessment.assessment_name')
    else if (path === 'rationale') change.rationale = optionalString(message, 'rationale') ?? null
    else if (path === 'metadata') change.metadata = textMap(message, 'metadata', 'assessment.metadata')
    else if (path === 'feedback' || path === 'expectation') {
      const said = statement(message, 'assessment')
      if (said?.kind !== path) throw badRequest(`update_mask names ${path}, which the assessment does not have.`, path)
      Object.assign(change, said)
    } else throw badRequest(`update_mask names '${path.slice(0, 100)}', which cannot be changed.`, 'update_mask')
  }
  return change
}
