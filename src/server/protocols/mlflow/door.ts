import { isUtf8 } from 'node:buffer'
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Context } from '../../../context.ts'
import { scopeOf } from '../../../http/request.ts'
import { badRequest } from '../../../lib/errors.ts'
import { isSlug } from '../../../lib/slug.ts'
import { artifactRoutes } from './artifact-routes.ts'
import { evaluationDatasetHandlers } from './evaluation-datasets.handlers.ts'
import { LongList } from './long-list.ts'
import { otlpRoutes } from './otlp-routes.ts'
import { registryHandlers, registryRoutes } from './registry.handlers.ts'
import { JsonText, type Rpc } from './rpc.ts'
import { serverInfoRoutes } from './server-info.ts'
import { traceHandlers } from './traces.handlers.ts'
import { decodeTraceRequest, encodeTraceAnswer } from './traces.wire.ts'
import { oldTraceHandlers } from './traces-v2.handlers.ts'
import { trackingHandlers } from './tracking.handlers.ts'
import { linkRoutes, transferRoutes } from './transfer-routes.ts'
import { type OwnersRpc, webhookHandlers } from './webhooks.handlers.ts'
import { decodeRequest, encode, MlflowError, sendWireError } from './wire.ts'
import { namedWorkspace, refuseOtherWorkspace, stripWorkspacePath, workspaceRoutes } from './workspaces.ts'

/** A project's tracking URI: what users set as MLFLOW_TRACKING_URI. */
const PROJECT_PREFIX = '/mlflow/:owner/:project/tracking'

const API_ROOTS = ['/api/2.0', '/api/3.0', '/ajax-api/2.0', '/ajax-api/3.0']

/**
 * The MLflow tracking server, twice: at the root (the caller's default project, or the one of `X-MLFLOW-WORKSPACE`) and
 * at each project's tracking URI.
 */
export function mlflowDoor(ctx: Context): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', (request, _reply, done) => {
      refuseOtherWorkspace(request)
      done()
    })
    app.addHook('preHandler', (request, _reply, done) => {
      stripWorkspacePath(request)
      done()
    })
    await app.register(rpcRoutes(ctx, 'root'))
    await app.register(rpcRoutes(ctx, 'project'), { prefix: PROJECT_PREFIX })
    await app.register(artifactRoutes(ctx))
    await app.register(artifactRoutes(ctx), { prefix: PROJECT_PREFIX })
    await app.register(otlpRoutes(ctx))
    await app.register(otlpRoutes(ctx), { prefix: PROJECT_PREFIX })
    await app.register(transferRoutes(ctx))
    await app.register(transferRoutes(ctx), { prefix: PROJECT_PREFIX })
    await app.register(linkRoutes(ctx))
    await app.register(landingRoutes(ctx))
  }
}

function rpcRoutes(ctx: Context, place: 'root' | 'project'): FastifyPluginAsync {
  return async (app) => {
    app.setErrorHandler((error, request, reply) => sendWireError(error, request, reply))
    // Whatever the content type says, the body reaches decodeRequest as text: it refuses in MLflow's own words.
    app.removeAllContentTypeParsers()
    // Named as well, since what only `*` takes is looked up anew for each request.
    app.addContentTypeParser(['application/json', '*'], { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
      if (isUtf8(body)) return done(null, body.toString('utf8'))
      // Bytes that are no text would be kept as other characters than were sent.
      done(badRequest('The body is not UTF-8 text; send it as UTF-8.'))
    })
    for (const rpc of [...trackingHandlers, ...registryHandlers, ...webhookHandlers]) addRpc(app, ctx, rpc)
    for (const rpc of [...traceHandlers, ...oldTraceHandlers, ...evaluationDatasetHandlers])
      addRpc(app, ctx, rpc, TRACE_CODEC)
    registryRoutes(app, ctx)
    serverInfoRoutes(app, ctx)
    workspaceRoutes(app, ctx, place)
    for (const root of API_ROOTS) {
      app.all(
        `${root}/mlflow/*`,
        { config: { permission: 'read', door: true, runToken: true }, schema: { hide: true } },
        async (request) => {
          throw new MlflowError(
            404,
            'ENDPOINT_NOT_FOUND',
            `There is no endpoint ${request.method} ${request.url.split('?')[0]?.slice(0, 200)} here.`,
          )
        },
      )
    }
  }
}

type Codec = { decode: (request: FastifyRequest) => Record<string, unknown>; encode: (answer: object) => string }
const MESSAGE_CODEC: Codec = { decode: decodeRequest, encode }
/** Messages with maps and free JSON in them. */
const TRACE_CODEC: Codec = { decode: decodeTraceRequest, encode: encodeTraceAnswer }

function addRpc(app: FastifyInstance, ctx: Context, rpc: Rpc | OwnersRpc, codec: Codec = MESSAGE_CODEC): void {
  const version = rpc.version ?? '2.0'
  const roots = rpc.ajaxOnly === true ? [`/ajax-api/${version}`] : [`/api/${version}`, `/ajax-api/${version}`]
  for (const root of roots) {
    app.route({
      method: rpc.methods,
      url: `${root}/mlflow${rpc.path}`,
      config: { permission: rpc.permission, door: true, runToken: rpc.runToken ?? rpc.permission === 'read' },
      schema: { hide: true },
      handler: async (request, reply) => {
        const { actor, project } = scopeOf(request)
        const answer = await rpc.handle({
          ctx,
          actor,
          project,
          workspace: namedWorkspace(request, project),
          message: codec.decode(request),
          params: request.params as Record<string, string>,
        })
        reply.type('application/json')
        if (answer instanceof LongList) return reply.send(Readable.from(answer.text()))
        return reply.send(answer instanceof JsonText ? answer.text : codec.encode(answer))
      },
    })
  }
}

/**
 * What a person finds who opens a tracking URI, or the link that the client prints
 * (`<tracking uri>/#/experiments/1/runs/<id>`): our page. The browser keeps the fragment over the redirect.
 */
function landingRoutes(ctx: Context): FastifyPluginAsync {
  return async (app) => {
    app.setErrorHandler((error, request, reply) => sendWireError(error, request, reply))
    const options = { config: { permission: 'public' as const, door: true }, schema: { hide: true } }
    app.get<{ Params: { owner: string; project: string } }>(PROJECT_PREFIX, options, async (request, reply) => {
      const { owner, project } = request.params
      if (!(request.headers.accept ?? '').includes('text/html') || !isSlug(owner) || !isSlug(project)) {
        throw new MlflowError(
          404,
          'ENDPOINT_NOT_FOUND',
          'This is the tracking URI of a project: set it as MLFLOW_TRACKING_URI, or open it in a browser.',
        )
      }
      return reply.redirect(`${ctx.config.basePath}/${owner}/${project}/runs`, 302)
    })
    app.get(`${PROJECT_PREFIX}/health`, options, async (_request, reply) => reply.type('text/plain').send('OK'))
  }
}
