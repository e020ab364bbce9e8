import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import Type from '../lib/schema.ts'
import { isLoopback } from '../config.ts'
import type { Context } from '../context.ts'
import { AppError } from '../lib/errors.ts'
import { accountsExist } from '../server/identity/identity.service.ts'
import { baseUrl } from './request.ts'

/** Counts and times every answer. Installed on the whole server, before any route. */
export function installMetrics(app: FastifyInstance): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const durations = new Histogram({
    name: 'trainyard_http_request_duration_seconds',
    help: 'Time to answer, by route and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
    registers: [registry],
  })
  app.addHook('onResponse', async (request, reply) => {
    durations.observe(
      { method: request.method, route: request.routeOptions.url ?? 'none', status: String(reply.statusCode) },
      reply.elapsedTime / 1000,
    )
  })
  return registry
}

/** Liveness, readiness, metrics and the public description of the instance. */
export function systemRoutes(ctx: Context, version: string, registry: Registry): FastifyPluginAsyncTypebox {
  return async (app) => {
    // MLflow's client looks for this exact body at this exact place.
    app.get('/health', { config: { permission: 'public' }, schema: { hide: true } }, async (_request, reply) =>
      reply.type('text/plain').send('OK'),
    )

    app.get('/ready', { config: { permission: 'public' }, schema: { hide: true } }, async (_request, reply) => {
      try {
        await sql`SELECT 1`.execute(ctx.db)
        return reply.send({ ready: true })
      } catch (error) {
        ctx.log.error({ err: error }, 'not ready: the database does not answer')
        return reply.code(503).send({ ready: false, reason: 'The database does not answer.' })
      }
    })

    app.get('/metrics', { config: { permission: 'public' }, schema: { hide: true } }, async (request, reply) => {
      // Behind a proxy on this machine everybody comes from loopback; only the header tells.
      const proxied = request.headers['x-forwarded-for'] !== undefined || request.headers.forwarded !== undefined
      const address = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
      if ((proxied || !isLoopback(address)) && request.actor.kind === 'anonymous')
        throw new AppError('unauthenticated', 'Metrics need a token from any address but loopback.')
      return reply.type(registry.contentType).send(await registry.metrics())
    })

    app.get('/api/docs', { config: { permission: 'public' }, schema: { hide: true } }, async (_request, reply) =>
      reply.redirect(`${ctx.config.basePath}/api-reference`),
    )

    app.get(
      '/api/config/',
      {
        config: { permission: 'public' },
        schema: {
          tags: ['system'],
          summary: 'Public description of this instance',
          response: {
            200: Type.Object({
              name: Type.String(),
              version: Type.String(),
              base_path: Type.String(),
              accounts: Type.Boolean(),
              stac: Type.String(),
              openapi: Type.String(),
            }),
          },
        },
      },
      async (request) => {
        const base = baseUrl(request, ctx.config)
        return {
          name: 'Trainyard',
          version,
          base_path: ctx.config.basePath,
          accounts: await accountsExist(ctx),
          stac: `${base}/api/stac`,
          openapi: `${base}/api/v1/openapi.json`,
        }
      },
    )
  }
}
