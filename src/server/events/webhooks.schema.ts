import Type from '../../lib/schema.ts'
import { ProjectParams } from '../projects/projects.schema.ts'
import { WEBHOOK_EVENTS } from './webhooks-events.ts'

const strict = { additionalProperties: false } as const

const EventName = Type.Enum(WEBHOOK_EVENTS, { description: 'In MLflow’s words: `entity.action`.' })
const Status = Type.Enum(['ACTIVE', 'DISABLED'])
const Nullable = <T extends Type.TSchema>(type: T) => Type.Union([type, Type.Null()])

export const WebhookParams = Type.Object({ ...ProjectParams.properties, webhook: Type.String() })
export const DeliveryParams = Type.Object({ ...WebhookParams.properties, delivery: Type.String() })

export const WebhookBody = Type.Object({
  id: Type.String(),
  name: Type.String(),
  description: Type.String(),
  url: Type.String(),
  events: Type.Array(EventName),
  status: Status,
  status_reason: Nullable(Type.String({ description: 'Why the server disabled it by itself.' })),
  signed: Type.Boolean({ description: 'It has a secret, which is never given back.' }),
  failed_in_a_row: Type.Integer({ description: 'Attempts that failed since the last one that did not.' }),
  created_by: Type.String(),
  created_at_ms: Type.Integer(),
  updated_at_ms: Type.Integer(),
})

const fields = {
  name: Type.String({ description: 'Lower-case letters, digits, dots, underscores and hyphens.' }),
  url: Type.String({ description: 'https and a public address, unless the administrator allowed the host.' }),
  events: Type.Array(EventName, { minItems: 1, maxItems: 100 }),
}
const optional = {
  description: Type.Optional(Type.String()),
  secret: Type.Optional(Type.String({ description: 'Signs the deliveries (HMAC-SHA256); empty: none.' })),
  status: Type.Optional(Status),
}

export const NewWebhook = Type.Object({ ...fields, ...optional }, strict)
export const WebhookChange = Type.Object(
  {
    name: Type.Optional(fields.name),
    url: Type.Optional(fields.url),
    events: Type.Optional(fields.events),
    ...optional,
  },
  { ...strict, minProperties: 1 },
)

export const WebhookTest = Type.Object({ event: Type.Optional(EventName) }, strict)
export const WebhookTestResult = Type.Object({
  success: Type.Boolean(),
  response_status: Nullable(Type.Integer()),
  response_body: Nullable(Type.String({ description: 'At most 16 KiB of it.' })),
  error: Nullable(Type.String()),
})

export const DeliveryBody = Type.Object({
  id: Type.String({ description: 'The X-MLflow-Delivery-Id of every attempt.' }),
  event: Type.String(),
  state: Type.Enum(['waiting', 'delivered', 'failed']),
  attempts: Type.Integer(),
  created_at_ms: Type.Integer(),
  attempted_at_ms: Nullable(Type.Integer()),
  next_attempt_at_ms: Nullable(Type.Integer()),
  response_status: Nullable(Type.Integer()),
  error: Nullable(Type.String()),
  duration_ms: Nullable(Type.Integer()),
  payload: Type.String({ description: 'The JSON text that is sent.' }),
})
