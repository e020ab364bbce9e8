import Type from '../../lib/schema.ts'
import { ProjectParams } from '../projects/projects.schema.ts'

const strict = { additionalProperties: false } as const
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

export const EndpointParams = Type.Object({ ...ProjectParams.properties, endpoint: Type.String() })

const Alias = Type.String({
  minLength: 1,
  maxLength: 255,
  description: 'Serve the version that this alias of the model points at, also after it moves.',
})
const VersionNumber = Type.Integer({ minimum: 1, description: 'Serve this version and no other.' })
const Description = Type.String({ maxLength: 10_000 })

export const NewEndpointBody = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    model: Type.String({ minLength: 1, description: 'Name of the registered model.' }),
    alias: Type.Optional(Alias),
    version: Type.Optional(VersionNumber),
    description: Type.Optional(Description),
  },
  strict,
)

export const EndpointChange = Type.Object(
  { alias: Type.Optional(Alias), version: Type.Optional(VersionNumber), description: Type.Optional(Description) },
  strict,
)

export const EndpointBody = Type.Object({
  name: Type.String(),
  description: Type.String(),
  model: Type.String(),
  alias: nullable(Type.String()),
  version: nullable(Type.Integer()),
  serving: Type.Object({
    version: nullable(Type.Integer({ description: 'The version that answers now.' })),
    runtime: nullable(Type.Enum(['onnx', 'python'])),
    state: Type.Enum(['ready', 'converting', 'unavailable'], {
      description:
        'converting: the version to serve is being made ready; an older one may answer meanwhile (then version is not null).',
    }),
    reason: nullable(Type.String({ description: 'Why what should be served is not.' })),
  }),
  created_at_ms: Type.Integer(),
  created_by: Type.String(),
  updated_at_ms: Type.Integer(),
  url: Type.String({ description: 'MLflow scoring door of this endpoint.' }),
  stats: Type.Object({
    predictions_total: Type.Integer(),
    predictions_24h: Type.Integer(),
    p50_ms: nullable(Type.Number({ description: 'Of the last 1000 predictions.' })),
    p99_ms: nullable(Type.Number()),
  }),
})

/** A row is whatever the model's signature says: it is checked against that, not here. */
const Row = Type.Record(Type.String(), Type.Unknown())
const Scores = nullable(Type.Record(Type.String(), Type.Number()))

export const MAX_API_ROWS = 1000

export const PredictBody = Type.Object({ rows: Type.Array(Row, { minItems: 1, maxItems: MAX_API_ROWS }) }, strict)

export const PredictAnswer = Type.Object({
  version: Type.Integer(),
  runtime: Type.Enum(['onnx', 'python']),
  latency_ms: Type.Number(),
  predictions: Type.Array(Type.Object({ id: Type.String(), value: Type.Unknown(), scores: Scores })),
})

export const PredictionsQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
  before: Type.Optional(Type.String({ description: 'Id of the last prediction of the page before.' })),
})

export const PredictionsAnswer = Type.Object({
  predictions: Type.Array(
    Type.Object({
      id: Type.String(),
      version: Type.Integer(),
      inputs: Row,
      value: Type.Unknown(),
      scores: Scores,
      latency_ms: Type.Number(),
      created_at_ms: Type.Integer(),
      feedback: nullable(
        Type.Object({ truth: Type.Unknown(), correct: Type.Boolean(), created_at_ms: Type.Integer() }),
      ),
    }),
  ),
  next_before: nullable(Type.String()),
})

export const FormAnswer = Type.Object({
  endpoint: Type.String(),
  model: Type.String(),
  version: Type.Integer(),
  target: Type.Object({ name: nullable(Type.String()), labels: nullable(Type.Array(Type.String())) }),
  fields: Type.Array(
    Type.Object({
      name: Type.String(),
      label: Type.String(),
      kind: Type.Enum(['number', 'integer', 'choice', 'text', 'boolean']),
      required: Type.Boolean(),
      choices: nullable(Type.Array(Type.Object({ value: Type.String(), share: Type.Number() }))),
      min: nullable(Type.Number()),
      max: nullable(Type.Number()),
      step: nullable(Type.Number()),
      typical: nullable(Type.Unknown()),
      help: nullable(Type.String()),
    }),
  ),
  examples: Type.Array(Type.Object({ title: Type.String(), values: Row })),
  note: nullable(Type.String()),
})
