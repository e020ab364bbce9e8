import Type from '../../../lib/schema.ts'
import { nullable } from '../tracking.schema.ts'

/** A body, not a query: the ids of hundreds of runs are longer than a URL may be. */
export const SeriesQuery = Type.Object(
  {
    key: Type.String({ minLength: 1, maxLength: 250 }),
    runs: Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
      minItems: 1,
      maxItems: 500,
      description: 'Runs without the metric, and those of other projects, are left out.',
    }),
    max_points: Type.Optional(Type.Integer({ minimum: 4, maximum: 5000, description: 'For each run. Default 500.' })),
  },
  { additionalProperties: false },
)

const Point = Type.Array(nullable(Type.Number()), {
  description: 'Step, time in milliseconds since the epoch, value (null: not a number).',
})

export const SeriesBody = Type.Object({
  key: Type.String(),
  series: Type.Array(
    Type.Object({
      run: Type.String(),
      total: Type.Integer({
        description: 'All points; beyond `max_points` first, last, least and greatest of each stretch stay.',
      }),
      points: Type.Array(Point),
    }),
  ),
})

export const LiveQuery = Type.Object({
  key: Type.Array(Type.String({ minLength: 1, maxLength: 250 }), { minItems: 1, maxItems: 50 }),
  cursor: Type.Optional(
    Type.String({ maxLength: 20_000, description: 'The id of the last event; as the header `Last-Event-ID` too.' }),
  ),
})
