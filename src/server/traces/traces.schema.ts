import Type from '../../lib/schema.ts'
import { ProjectParams } from '../projects/projects.schema.ts'

const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const Texts = Type.Record(Type.String(), Type.String())

export const TraceParams = Type.Object({ ...ProjectParams.properties, trace: Type.String({ maxLength: 64 }) })

export const TracesQuery = Type.Object({
  experiment_id: Type.Optional(Type.String({ maxLength: 30 })),
  filter: Type.Optional(
    Type.String({
      maxLength: 10_000,
      description: "MLflow's grammar: `trace.status = 'ERROR' AND span.name = 'llm'`.",
    }),
  ),
  order_by: Type.Optional(Type.Array(Type.String({ maxLength: 1_000 }), { maxItems: 10 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: 'Default 100.' })),
  page_token: Type.Optional(Type.String({ maxLength: 10_000 })),
})

const TraceFields = {
  id: Type.String(),
  experiment_id: Type.String(),
  name: nullable(Type.String()),
  status: Type.Enum(['STATE_UNSPECIFIED', 'OK', 'ERROR', 'IN_PROGRESS']),
  started_at_ms: Type.Integer(),
  duration_ms: nullable(Type.Integer()),
  request_preview: nullable(Type.String({ description: 'Inputs of the root span as JSON, cut.' })),
  response_preview: nullable(Type.String()),
  run_id: nullable(Type.String({ description: 'The run that it was made in, as its client says.' })),
  span_count: Type.Integer({ description: '0 when the spans are a file (clients before MLflow 3.4).' }),
}
export const TraceBody = Type.Object(TraceFields)
export const TracesBody = Type.Object({
  traces: Type.Array(TraceBody),
  next_page_token: nullable(Type.String()),
})

const Span = Type.Object({
  id: Type.String(),
  parent_id: nullable(Type.String()),
  name: Type.String(),
  type: Type.String(),
  status: Type.Enum(['UNSET', 'OK', 'ERROR']),
  message: nullable(Type.String()),
  start_ms: Type.Number({ description: 'Since the start of the first span.' }),
  duration_ms: nullable(Type.Number()),
  inputs: Type.Unknown(),
  outputs: Type.Unknown(),
  attributes: Type.Record(Type.String(), Type.Unknown()),
  events: Type.Array(
    Type.Object({ name: Type.String(), at_ms: Type.Number(), attributes: Type.Record(Type.String(), Type.Unknown()) }),
  ),
})

const Assessment = Type.Object({
  id: Type.String(),
  name: Type.String(),
  kind: Type.Enum(['feedback', 'expectation', 'issue']),
  value: Type.Unknown(),
  error: nullable(Type.String()),
  rationale: nullable(Type.String()),
  source: nullable(Type.String({ description: 'Kind and name: `HUMAN ada`.' })),
  span_id: nullable(Type.String()),
  valid: Type.Boolean({ description: 'False when another assessment took its place.' }),
  created_at_ms: Type.Integer(),
})

export const TraceDetailBody = Type.Object({
  ...TraceFields,
  tags: Texts,
  metadata: Texts,
  spans: Type.Array(Span, { description: 'In the order of their start; the first 2000.' }),
  assessments: Type.Array(Assessment),
})
