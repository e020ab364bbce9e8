import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../../context.ts'
import { scopeOf } from '../../http/request.ts'
import Type from '../../lib/schema.ts'
import { deleteModel } from './models.service.ts'
import * as schema from './registry.schema.ts'
import { deleteVersion } from './version-changes.service.ts'

const tags = ['registry']
const MODEL = '/projects/:owner/:project/models/:name'

/** Into the recycle bin (recycling/), which gives back and deletes for ever. */
export function deletionRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.delete(
      MODEL,
      {
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Put a registered model with its versions into the recycle bin',
          params: schema.ModelParams,
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        await deleteModel(ctx, actor, project, request.params.name)
        return reply.code(204).send(null)
      },
    )

    app.delete(
      `${MODEL}/versions/:version`,
      {
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Put a version into the recycle bin; its aliases go',
          params: schema.VersionParams,
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        await deleteVersion(ctx, actor, project, request.params.name, request.params.version)
        return reply.code(204).send(null)
      },
    )
  }
}
