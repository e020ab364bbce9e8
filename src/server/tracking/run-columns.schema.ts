import Type from '../../lib/schema.ts'
import { MAX_KEYS } from './run-columns.reads.ts'
import { MAX_COUNT } from './run-columns.service.ts'
import { RunsQuery } from './tracking.schema.ts'

const { experiment_id, filter, view } = RunsQuery.properties

export const ColumnsQuery = Type.Object({
  experiment_id,
  search: Type.Optional(
    Type.String({ maxLength: 250, description: 'A part of the name, in any case of its letters.' }),
  ),
})

const Keys = Type.Object({
  keys: Type.Array(Type.String(), { description: `At most ${MAX_KEYS}, in their order.` }),
  is_more: Type.Boolean({ description: 'There are others: search for a part of their name.' }),
})

export const ColumnsBody = Type.Object({ metrics: Keys, params: Keys, tags: Keys })

export const CountQuery = Type.Object({ experiment_id, filter, view })

export const CountBody = Type.Object({
  count: Type.Integer({ description: `At most ${MAX_COUNT}.` }),
  is_more: Type.Boolean({ description: 'There are more than `count`.' }),
})
