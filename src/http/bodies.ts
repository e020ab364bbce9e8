import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AppError, badRequest, notFound } from '../lib/errors.ts'
import { parseJsonBody, textProblem } from '../lib/json-text.ts'

/** A client that sends nothing of a body for so long is gone. It may take any time as a whole: uploads are large. */
const BODY_SILENCE_MS = 60_000

/** How every request is taken in: JSON by the one parser of the house, no text that cannot be stored, no waiting for ever. */
export function installBodies(app: FastifyInstance): void {
  // A form or a plain text may be sent by any page of the web without asking: neither is read.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    try {
      done(null, body.length === 0 ? undefined : parseJsonBody(body))
    } catch (error) {
      done(error as Error)
    }
  })
  app.addHook('onRequest', (request, _reply, done) => {
    checkEncoding(request)
    checkUrlTexts(request)
    limitSilence(request)
    done()
  })
}

/** A compressed body would be stored, or read, as something else than it is. */
function checkEncoding(request: FastifyRequest): void {
  const encoding = request.headers['content-encoding']
  if (encoding === undefined || encoding === '' || encoding.toLowerCase() === 'identity') return
  if (request.routeOptions.config.unpacks === true) return
  throw new AppError(
    'unsupported_media_type',
    `Content-Encoding "${encoding.slice(0, 50)}" is not supported; send the body as it is.`,
  )
}

function checkUrlTexts(request: FastifyRequest): void {
  // `//` in a path: the router takes the nothing between for a name, and a link made of it could lead to another site.
  const params = (request.params ?? {}) as Record<string, unknown>
  for (const name in params)
    if (params[name] === '' && name !== '*')
      throw notFound('There is nothing at this URL: a part of its path is empty.')
  for (const where of ['params', 'query'] as const) {
    const values = (request[where] ?? {}) as Record<string, unknown>
    for (const name in values) {
      for (const text of [name, ...[values[name]].flat()]) {
        const problem = typeof text === 'string' ? textProblem(text) : null
        if (problem !== null) {
          const field = `${where === 'query' ? 'querystring' : where}.${name.replaceAll('\0', '').toWellFormed().slice(0, 100)}`
          throw badRequest(`${field} ${problem}.`, field)
        }
      }
    }
  }
}

function limitSilence(request: FastifyRequest): void {
  const { raw } = request
  const { 'content-length': length, 'transfer-encoding': transfer } = request.headers
  if (transfer === undefined && (length === undefined || length === '0')) return
  // Most bodies come with their head, and are complete when the parser has seen what came.
  process.nextTick(() => {
    if (raw.complete) return
    const { socket } = raw
    // Nobody listens to the request's `timeout` event, so Node closes the connection.
    socket.setTimeout(BODY_SILENCE_MS)
    raw.once('end', () => socket.setTimeout(0))
  })
}
