import { ROLES, TOKEN_SCOPES, VISIBILITIES } from '../../lib/actor.ts'
import Type from '../../lib/schema.ts'

const strict = { additionalProperties: false } as const

export const Name = Type.String({ minLength: 1, maxLength: 100 })
export const TokenScopeSchema = Type.Enum([...TOKEN_SCOPES])
export const RoleSchema = Type.Enum([...ROLES])
export const VisibilitySchema = Type.Enum([...VISIBILITIES])

export const Me = Type.Object({
  kind: Type.Enum(['anonymous', 'local', 'user']),
  name: Type.String(),
  is_admin: Type.Boolean(),
  scope: TokenScopeSchema,
})

export const SignIn = Type.Object({ name: Name, password: Type.String({ minLength: 1, maxLength: 1024 }) }, strict)

export const User = Type.Object({ name: Type.String(), is_admin: Type.Boolean(), created_at_ms: Type.Integer() })
export const NewUser = Type.Object(
  {
    name: Name,
    password: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    is_admin: Type.Optional(Type.Boolean()),
  },
  strict,
)

export const Token = Type.Object({
  id: Type.String(),
  name: Type.String(),
  prefix: Type.String(),
  scope: TokenScopeSchema,
  created_at_ms: Type.Integer(),
  expires_at_ms: Type.Union([Type.Integer(), Type.Null()]),
  last_used_at_ms: Type.Union([Type.Integer(), Type.Null()]),
})
export const NewTokenBody = Type.Object(
  {
    name: Name,
    scope: Type.Optional(TokenScopeSchema),
    expires_in_days: Type.Optional(Type.Integer({ minimum: 1, maximum: 3650, description: 'Omitted: never expires.' })),
  },
  strict,
)
export const MadeToken = Type.Object({
  id: Type.String(),
  token: Type.String({ description: 'Shown this once.' }),
  prefix: Type.String(),
})
