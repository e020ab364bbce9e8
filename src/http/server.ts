import cookie from '@fastify/cookie'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { Context } from '../context.ts'
import { newId } from '../lib/ids.ts'
import { installBodies } from './bodies.ts'
import { createCompilers } from './compilers.ts'
import { installDraining } from './draining.ts'
import { answerNoRequest, installErrorHandler, sendFrameworkError } from './errors.ts'
import { installGuard } from './guard.ts'
import { installHeaders } from './headers.ts'
import { installOpenApi } from './openapi.ts'
import { installRefusals } from './refusals.ts'

export type App = FastifyInstance

/** A Fastify instance with the house's habits: strict bodies, one guard, one error table, OpenAPI, base path. */
export async function createServer(ctx: Context, version: string): Promise<App> {
  const { config } = ctx
  const compilers = createCompilers()
  const app = Fastify({
    loggerInstance: ctx.log as unknown as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIds(),
    requestIdHeader: false,
    bodyLimit: config.bodyLimitBytes,
    trustProxy: config.publicUrl !== '' || config.basePath !== '' ? 'loopback, linklocal, uniquelocal' : false,
    connectionTimeout: 0,
    requestTimeout: 0,
    keepAliveTimeout: 75_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false, // draining.ts says it better
    routerOptions: { maxParamLength: 2048, ignoreTrailingSlash: true },
    rewriteUrl: (request) => withoutBase(request.url ?? '/', config.basePath),
    http: { headersTimeout: 30_000 },
    schemaController: { compilersFactory: compilers.factory },
    frameworkErrors: sendFrameworkError,
    clientErrorHandler: answerNoRequest,
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.decorate('compileSchemas', compilers.compileAll)
  installErrorHandler(app)
  installDraining(app)
  await app.register(cookie)
  installBodies(app)
  installGuard(app, ctx)
  installOpenApi(app, version)
  installHeaders(app)
  installRefusals(app, ctx)
  app.addHook('onResponse', (request, reply, done) => {
    request.log.info(
      {
        method: request.method,
        url: request.url.split('?')[0],
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        actor: request.actor?.name,
      },
      'request',
    )
    done()
  })
  return app as unknown as App
}

/** Names of requests: a random beginning for this process, then a count, so that each needs nothing drawn. */
function requestIds(): () => string {
  const beginning = newId().slice(-20)
  let count = 0
  return () => beginning + (++count).toString(16).padStart(12, '0')
}

function withoutBase(url: string, base: string): string {
  if (base === '') return url
  if (url === base) return '/'
  return url.startsWith(`${base}/`) || url.startsWith(`${base}?`) ? url.slice(base.length) : url
}
