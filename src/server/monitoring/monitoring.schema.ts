import Type, { type Static } from '../../lib/schema.ts'
import { ProjectParams } from '../projects/projects.schema.ts'

const strict = { additionalProperties: false } as const
const share = (description: string) => Type.Number({ minimum: 0, maximum: 1, description })

export const EndpointParams = Type.Object({ ...ProjectParams.properties, endpoint: Type.String() })
export const DecisionParams = Type.Object({ ...ProjectParams.properties, decision: Type.String() })

export const FeedbackBody = Type.Object(
  {
    feedback: Type.Array(
      Type.Object(
        {
          prediction_id: Type.String({ maxLength: 100 }),
          truth: Type.Optional(Type.Unknown({ description: 'What really happened, in the words of the prediction.' })),
          correct: Type.Optional(Type.Boolean({ description: 'When only this is known.' })),
        },
        strict,
      ),
      { minItems: 1, maxItems: 1000 },
    ),
  },
  strict,
)
export const FeedbackAnswer = Type.Object({
  accepted: Type.Integer(),
  unknown: Type.Array(Type.String(), { description: 'Ids that this endpoint did not predict.' }),
})

export const PerformanceQuery = Type.Object({
  window: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100_000, description: 'Labelled predictions in the window; default 500.' }),
  ),
  buckets: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: 'Points of the series; default 30.' })),
})
const Interval = Type.Array(Type.Number(), { minItems: 2, maxItems: 2, description: 'Lower and upper end.' })
export const PerformanceAnswer = Type.Object({
  metric: Type.Literal('accuracy'),
  coverage: Type.Object({ predicted: Type.Integer(), labelled: Type.Integer() }),
  window: Type.Object({
    size: Type.Integer(),
    labelled: Type.Integer(),
    value: Type.Union([Type.Number(), Type.Null()]),
    interval: Type.Union([Interval, Type.Null()], { description: 'Wilson, 95 %.' }),
  }),
  by_version: Type.Array(Type.Object({ version: Type.Integer(), labelled: Type.Integer(), accuracy: Type.Number() })),
  series: Type.Array(
    Type.Object({
      from_ms: Type.Integer(),
      to_ms: Type.Integer(),
      labelled: Type.Integer(),
      accuracy: Type.Union([Type.Number(), Type.Null()]),
      version: Type.Integer(),
    }),
  ),
})

const Parameters = Type.Record(
  Type.String({ maxLength: 200 }),
  Type.Union([Type.String({ maxLength: 10_000 }), Type.Number(), Type.Boolean()]),
  { maxProperties: 200 },
)
const Promote = Type.Enum(['auto', 'ask'])
const DAY_MS = 24 * 3600_000

export const PolicyBody = Type.Object(
  {
    enabled: Type.Optional(Type.Boolean()),
    threshold: share('Accuracy below which the champion is retrained.'),
    window: Type.Optional(
      Type.Integer({
        minimum: 10,
        maximum: 100_000,
        description: 'Newest labelled predictions of the champion that count; default 500.',
      }),
    ),
    min_samples: Type.Optional(
      Type.Integer({
        minimum: 10,
        maximum: 100_000,
        description: 'Fewer labelled predictions decide nothing; default half the window.',
      }),
    ),
    holdout_share: Type.Optional(
      Type.Number({
        minimum: 0.05,
        maximum: 0.95,
        description: 'Labelled predictions kept away from training, to compare on; default 0.3.',
      }),
    ),
    min_gain: Type.Optional(share('Least gain of accuracy on the held-out feedback; default 0.01.')),
    max_regression: Type.Optional(share('Largest loss of accuracy on the reference test rows; default 0.01.')),
    cooldown_ms: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 365 * DAY_MS,
        description: 'Rest after a decision; doubled by each refusal in a row. Default 24 hours.',
      }),
    ),
    promote: Type.Optional(Promote),
    retrain: Type.Optional(Type.Object({ parameters: Type.Optional(Parameters) }, strict)),
  },
  strict,
)
export type PolicyInput = Static<typeof PolicyBody>

export const PolicyAnswer = Type.Object({
  enabled: Type.Boolean(),
  metric: Type.Literal('accuracy'),
  threshold: Type.Number(),
  window: Type.Integer(),
  min_samples: Type.Integer(),
  holdout_share: Type.Number(),
  min_gain: Type.Number(),
  max_regression: Type.Number(),
  cooldown_ms: Type.Integer(),
  alias: Type.String({ description: 'The alias that the endpoint follows and a promotion moves.' }),
  promote: Promote,
  retrain: Type.Object({ parameters: Parameters }),
  state: Type.Enum(['watching', 'retraining', 'cooling']),
  updated_at_ms: Type.Integer(),
  created_by: Type.String(),
})

const ModelRef = Type.Object({ model: Type.String(), version: Type.Integer() })
export const DecisionAnswer = Type.Object({
  id: Type.String(),
  endpoint: Type.String(),
  state: Type.Enum(['retraining', 'converting', 'comparing', 'waiting', 'promoted', 'refused', 'failed', 'undone']),
  trigger: Type.Object({
    metric: Type.Literal('accuracy'),
    value: Type.Number(),
    threshold: Type.Number(),
    window: Type.Integer(),
    labelled: Type.Integer(),
    from_ms: Type.Integer(),
    to_ms: Type.Integer(),
  }),
  champion: ModelRef,
  challenger: Type.Union([ModelRef, Type.Null()]),
  job_id: Type.Union([Type.String(), Type.Null()]),
  dataset: Type.Union([Type.Object({ name: Type.String(), version: Type.Integer() }), Type.Null()]),
  comparison: Type.Union([
    Type.Object({
      method: Type.String(),
      sets: Type.Array(
        Type.Object({
          name: Type.String(),
          rows: Type.Integer(),
          champion: Type.Number(),
          challenger: Type.Number(),
          difference: Type.Number(),
          interval: Interval,
        }),
      ),
      rules: Type.Array(Type.Object({ text: Type.String(), passed: Type.Boolean() })),
    }),
    Type.Null(),
  ]),
  reason: Type.Union([Type.String(), Type.Null()]),
  created_at_ms: Type.Integer(),
  decided_at_ms: Type.Union([Type.Integer(), Type.Null()]),
})
export const DecisionsQuery = Type.Object({
  endpoint: Type.Optional(Type.String()),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
})
