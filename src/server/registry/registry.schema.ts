import Type, { type Static } from '../../lib/schema.ts'
import { ProjectParams } from '../projects/projects.schema.ts'

const strict = { additionalProperties: false } as const
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const Texts = Type.Record(Type.String(), Type.String())
const Metrics = Type.Record(Type.String(), nullable(Type.Number()))

export const ModelParams = Type.Object({ ...ProjectParams.properties, name: Type.String() })
export const AliasParams = Type.Object({ ...ModelParams.properties, alias: Type.String() })
export const VersionParams = Type.Object({ ...ModelParams.properties, version: Type.Integer({ minimum: 1 }) })
export const FileQuery = Type.Object({ path: Type.String({ minLength: 1 }) })
export const FilesQuery = Type.Object({ path: Type.Optional(Type.String()) })

const AliasOfModel = Type.Object({ alias: Type.String(), version: Type.Integer() })
const model = {
  name: Type.String(),
  description: Type.String(),
  created_at_ms: Type.Integer(),
  updated_at_ms: Type.Integer(),
  version_count: Type.Integer(),
  latest_version: nullable(Type.Integer()),
  aliases: Type.Array(AliasOfModel),
  tags: Texts,
}
export const ModelBody = Type.Object(model)
export const ModelsBody = Type.Object({ models: Type.Array(ModelBody) })
export const NewModelBody = Type.Object({ name: Type.String(), description: Type.Optional(Type.String()) }, strict)
export const AliasBody = Type.Object({ version: Type.Integer({ minimum: 1 }) }, strict)
export const AliasAnswer = AliasOfModel

const FormState = Type.Enum(['queued', 'running', 'ready', 'refused', 'failed'])

export const VersionSummary = Type.Object({
  version: Type.Integer(),
  created_at_ms: Type.Integer(),
  created_by: Type.String(),
  aliases: Type.Array(Type.String()),
  run_id: nullable(Type.String()),
  stage: Type.String(),
  flavors: Type.Array(Type.String()),
  onnx_state: nullable(FormState),
  metrics: Metrics,
})
export const ModelWithVersions = Type.Object({ ...model, versions: Type.Array(VersionSummary) })

const Share = Type.Number({ minimum: 0, maximum: 1 })
const Difference = Type.Number({ minimum: 0 })
const Differences = {
  mean_abs: Difference,
  p50: Difference,
  p99: Difference,
  p999: Difference,
  share_within_tolerance: Share,
}
const ClassLabel = Type.Union([Type.String(), Type.Number(), Type.Boolean()])

/** How the columns and classes of the original map to the tensors of its ONNX form. */
const FormInterface = Type.Object({
  inputs: Type.Array(
    Type.Object({
      name: Type.String(),
      column: nullable(Type.String({ description: 'null: the whole row as one matrix.' })),
      type: Type.String({ description: 'ONNX element type: string, int64, float, double, bool …' }),
      shape: Type.Array(nullable(Type.Integer()), { description: 'null: any length.' }),
    }),
  ),
  outputs: Type.Object({
    label: nullable(Type.String({ description: 'Output with the label, or the predicted value.' })),
    probabilities: nullable(Type.String()),
    classes: nullable(Type.Array(ClassLabel, { description: 'What each column of the probabilities stands for.' })),
  }),
})

/** What a conversion measured: the ONNX form against the original, on the same rows. */
export const FormReport = Type.Object({
  rows: Type.Integer({ minimum: 0 }),
  source: Type.String({ description: 'Where the rows come from.' }),
  label_agreement: nullable(
    Type.Number({ minimum: 0, maximum: 1, description: 'Share of rows with the same label; null for values.' }),
  ),
  labels_differing: nullable(Type.Integer({ minimum: 0 })),
  probability: nullable(
    Type.Object({ max_abs: Difference, ...Differences }, { description: 'Greatest difference of each row.' }),
  ),
  value: nullable(
    Type.Object({ max_rel: Difference, ...Differences }, { description: 'For regressors: relative differences.' }),
  ),
  tolerance: Type.Object({
    label_agreement: Share,
    probability_abs: Difference,
    value_rel: Difference,
    share: Type.Number({ minimum: 0, maximum: 1, description: 'Of the rows that must lie within.' }),
  }),
  passed: Type.Boolean(),
  versions: Texts,
  interface: nullable(FormInterface),
})
export type FormReport = Static<typeof FormReport>

export const FormBody = Type.Object({
  state: FormState,
  job_id: nullable(Type.String()),
  size_bytes: nullable(Type.Integer()),
  reason: nullable(Type.String()),
  report: nullable(FormReport),
  created_at_ms: Type.Integer(),
  updated_at_ms: Type.Integer(),
})

const Column = Type.Object({
  name: nullable(Type.String()),
  type: Type.String(),
  required: Type.Boolean(),
  shape: Type.Optional(Type.Array(Type.Integer())),
  dtype: Type.Optional(Type.String()),
})

export const VersionBody = Type.Object({
  name: Type.String(),
  version: Type.Integer(),
  description: Type.String(),
  stage: Type.String(),
  source: Type.String(),
  run_id: nullable(Type.String()),
  run_name: nullable(Type.String()),
  logged_model_id: nullable(Type.String()),
  job_id: nullable(Type.String()),
  created_by: Type.String(),
  created_at_ms: Type.Integer(),
  updated_at_ms: Type.Integer(),
  aliases: Type.Array(Type.String()),
  tags: Texts,
  flavors: Type.Array(Type.String()),
  runs_code: Type.Boolean({ description: 'Loading it in Python runs code that comes with the model.' }),
  signature: nullable(Type.Object({ inputs: Type.Array(Column), outputs: Type.Array(Column) })),
  size_bytes: nullable(Type.Integer()),
  content_digest: nullable(
    Type.String({
      description:
        'SHA-256 over the paths, sizes and checksums of its files, which nobody changes; null for files that came after it was registered, or lie elsewhere.',
    }),
  ),
  copied_from: nullable(
    Type.Object(
      { project: nullable(Type.String()), model: nullable(Type.String()), version: nullable(Type.Integer()) },
      {
        description:
          'The version that this one is a copy of; its names are null when its project is none that you may see.',
      },
    ),
  ),
  metrics: Metrics,
  params: Texts,
  datasets: Type.Array(
    Type.Object({
      name: Type.String(),
      digest: Type.String(),
      context: nullable(Type.String()),
      dataset: nullable(Type.String({ description: 'Set when it is a dataset version of this project.' })),
      version: nullable(Type.Integer()),
    }),
  ),
  onnx: nullable(FormBody),
})
export type VersionAnswer = Static<typeof VersionBody>

export const NewVersionBody = Type.Object(
  {
    source: Type.String({
      description: '`models:/m-…`, `runs:/<run>/<path>`, `mlflow-artifacts:/…`, or another store.',
    }),
    run_id: Type.Optional(Type.String()),
    description: Type.Optional(Type.String()),
  },
  strict,
)
export const VersionChange = Type.Object({ description: Type.String() }, strict)

export const FilesBody = Type.Object({
  path: Type.String(),
  entries: Type.Array(
    Type.Object({ name: Type.String(), path: Type.String(), is_folder: Type.Boolean(), size_bytes: Type.Integer() }),
  ),
})

export const CopyBody = Type.Object(
  {
    project: Type.String({ minLength: 3, maxLength: 100, description: 'The project of the version, as `owner/name`.' }),
    model: Type.String({ minLength: 1 }),
    version: Type.Integer({ minimum: 1 }),
  },
  strict,
)

export const HistoryQuery = Type.Object({
  before: Type.Optional(Type.Integer({ minimum: 1, description: 'The `next_before` of the page before.' })),
  limit: Type.Integer({
    minimum: 1,
    maximum: 200,
    default: 50,
    description: 'Changes that were made at once count as one.',
  }),
})

const Position = Type.Union([Type.Integer(), Type.String(), Type.Null()])
export const HistoryBody = Type.Object({
  changes: Type.Array(
    Type.Object({
      event_id: Type.Integer(),
      at_ms: Type.Integer(),
      by: Type.String(),
      alias: nullable(Type.String({ description: 'null: a stage changed.' })),
      version: nullable(Type.Integer({ description: 'The version whose stage changed; null for an alias.' })),
      from: Position,
      to: Position,
      decision_id: nullable(Type.String({ description: 'The decision of a monitoring policy that did it.' })),
      because: nullable(Type.String()),
    }),
  ),
  next_before: nullable(Type.Integer()),
})
