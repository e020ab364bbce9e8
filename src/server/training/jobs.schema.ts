import Type, { type Static } from '../../lib/schema.ts'
import { ProjectParams } from '../projects/projects.schema.ts'
import { CODE_MAX_FILES } from './code.service.ts'

const strict = { additionalProperties: false } as const

export const JOB_STATES = ['queued', 'preparing', 'running', 'succeeded', 'failed', 'cancelled', 'lost'] as const
export const JobStateSchema = Type.Enum([...JOB_STATES])
export const JobKindSchema = Type.Enum(['train', 'convert'])
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
/** No control characters: what PostgreSQL, a terminal or a path could not hold. */
const line = { pattern: '^[^\\u0000-\\u001f\\u007f]*$' }
const ParameterValue = Type.Union([Type.String({ maxLength: 10_000 }), Type.Number(), Type.Boolean()])

export const JobParams = Type.Object({ ...ProjectParams.properties, job: Type.String() })
export const JobsQuery = Type.Object({
  state: Type.Optional(JobStateSchema),
  kind: Type.Optional(JobKindSchema),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
  before: Type.Optional(Type.String({ description: 'Id of the last job seen: the page after it.' })),
})
export const LogsQuery = Type.Object({
  offset: Type.Optional(Type.Integer({ minimum: 0, description: 'Bytes to skip.' })),
})

const File = Type.Object(
  {
    path: Type.String({ maxLength: 1024 }),
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    size_bytes: Type.Integer({ minimum: 0 }),
  },
  strict,
)
export const NewCodeBody = Type.Object({ files: Type.Array(File, { minItems: 1, maxItems: CODE_MAX_FILES }) }, strict)
export const CodeBody = Type.Object({ digest: Type.String(), file_count: Type.Integer(), size_bytes: Type.Integer() })

export const NewJobBody = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 200, ...line })),
    code_digest: Type.String({ maxLength: 100, ...line, description: 'From `POST …/code`.' }),
    entry_point: Type.Optional(
      Type.String({ maxLength: 200, ...line, description: 'Of the MLproject file; default `main`.' }),
    ),
    parameters: Type.Optional(Type.Record(Type.String({ maxLength: 200 }), ParameterValue, { maxProperties: 200 })),
    dataset: Type.Optional(
      Type.String({
        maxLength: 200,
        ...line,
        ...line,
        description: '`name`, `name@2` or `name@latest`. Its files become the parameter `data`.',
      }),
    ),
    experiment: Type.Optional(
      Type.String({ minLength: 1, maxLength: 500, ...line, description: 'Made when absent; default `Default`.' }),
    ),
    register_as: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 250,
        ...line,
        ...line,
        description: 'Registered model that gets the resulting model as a new version.',
      }),
    ),
    timeout_ms: Type.Optional(Type.Integer({ minimum: 1_000, maximum: 30 * 24 * 3600_000 })),
  },
  strict,
)

export const JobBody = Type.Object({
  id: Type.String(),
  kind: JobKindSchema,
  name: Type.String(),
  state: JobStateSchema,
  attempt: Type.Integer(),
  retry_of: nullable(Type.String()),
  run_id: nullable(Type.String()),
  dataset: nullable(Type.Object({ name: Type.String(), version: Type.Integer() })),
  parameters: Type.Record(Type.String(), ParameterValue, {
    description: 'As used: what was given, and defaults for the rest.',
  }),
  entry_point: nullable(Type.String()),
  experiment: nullable(Type.String()),
  register_as: nullable(Type.String()),
  executor: Type.String(),
  created_by: Type.String(),
  created_at_ms: Type.Integer(),
  started_at_ms: nullable(Type.Integer()),
  finished_at_ms: nullable(Type.Integer()),
  exit_code: nullable(Type.Integer()),
  error: nullable(Type.String()),
  cancel_requested: Type.Boolean(),
  code_digest: nullable(Type.String()),
  environment: nullable(Type.String({ description: 'Python version and key of the environment it ran in.' })),
})
export type JobAnswer = Static<typeof JobBody>
