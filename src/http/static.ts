import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { AppError, notFound } from '../lib/errors.ts'
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

/** The kinds of files that the build makes. */
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
}

/** The built web UI: hashed files under /assets for ever, and index.html for every page URL. */
export async function installWebUi(app: FastifyInstance, basePath: string): Promise<void> {
  const root = join(PACKAGE_ROOT, 'dist', 'web')
  const index = join(root, 'index.html')
  installAssets(app, join(root, 'assets'))
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

/** Only the names that the folder holds are answered: nothing of a request becomes a path. */
function installAssets(app: FastifyInstance, folder: string): void {
  if (!existsSync(folder)) return
  const files = new Map(
    readdirSync(folder).map((name) => {
      const path = join(folder, name)
      return [name, { path, type: TYPES[extname(name)] ?? 'application/octet-stream', bytes: statSync(path).size }]
    }),
  )
  app.get<{ Params: { '*': string } }>(
    '/assets/*',
    { config: { permission: 'public' }, schema: { hide: true } },
    async (request, reply) => {
      const file = files.get(request.params['*'])
      if (file === undefined) throw notFound('There is no such file of the web UI; reload the page.')
      reply
        .type(file.type)
        .header('content-length', file.bytes)
        // The name holds a hash of the content.
        .header('cache-control', 'public, max-age=31536000, immutable')
      return reply.send(request.method === 'HEAD' ? Readable.from([]) : createReadStream(file.path))
    },
  )
}
