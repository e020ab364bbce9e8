import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { sql } from 'kysely'
import { isLoopback } from '../config.ts'
import type { Context } from '../context.ts'
import { AppError } from '../lib/errors.ts'
import Type from '../lib/schema.ts'
import { accountsExist } from '../server/identity/identity.service.ts'
import type { Metrics } from './metrics.ts'
import { baseUrl } from './request.ts'

/** Liveness, readiness, metrics and the public description of the instance. */
export function systemRoutes(ctx: Context, version: string, metrics: Metrics): FastifyPluginAsyncTypebox {
  return async (app) => {
    const probe = { config: { permission: 'public' as const, probe: true }, schema: { hide: true } }
    // MLflow's client looks for this exact body at this exact place.
    app.get('/health', probe, async (_request, reply) => reply.type('text/plain').send('OK'))

    app.get('/ready', probe, async (_request, reply) => {
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
      const { contentType, text } = await metrics.render()
      return reply.type(contentType).send(text)
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
