import Type from '../../lib/schema.ts'
import { ProjectParams } from '../projects/projects.schema.ts'

export const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const strict = { additionalProperties: false } as const

export const RunParams = Type.Object({ ...ProjectParams.properties, run: Type.String() })

const RunStatus = Type.Enum(['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'])
const Lifecycle = Type.Enum(['active', 'deleted'])
const Texts = Type.Record(Type.String(), Type.String())

export const ExperimentBody = Type.Object({
  id: Type.String({ description: '"0" is the project\'s Default.' }),
  name: Type.String(),
  lifecycle: Lifecycle,
  run_count: Type.Integer({ description: 'Active runs.' }),
  created_at_ms: Type.Integer(),
  updated_at_ms: Type.Integer({ description: 'When it was changed, or its newest run started.' }),
})

const DatasetInput = Type.Object({
  name: Type.String(),
  digest: Type.String(),
  context: nullable(Type.String({ description: '`training`, `eval` … as the client said.' })),
  dataset: nullable(Type.String({ description: 'Set when it is a dataset version of this project.' })),
  version: nullable(Type.Integer()),
})

const LoggedModelSummary = Type.Object({
  id: Type.String(),
  name: Type.String(),
  status: Type.String(),
  registered: Type.Array(Type.Object({ name: Type.String(), version: Type.Integer() })),
})

export const RunBody = Type.Object({
  id: Type.String(),
  name: Type.String(),
  experiment_id: Type.String(),
  experiment_name: Type.String(),
  status: RunStatus,
  lifecycle: Lifecycle,
  user_name: Type.String(),
  started_at_ms: Type.Integer(),
  ended_at_ms: nullable(Type.Integer()),
  job_id: nullable(Type.String()),
  artifact_uri: Type.String(),
  parent_id: nullable(Type.String()),
  lost_since_ms: nullable(
    Type.Integer({
      description:
        'When it was last heard, for a run that says it is running and fell silent; it is undone when it writes.',
    }),
  ),
  params: Texts,
  metrics: Type.Record(Type.String(), nullable(Type.Number()), { description: 'Latest values; NaN is null.' }),
  tags: Texts,
  datasets: Type.Array(DatasetInput),
  models: Type.Array(LoggedModelSummary),
})

export const RunDetailBody = Type.Object({
  ...RunBody.properties,
  children: Type.Array(Type.Object({ id: Type.String(), name: Type.String(), status: RunStatus })),
})

/** Our words for which runs are looked at, and MLflow's. */
export const VIEWS = { active: 'ACTIVE_ONLY', deleted: 'DELETED_ONLY', all: 'ALL' } as const

export const RunsQuery = Type.Object({
  experiment_id: Type.Optional(Type.String()),
  filter: Type.Optional(
    Type.String({ description: "MLflow's grammar: `metrics.accuracy > 0.8 AND params.model = 'tree'`." }),
  ),
  order_by: Type.Optional(Type.Array(Type.String(), { description: '`metrics.accuracy DESC`; may be repeated.' })),
  view: Type.Optional(Type.Enum(['active', 'deleted', 'all'])),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
  page_token: Type.Optional(Type.String()),
})

export const RunsBody = Type.Object({ runs: Type.Array(RunBody), next_page_token: nullable(Type.String()) })

export const RunChangeBody = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
    description: Type.Optional(Type.String({ maxLength: 8000 })),
  },
  strict,
)

export const HistoryQuery = Type.Object({
  key: Type.String(),
  max_points: Type.Optional(Type.Integer({ minimum: 4, maximum: 5000 })),
})

export const HistoryBody = Type.Object({
  key: Type.String(),
  total: Type.Integer({
    description: 'All points; beyond `max_points` first, last, least and greatest of each stretch stay.',
  }),
  points: Type.Array(Type.Object({ step: Type.Number(), timestamp_ms: Type.Number(), value: nullable(Type.Number()) })),
})

export const DoneBody = Type.Null()
