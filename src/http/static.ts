import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { AppError } from '../lib/errors.ts'
import { PACKAGE_ROOT } from '../lib/package-root.ts'
import { sendError } from './errors.ts'

const CSP = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

/** The built web UI: hashed files under /assets for ever, and index.html for every page URL. */
export async function installWebUi(app: FastifyInstance, basePath: string): Promise<void> {
  const root = join(PACKAGE_ROOT, 'dist', 'web')
  const index = join(root, 'index.html')
  if (existsSync(join(root, 'assets'))) {
    await app.register(async (assets) => {
      assets.addHook('onRoute', (route) => {
        route.config = { ...route.config, permission: 'public' }
        route.schema = { ...route.schema, hide: true }
      })
      await assets.register(fastifyStatic, {
        root: join(root, 'assets'),
        prefix: '/assets/',
        immutable: true,
        maxAge: '365d',
      })
    })
  }
  let html: string | undefined
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '/'
    const isPage =
      (request.method === 'GET' || request.method === 'HEAD') &&
      !/^\/(api|ajax-api|assets|mlflow|hub|endpoints\/[^/]+\/[^/]+\/[^/]+\/(invocations|v2|ping))(\/|$)/.test(path)
    if (!isPage || !(request.headers.accept ?? '').includes('text/html')) {
      return sendError(
        request,
        reply,
        new AppError('not_found', `There is nothing at ${request.method} ${path.slice(0, 200)}.`),
      )
    }
    if (html === undefined) {
      if (!existsSync(index))
        return sendError(
          request,
          reply,
          new AppError('unavailable', 'The web UI is not built; run `npm run build:web`.'),
        )
      html = readFileSync(index, 'utf8').replace('<base href="/"', `<base href="${basePath}/"`)
    }
    return reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', CSP)
      .header('cache-control', 'no-cache')
      .header('x-frame-options', 'DENY')
      .send(html)
  })
}
