import Type from '../../lib/schema.ts'
import { RoleSchema, VisibilitySchema } from '../identity/identity.schema.ts'

const strict = { additionalProperties: false } as const

/** `:owner/:project` of every project route. */
export const ProjectParams = Type.Object({ owner: Type.String(), project: Type.String() })

export const ProjectBody = Type.Object({
  owner: Type.String(),
  name: Type.String(),
  description: Type.String(),
  visibility: VisibilitySchema,
  created_at_ms: Type.Integer(),
  role: RoleSchema,
  tracking_uri: Type.String({ description: 'What MLFLOW_TRACKING_URI must be to log into this project.' }),
})

export const NewProjectBody = Type.Object(
  {
    owner: Type.Optional(Type.String({ description: 'Default: your own name.' })),
    name: Type.String(),
    description: Type.Optional(Type.String({ maxLength: 10_000 })),
    visibility: Type.Optional(VisibilitySchema),
  },
  strict,
)

export const ProjectChange = Type.Object(
  {
    description: Type.Optional(Type.String({ maxLength: 10_000 })),
    visibility: Type.Optional(VisibilitySchema),
  },
  { ...strict, minProperties: 1 },
)

export const Member = Type.Object({ name: Type.String(), role: RoleSchema })
export const MemberChange = Type.Object({ role: RoleSchema }, strict)
