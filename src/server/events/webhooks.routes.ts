import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../../context.ts'
import { scopeOf } from '../../http/request.ts'
import Type from '../../lib/schema.ts'
import { ProjectParams } from '../projects/projects.schema.ts'
import {
  DeliveryBody,
  DeliveryParams,
  NewWebhook,
  WebhookBody,
  WebhookChange,
  WebhookParams,
  WebhookTest,
  WebhookTestResult,
} from './webhooks.schema.ts'
import {
  createWebhook,
  deleteWebhook,
  getWebhook,
  listWebhooks,
  updateWebhook,
  type Webhook,
} from './webhooks.service.ts'
import { type Delivery, listDeliveries, redeliver, testWebhook } from './webhooks-delivery.service.ts'

const tags = ['webhooks']
/** All of a project's: there are at most 50. */
const ALL = 1_000

function body(webhook: Webhook) {
  return {
    id: webhook.id,
    name: webhook.name,
    description: webhook.description,
    url: webhook.url,
    events: webhook.events,
    status: webhook.status,
    status_reason: webhook.statusReason,
    signed: webhook.isSigned,
    failed_in_a_row: webhook.failedInARow,
    created_by: webhook.createdBy,
    created_at_ms: webhook.createdAtMs,
    updated_at_ms: webhook.updatedAtMs,
  }
}

function deliveryBody({ webhook_id: _, ...delivery }: Delivery) {
  return delivery
}

/** A project's webhooks. All of it is the owners': an address may itself be a secret. */
export function webhooksRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const config = { permission: 'manage' as const }
  return async (app) => {
    app.get(
      '/projects/:owner/:project/webhooks',
      {
        config,
        schema: {
          tags,
          summary: 'List webhooks, newest first',
          params: ProjectParams,
          response: { 200: Type.Object({ webhooks: Type.Array(WebhookBody) }) },
        },
      },
      async (request) => {
        const { webhooks } = await listWebhooks(ctx, scopeOf(request).project.id, ALL, 0)
        return { webhooks: webhooks.map(body) }
      },
    )

    app.post(
      '/projects/:owner/:project/webhooks',
      {
        config,
        schema: {
          tags,
          summary: 'Tell an address of changes in the registry',
          params: ProjectParams,
          body: NewWebhook,
          response: { 201: WebhookBody },
        },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        return reply.code(201).send(body(await createWebhook(ctx, actor, project.id, request.body)))
      },
    )

    app.get(
      '/projects/:owner/:project/webhooks/:webhook',
      { config, schema: { tags, summary: 'One webhook', params: WebhookParams, response: { 200: WebhookBody } } },
      async (request) => body(await getWebhook(ctx, scopeOf(request).project.id, request.params.webhook)),
    )

    app.patch(
      '/projects/:owner/:project/webhooks/:webhook',
      {
        config,
        schema: {
          tags,
          summary: 'Change a webhook, disable it, make it active again',
          params: WebhookParams,
          body: WebhookChange,
          response: { 200: WebhookBody },
        },
      },
      async (request) => {
        const { actor, project } = scopeOf(request)
        return body(await updateWebhook(ctx, actor, project.id, request.params.webhook, request.body))
      },
    )

    app.delete(
      '/projects/:owner/:project/webhooks/:webhook',
      {
        config,
        schema: { tags, summary: 'Delete a webhook', params: WebhookParams, response: { 204: Type.Null() } },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        await deleteWebhook(ctx, actor, project.id, request.params.webhook)
        return reply.code(204).send(null)
      },
    )

    app.post(
      '/projects/:owner/:project/webhooks/:webhook/test',
      {
        config,
        schema: {
          tags,
          summary: 'Send an example now, and tell what came back',
          params: WebhookParams,
          body: WebhookTest,
          response: { 200: WebhookTestResult },
        },
      },
      async (request) => {
        const { project } = scopeOf(request)
        const result = await testWebhook(ctx, project, request.params.webhook, request.body.event)
        return {
          success: result.success,
          response_status: result.status,
          response_body: result.answer,
          error: result.error,
        }
      },
    )

    app.get(
      '/projects/:owner/:project/webhooks/:webhook/deliveries',
      {
        config,
        schema: {
          tags,
          summary: 'The last deliveries and what became of them, newest first',
          params: WebhookParams,
          querystring: Type.Object({ limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })) }),
          response: { 200: Type.Object({ deliveries: Type.Array(DeliveryBody) }) },
        },
      },
      async (request) => {
        const { project } = scopeOf(request)
        const limit = request.query.limit ?? 20
        const deliveries = await listDeliveries(ctx, project.id, request.params.webhook, limit)
        return { deliveries: deliveries.map(deliveryBody) }
      },
    )

    app.post(
      '/projects/:owner/:project/webhooks/:webhook/deliveries/:delivery/redeliver',
      {
        config,
        schema: {
          tags,
          summary: 'Send a delivery once more, under the same id',
          params: DeliveryParams,
          response: { 202: DeliveryBody },
        },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        const { webhook, delivery } = request.params
        return reply.code(202).send(deliveryBody(await redeliver(ctx, actor, project.id, webhook, delivery)))
      },
    )
  }
}
