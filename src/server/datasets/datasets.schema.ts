import Type from '../../lib/schema.ts'
import { ProjectParams } from '../projects/projects.schema.ts'

const strict = { additionalProperties: false } as const
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

const Sha256 = Type.String({
  pattern: '^[0-9a-f]{64}$',
  description: 'SHA-256 of the content, 64 lower-case hex digits.',
})
const Name = Type.String({ minLength: 1, maxLength: 100 })
const Message = Type.String({ maxLength: 10_000 })

export const BlobParams = Type.Object({ ...ProjectParams.properties, sha256: Sha256 })
export const DatasetParams = Type.Object({ ...ProjectParams.properties, name: Type.String() })
export const VersionParams = Type.Object({
  ...DatasetParams.properties,
  version: Type.String({ pattern: '^([1-9][0-9]{0,8}|latest)$', description: 'A number, or `latest`.' }),
})

export const Blob = Type.Object({ sha256: Sha256, size_bytes: Type.Integer() })
export const MissingQuestion = Type.Object({ sha256: Type.Array(Sha256, { maxItems: 50_000 }) }, strict)
export const MissingAnswer = Type.Object({
  missing: Type.Array(Sha256, { description: 'Not held by this project, in the order asked: upload these.' }),
})

const ManifestEntry = Type.Object(
  { path: Type.String({ minLength: 1 }), sha256: Sha256, size_bytes: Type.Integer({ minimum: 0 }) },
  strict,
)
const VersionName = Type.Object({ dataset: Type.String(), version: Type.Integer() })

export const VersionSummary = Type.Object({
  version: Type.Integer(),
  digest: Type.String({ description: 'SHA-256 of the manifest: equal digests, equal files.' }),
  message: Type.String(),
  created_at_ms: Type.Integer(),
  created_by: Type.String(),
  size_bytes: Type.Integer(),
  file_count: Type.Integer(),
  row_count: nullable(Type.Integer({ description: 'Rows of all table files together; null when there is none.' })),
  profile_state: Type.Enum(['queued', 'ready', 'failed', 'none']),
  parent: nullable(VersionName),
  has_recipe: Type.Boolean(),
})

const datasetFields = {
  name: Type.String(),
  description: Type.String(),
  licence: Type.String(),
  created_at_ms: Type.Integer(),
  created_by: Type.String(),
  version_count: Type.Integer(),
  latest: nullable(VersionSummary),
}
export const DatasetBody = Type.Object(datasetFields)
export const DatasetWithVersions = Type.Object({
  ...datasetFields,
  versions: Type.Array(VersionSummary, { description: 'Newest first.' }),
})

export const NewDataset = Type.Object(
  { name: Name, description: Type.Optional(Message), licence: Type.Optional(Type.String({ maxLength: 200 })) },
  strict,
)

export const NewVersionBody = Type.Object(
  {
    files: Type.Array(ManifestEntry, { minItems: 1, maxItems: 50_000 }),
    message: Type.Optional(Message),
    description: Type.Optional(Message),
    licence: Type.Optional(Type.String({ maxLength: 200 })),
  },
  strict,
)

const Sql = Type.String({
  minLength: 1,
  maxLength: 20_000,
  description: 'One SELECT over `data`, the result of the step before.',
})
const RecipeBody = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 100 })),
    source: Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'Dataset to start from: `adult`, `adult@latest`, `adult@1`.',
    }),
    target: Type.Optional(
      Type.String({
        maxLength: 100,
        description: 'The dataset that the result belongs to; when given, it must be the one of the URL.',
      }),
    ),
    steps: Type.Array(
      Type.Object(
        { name: Type.String({ minLength: 1, maxLength: 100 }), description: Type.Optional(Message), sql: Sql },
        strict,
      ),
      { maxItems: 100 },
    ),
    outputs: Type.Array(
      Type.Object({ file: Type.String({ minLength: 1, description: 'Ends in .parquet or .csv.' }), sql: Sql }, strict),
      { minItems: 1, maxItems: 50 },
    ),
  },
  strict,
)
export const NewVersionFromRecipe = Type.Object({ recipe: RecipeBody, message: Type.Optional(Message) }, strict)

const Bin = Type.Object({ from: Type.Number(), to: Type.Number(), count: Type.Integer() })
const TopValue = Type.Object({
  value: Type.Union([Type.String(), Type.Number(), Type.Boolean()]),
  count: Type.Integer(),
})
const End = nullable(Type.Union([Type.Number(), Type.String()]))

const ColumnProfile = Type.Object({
  name: Type.String(),
  type: Type.String({ description: "DuckDB's name of the type." }),
  kind: Type.Enum(['number', 'string', 'boolean', 'datetime', 'other']),
  null_count: Type.Integer({ description: 'NaN counts as null.' }),
  distinct_count: Type.Integer({ description: 'Exact up to a million rows, then estimated.' }),
  min: End,
  max: End,
  mean: nullable(Type.Number()),
  std: nullable(Type.Number()),
  quantiles: nullable(Type.Array(Type.Number(), { description: 'At 5, 25, 50, 75 and 95 %.' })),
  histogram: nullable(Type.Array(Bin)),
  top: nullable(Type.Array(TopValue, { description: 'The most frequent values, at most 20.' })),
})
const FileProfile = Type.Object({
  path: Type.String(),
  format: Type.Enum(['csv', 'parquet', 'json']),
  row_count: Type.Integer(),
  columns: Type.Array(ColumnProfile),
})

export const VersionBody = Type.Object({
  ...VersionSummary.properties,
  dataset: Type.String(),
  description: Type.String(),
  licence: Type.String(),
  recipe: Type.Unknown({ description: 'The recipe that made this version from its parent; null for an upload.' }),
  job_id: nullable(Type.String()),
  profile_error: nullable(Type.String()),
  profile: nullable(Type.Object({ files: Type.Array(FileProfile) })),
  files: Type.Array(Type.Object({ path: Type.String(), sha256: Type.String(), size_bytes: Type.Integer() })),
  used_by: Type.Object({
    runs: Type.Array(Type.Object({ id: Type.String(), name: Type.String(), status: Type.String() })),
    versions: Type.Array(VersionName),
  }),
})

export const RowsQuery = Type.Object({
  file: Type.Optional(Type.String({ description: 'Path of a table file; default: the first one.' })),
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000_000 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
  order_by: Type.Optional(Type.String({ maxLength: 1_000, description: 'A column, or `-column` for descending.' })),
})
export const RowsPage = Type.Object({
  columns: Type.Array(Type.Object({ name: Type.String(), type: Type.String() })),
  rows: Type.Array(Type.Array(Type.Unknown())),
  total: Type.Integer(),
})
export const ContentQuery = Type.Object({ path: Type.String() })
