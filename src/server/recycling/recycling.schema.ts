import Type from '../../lib/schema.ts'
import { ProjectParams } from '../projects/projects.schema.ts'
import { BIN_KINDS } from './kinds.ts'
import { MIN_GRACE_MS } from './reclaim.service.ts'

const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const strict = { additionalProperties: false } as const
const MAX_GRACE_MINUTES = 365 * 24 * 60

const Kind = Type.Enum([...BIN_KINDS])

export const BinParams = Type.Object({ ...ProjectParams.properties, kind: Kind, id: Type.String() })

export const BinQuery = Type.Object({
  kind: Type.Optional(Kind),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
  page_token: Type.Optional(Type.String()),
})

const item = {
  kind: Kind,
  id: Type.String(),
  name: Type.String({ description: 'As it is called; `name/3` for versions.' }),
  deleted_at_ms: Type.Integer(),
  deleted_by: nullable(Type.String({ description: 'Null when nobody noted it.' })),
  contents: Type.Integer({ description: 'Runs or versions that went with it, and come back with it.' }),
  size_bytes: Type.Integer({ description: 'What deleting it for ever frees: bytes that nothing else has.' }),
  purge_at_ms: nullable(Type.Integer({ description: 'When it is deleted for ever by itself; null: never.' })),
}

export const BinBody = Type.Object({
  items: Type.Array(Type.Object(item)),
  next_page_token: nullable(Type.String()),
})

export const BinItemBody = Type.Object({
  ...item,
  needed_by: Type.Array(Type.Object({ kind: Type.String(), name: Type.String(), why: Type.String() }), {
    description: 'What stands in the way of deleting it for ever; ten at most.',
  }),
})

export const PurgedBody = Type.Object({ freed_bytes: Type.Integer() })

export const NewReclaim = Type.Object(
  {
    dry_run: Type.Optional(Type.Boolean({ description: 'Count, and change nothing. Default: false.' })),
    grace_minutes: Type.Optional(
      Type.Integer({
        minimum: MIN_GRACE_MS / 60_000,
        maximum: MAX_GRACE_MINUTES,
        description: 'What is younger stays, whether used or not. Default: a day.',
      }),
    ),
  },
  strict,
)

const Swept = Type.Object({
  blobs: Type.Integer(),
  size_bytes: Type.Integer(),
  referenced_blobs: Type.Integer(),
  referenced_bytes: Type.Integer(),
  young_blobs: Type.Integer({ description: 'Not used, and younger than the grace time: they stay.' }),
  young_bytes: Type.Integer(),
  unreferenced_blobs: Type.Integer({ description: 'Removed; in a dry run: what would be.' }),
  unreferenced_bytes: Type.Integer(),
  missing_blobs: Type.Integer({ description: 'Used and not there.' }),
})

export const ReclaimBody = Type.Object({
  id: Type.String(),
  state: Type.Enum(['queued', 'running', 'done', 'failed']),
  dry_run: Type.Boolean(),
  asked_by: Type.String(),
  grace_ms: Type.Integer(),
  created_at_ms: Type.Integer(),
  finished_at_ms: nullable(Type.Integer()),
  error: nullable(Type.String()),
  report: nullable(
    Type.Object({
      content: Swept,
      objects: Swept,
      leftovers: Type.Integer({ description: 'Leftovers of uploads that broke off.' }),
      stale_holdings: Type.Integer({ description: 'Content that was sent to a project and never used.' }),
    }),
  ),
})

export const ReclaimParams = Type.Object({ id: Type.String() })
export const ReclaimsBody = Type.Object({ reclaims: Type.Array(ReclaimBody) })
