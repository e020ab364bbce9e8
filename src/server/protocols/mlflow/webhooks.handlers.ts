import { badRequest } from '../../../lib/errors.ts'
import { decodePageToken, encodePageToken } from '../../../lib/page-token.ts'
import {
  createWebhook,
  deleteWebhook,
  getWebhook,
  listWebhooks,
  updateWebhook,
  type Webhook,
} from '../../events/webhooks.service.ts'
import { testWebhook } from '../../events/webhooks-delivery.service.ts'
import { isWebhookEvent, WEBHOOK_EVENTS, type WebhookEvent } from '../../events/webhooks-events.ts'
import { pageSize } from './registry-models.handlers.ts'
import type { Rpc } from './rpc.ts'
import {
  type Message,
  messageList,
  optionalEnum,
  optionalInt,
  optionalMessage,
  optionalString,
  required,
  requiredString,
} from './wire.ts'

const ENTITIES = {
  REGISTERED_MODEL: 1,
  MODEL_VERSION: 2,
  MODEL_VERSION_TAG: 3,
  MODEL_VERSION_ALIAS: 4,
  PROMPT: 5,
  PROMPT_VERSION: 6,
  PROMPT_TAG: 7,
  PROMPT_VERSION_TAG: 8,
  PROMPT_ALIAS: 9,
  BUDGET_POLICY: 10,
}
const ACTIONS = { CREATED: 1, UPDATED: 2, DELETED: 3, SET: 4, EXCEEDED: 5 }
const STATUSES = { ACTIVE: 1, DISABLED: 2 }
const LIST_DEFAULT = 100
const LIST_MAX = 1000

/** An RPC that is the project's owners' alone: a webhook sends what is inside out, and its address may be a secret. */
export type OwnersRpc = Omit<Rpc, 'permission'> & { permission: 'manage' }

function webhookMessage(webhook: Webhook): object {
  return {
    webhook_id: webhook.id,
    name: webhook.name,
    description: webhook.description === '' ? null : webhook.description,
    url: webhook.url,
    events: webhook.events.map((event) => {
      const [entity, action] = event.toUpperCase().split('.')
      return { entity, action }
    }),
    status: webhook.status,
    creation_timestamp: webhook.createdAtMs,
    last_updated_timestamp: webhook.updatedAtMs,
  }
}

/** `model_version.created` of `{entity: "MODEL_VERSION", action: "CREATED"}`. @throws AppError bad_request */
function eventOf(message: Message, path: string): WebhookEvent {
  const entity = required(optionalEnum(message, 'entity', ENTITIES), `${path}.entity`).toLowerCase()
  const action = required(optionalEnum(message, 'action', ACTIONS), `${path}.action`).toLowerCase()
  const event = `${entity}.${action}`
  if (isWebhookEvent(event)) return event
  const valid = WEBHOOK_EVENTS.filter((known) => known.startsWith(`${entity}.`)).map((known) => known.split('.')[1])
  throw badRequest(
    `Invalid action '${action}' for entity '${entity}'. Valid actions are: ${JSON.stringify(valid).replaceAll('"', "'")}`,
    path,
  )
}

function eventsOf(message: Message): WebhookEvent[] {
  return messageList(message, 'events').map((event, index) => eventOf(event, `events[${index}]`))
}

/** MLflow's webhooks (contracts/mlflow.md §12), of the door's project. */
export const webhookHandlers: OwnersRpc[] = [
  {
    methods: ['POST'],
    path: '/webhooks',
    permission: 'manage',
    handle: async ({ ctx, actor, project, message }) => {
      const name = requiredString(message, 'name')
      const url = requiredString(message, 'url')
      const webhook = await createWebhook(ctx, actor, project.id, {
        name,
        url,
        events: eventsOf({ events: required(message.events, 'events') }),
        description: optionalString(message, 'description'),
        secret: optionalString(message, 'secret'),
        status: optionalEnum(message, 'status', STATUSES),
      })
      return { webhook: webhookMessage(webhook) }
    },
  },
  {
    methods: ['GET'],
    path: '/webhooks',
    permission: 'manage',
    handle: async ({ ctx, project, message }) => {
      const limit = pageSize(optionalInt(message, 'max_results') || undefined, LIST_DEFAULT, LIST_MAX)
      const offset = decodePageToken(optionalString(message, 'page_token'))
      const { webhooks, more } = await listWebhooks(ctx, project.id, limit, offset)
      return {
        webhooks: webhooks.map(webhookMessage),
        next_page_token: more ? encodePageToken(offset + limit) : null,
      }
    },
  },
  {
    methods: ['GET'],
    path: '/webhooks/:webhook_id',
    permission: 'manage',
    handle: async ({ ctx, project, params }) => ({
      webhook: webhookMessage(await getWebhook(ctx, project.id, params.webhook_id ?? '')),
    }),
  },
  {
    methods: ['PATCH'],
    path: '/webhooks/:webhook_id',
    permission: 'manage',
    handle: async ({ ctx, actor, project, message, params }) => {
      // Unset and empty mean "as it is", except for what may be emptied: description and secret.
      const events = eventsOf(message)
      const webhook = await updateWebhook(ctx, actor, project.id, params.webhook_id ?? '', {
        name: optionalString(message, 'name') || undefined,
        url: optionalString(message, 'url') || undefined,
        description: optionalString(message, 'description'),
        secret: optionalString(message, 'secret'),
        events: events.length === 0 ? undefined : events,
        status: optionalEnum(message, 'status', STATUSES),
      })
      return { webhook: webhookMessage(webhook) }
    },
  },
  {
    methods: ['DELETE'],
    path: '/webhooks/:webhook_id',
    permission: 'manage',
    handle: async ({ ctx, actor, project, params }) => {
      await deleteWebhook(ctx, actor, project.id, params.webhook_id ?? '')
      return {}
    },
  },
  {
    methods: ['POST'],
    path: '/webhooks/:webhook_id/test',
    permission: 'manage',
    handle: async ({ ctx, project, message, params }) => {
      const event = optionalMessage(message, 'event')
      const result = await testWebhook(
        ctx,
        project,
        params.webhook_id ?? '',
        event === undefined ? undefined : eventOf(event, 'event'),
      )
      return {
        result: {
          success: result.success,
          response_status: result.status,
          response_body: result.answer,
          error_message: result.error,
        },
      }
    },
  },
]
