import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../../context.ts'
import { scopeOf } from '../../http/request.ts'
import { ProjectParams } from '../projects/projects.schema.ts'
import type { Keys } from './run-columns.reads.ts'
import * as schema from './run-columns.schema.ts'
import { countRuns, runColumns } from './run-columns.service.ts'
import { VIEWS } from './tracking.schema.ts'

const tags = ['tracking']
const base = '/projects/:owner/:project/runs'

const keysBody = ({ keys, isMore }: Keys) => ({ keys, is_more: isMore })

/** What a table of runs needs to know of those it has not loaded. */
export function runColumnsRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      `${base}/columns`,
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'The names of metrics, params and tags that runs have',
          params: ProjectParams,
          querystring: schema.ColumnsQuery,
          response: { 200: schema.ColumnsBody },
        },
      },
      async (request) => {
        const { experiment_id, search } = request.query
        const { project } = scopeOf(request)
        const { metric, param, tag } = await runColumns(ctx, project.id, experiment_id || undefined, search ?? '')
        return { metrics: keysBody(metric), params: keysBody(param), tags: keysBody(tag) }
      },
    )

    app.get(
      `${base}/count`,
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'How many runs a search finds',
          params: ProjectParams,
          querystring: schema.CountQuery,
          response: { 200: schema.CountBody },
        },
      },
      async (request) => {
        const { experiment_id, filter, view } = request.query
        const { count, isMore } = await countRuns(ctx, scopeOf(request).project.id, {
          experimentIds: experiment_id === undefined || experiment_id === '' ? undefined : [experiment_id],
          filter,
          view: VIEWS[view ?? 'active'],
        })
        return { count, is_more: isMore }
      },
    )
  }
}
