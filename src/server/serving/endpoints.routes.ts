import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import type { Context } from '../../context.ts'
import { baseUrl, scopeOf } from '../../http/request.ts'
import Type from '../../lib/schema.ts'
import { ProjectParams } from '../projects/projects.schema.ts'
import type { Project } from '../projects/projects.service.ts'
import { EndpointBody, EndpointChange, EndpointParams, NewEndpointBody } from './endpoints.schema.ts'
import {
  addEndpoint,
  changeEndpoint,
  type Endpoint,
  findEndpoint,
  listEndpoints,
  removeEndpoint,
} from './endpoints.service.ts'
import { endpointStats } from './predictions.service.ts'
import { servingState, warmUp } from './rollout.service.ts'

const tags = ['endpoints']

export function endpointsRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  async function body(request: FastifyRequest, project: Project, endpoint: Endpoint) {
    const [serving, stats] = await Promise.all([servingState(ctx, endpoint), endpointStats(ctx, endpoint)])
    return {
      name: endpoint.name,
      description: endpoint.description,
      model: endpoint.modelName,
      alias: endpoint.alias,
      version: endpoint.version,
      serving,
      created_at_ms: endpoint.createdAtMs,
      created_by: endpoint.createdBy,
      updated_at_ms: endpoint.updatedAtMs,
      url: `${baseUrl(request, ctx.config)}/endpoints/${project.owner}/${project.name}/${endpoint.name}/invocations`,
      stats: {
        predictions_total: stats.total,
        predictions_24h: stats.lastDay,
        p50_ms: stats.p50Ms,
        p99_ms: stats.p99Ms,
      },
    }
  }

  return async (app) => {
    app.get(
      '/projects/:owner/:project/endpoints',
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'List the endpoints of a project',
          params: ProjectParams,
          response: { 200: Type.Object({ endpoints: Type.Array(EndpointBody) }) },
        },
      },
      async (request) => {
        const { project } = scopeOf(request)
        const endpoints = await listEndpoints(ctx, project.id)
        return { endpoints: await Promise.all(endpoints.map((endpoint) => body(request, project, endpoint))) }
      },
    )

    app.post(
      '/projects/:owner/:project/endpoints',
      {
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Serve a model under a name',
          params: ProjectParams,
          body: NewEndpointBody,
          response: { 201: EndpointBody },
        },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        const endpoint = await addEndpoint(ctx, actor, project, request.body)
        warmUp(ctx, endpoint)
        return reply.code(201).send(await body(request, project, endpoint))
      },
    )

    app.get(
      '/projects/:owner/:project/endpoints/:endpoint',
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'One endpoint: what it serves and how fast',
          params: EndpointParams,
          response: { 200: EndpointBody },
        },
      },
      async (request) => {
        const { project } = scopeOf(request)
        return body(request, project, await findEndpoint(ctx, project.id, request.params.endpoint))
      },
    )

    app.patch(
      '/projects/:owner/:project/endpoints/:endpoint',
      {
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Serve another alias or version, or describe it',
          params: EndpointParams,
          body: EndpointChange,
          response: { 200: EndpointBody },
        },
      },
      async (request) => {
        const { actor, project } = scopeOf(request)
        return body(request, project, await changeEndpoint(ctx, actor, project, request.params.endpoint, request.body))
      },
    )

    app.delete(
      '/projects/:owner/:project/endpoints/:endpoint',
      {
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Stop serving; recorded predictions stay',
          params: EndpointParams,
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        await removeEndpoint(ctx, actor, project, request.params.endpoint)
        return reply.code(204).send(null)
      },
    )
  }
}
