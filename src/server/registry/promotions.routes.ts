import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../../context.ts'
import { scopeOf } from '../../http/request.ts'
import { copyVersion } from './copies.service.ts'
import { promotionsOf } from './history.service.ts'
import * as schema from './registry.schema.ts'
import { historyBody, versionBody } from './registry-bodies.ts'
import { versionDetail } from './version-view.service.ts'

const tags = ['registry']
const MODEL = '/projects/:owner/:project/models/:name'

/** How versions go on: into other projects, and from stage to stage. */
export function promotionRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      `${MODEL}/history`,
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'Who moved which alias or stage when and why, newest first',
          params: schema.ModelParams,
          querystring: schema.HistoryQuery,
          response: { 200: schema.HistoryBody },
        },
      },
      async (request) => {
        const { before = null, limit } = request.query
        const { name } = request.params
        return historyBody(await promotionsOf(ctx, scopeOf(request).project.id, name, { before, limit }))
      },
    )

    app.post(
      `${MODEL}/copies`,
      {
        // A person's: a job has nothing to do in two projects.
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Copy a version of any project that you may read into this model; makes the model when absent',
          params: schema.ModelParams,
          body: schema.CopyBody,
          response: { 201: schema.VersionBody },
        },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        const copy = await copyVersion(ctx, actor, project, request.params.name, request.body)
        return reply.code(201).send(versionBody(await versionDetail(ctx, actor, copy)))
      },
    )
  }
}
