import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../../context.ts'
import { scopeOf } from '../../http/request.ts'
import { ProjectParams } from '../projects/projects.schema.ts'
import type { Assessment } from './assessments.service.ts'
import { searchTraces } from './trace-search.service.ts'
import { type SpanView, spanViews } from './trace-view.service.ts'
import * as schema from './traces.schema.ts'
import { getTrace, type Trace } from './traces.service.ts'

const tags = ['tracking']
const base = '/projects/:owner/:project'

function traceBody(trace: Trace) {
  return {
    id: trace.id,
    experiment_id: trace.experimentId,
    name: trace.name,
    status: trace.status,
    started_at_ms: trace.startedAtMs,
    duration_ms: trace.durationMs,
    request_preview: trace.requestPreview,
    response_preview: trace.responsePreview,
    run_id: trace.runId,
    span_count: trace.spanCount,
  }
}

function spanBody(span: SpanView) {
  return {
    id: span.id,
    parent_id: span.parentId,
    name: span.name,
    type: span.type,
    status: span.status,
    message: span.message,
    start_ms: span.startMs,
    duration_ms: span.durationMs,
    inputs: span.inputs,
    outputs: span.outputs,
    attributes: span.attributes,
    events: span.events.map((event) => ({ name: event.name, at_ms: event.atMs, attributes: event.attributes })),
  }
}

function assessmentBody(assessment: Assessment) {
  const { source, error } = assessment
  return {
    id: assessment.id,
    name: assessment.name,
    kind: assessment.kind,
    value: assessment.value,
    error: error === null ? null : (error.errorMessage ?? error.errorCode),
    rationale: assessment.rationale,
    source: source === null ? null : `${source.sourceType} ${source.sourceId}`.trim(),
    span_id: assessment.spanId,
    valid: assessment.valid,
    created_at_ms: assessment.createdAtMs,
  }
}

/** Traces, to look at; clients write them through the MLflow door. */
export function tracesRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      `${base}/traces`,
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'Search traces; the newest first unless ordered',
          params: ProjectParams,
          querystring: schema.TracesQuery,
          response: { 200: schema.TracesBody },
        },
      },
      async (request) => {
        const { project } = scopeOf(request)
        const { experiment_id, filter, order_by, limit, page_token } = request.query
        const { traces, nextPageToken } = await searchTraces(ctx, project.id, {
          ...(experiment_id === undefined || experiment_id === '' ? {} : { experimentIds: [experiment_id] }),
          ...(filter === undefined ? {} : { filter }),
          ...(page_token === undefined ? {} : { pageToken: page_token }),
          orderBy: (order_by ?? []).filter((clause) => clause !== ''),
          maxResults: limit ?? 100,
        })
        return { traces: traces.map(traceBody), next_page_token: nextPageToken }
      },
    )

    app.get(
      `${base}/traces/:trace`,
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'One trace with its spans and what was said about it',
          params: schema.TraceParams,
          response: { 200: schema.TraceDetailBody },
        },
      },
      async (request) => {
        const { project } = scopeOf(request)
        const trace = await getTrace(ctx, project.id, request.params.trace)
        return {
          ...traceBody(trace),
          tags: trace.tags,
          metadata: trace.metadata,
          spans: (await spanViews(ctx, project.id, trace)).map(spanBody),
          assessments: trace.assessments.map(assessmentBody),
        }
      },
    )
  }
}
