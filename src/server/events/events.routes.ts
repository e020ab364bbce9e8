import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../../context.ts'
import { scopeOf } from '../../http/request.ts'
import { openEventStream } from '../../http/sse.ts'
import Type from '../../lib/schema.ts'
import { ProjectParams } from '../projects/projects.schema.ts'
import { type EventRow, listEvents } from './events.service.ts'

const tags = ['events']

const Event = Type.Object({
  id: Type.Integer(),
  actor: Type.String(),
  verb: Type.String(),
  kind: Type.String(),
  subject: Type.String(),
  detail: Type.Record(Type.String(), Type.Unknown()),
  created_at_ms: Type.Integer(),
})

function body(row: EventRow) {
  return {
    id: row.id,
    actor: row.actor,
    verb: row.verb,
    kind: row.kind,
    subject: row.subject,
    detail: JSON.parse(row.detail) as Record<string, unknown>,
    created_at_ms: row.created_at_ms,
  }
}

export function eventsRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/projects/:owner/:project/events',
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'What happened, newest first',
          params: ProjectParams,
          querystring: Type.Object({
            before: Type.Optional(Type.Integer({ minimum: 1 })),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
          }),
          response: { 200: Type.Object({ events: Type.Array(Event) }) },
        },
      },
      async (request) => {
        const { project } = scopeOf(request)
        const rows = await listEvents(ctx, project.id, request.query.before ?? null, request.query.limit ?? 50)
        return { events: rows.map(body) }
      },
    )

    app.get(
      '/projects/:owner/:project/events/stream',
      {
        exposeHeadRoute: false,
        config: { permission: 'read' },
        schema: { tags, summary: 'The same as they happen (server-sent events)', params: ProjectParams },
      },
      async (request, reply) => {
        const { project } = scopeOf(request)
        const stream = openEventStream(request, reply)
        const unsubscribe = ctx.bus.subscribe((event) => {
          if (event.project_id === project.id && event.result === 'done')
            stream.send('event', body(event), String(event.id))
        })
        stream.onClose(unsubscribe)
        return reply
      },
    )
  }
}
