import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { badRequest } from '../lib/errors.ts'

/** How long the rest of a refused upload is taken in, for nothing. */
const DISCARD_MS = 10_000

/**
 * Lets the routes of this plugin take `application/octet-stream` bodies as streams, unread and without the limit of JSON
 * bodies: whoever stores the stream has a limit of its own. Call it inside a plugin of its own (`app.register`).
 */
export function acceptRawBodies(app: FastifyInstance): void {
  // Else a body sent as JSON would be parsed and then taken for an empty upload; now it is 415.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload))
}

/** For `schema.body` of such a route: says the content type and checks nothing, since nothing was read yet. */
export const RAW_BODY = { content: { 'application/octet-stream': { schema: {} } } } as const

/** How long the sender says the body is; undefined for a chunked one, which says nothing. */
export function announcedLength(request: FastifyRequest): number | undefined {
  const { 'content-length': length, 'transfer-encoding': transfer } = request.headers
  return transfer !== undefined ? undefined : Number(length ?? 0)
}

/**
 * Hands the request's stream to `work`, which reads it by iterating. @throws AppError bad_request when the client went away
 * in the middle
 */
export async function withRawBody<T>(request: FastifyRequest, work: (source: Readable) => Promise<T>): Promise<T> {
  const { body, raw } = request
  try {
    // Fastify calls no parser for an empty body.
    return await work(body instanceof Readable ? leftOpen(body) : Readable.from([]))
  } catch (error) {
    if (raw.destroyed && !raw.complete) throw badRequest('The upload ended early; nothing was stored.')
    if (!raw.complete) discardRest(raw)
    throw error
  }
}

/** Whoever stops iterating in the middle (the disk is full) would destroy the request, as if the client had gone away. */
function leftOpen(body: Readable): Readable {
  return Object.assign(body, { [Symbol.asyncIterator]: () => body.iterator({ destroyOnReturn: false }) })
}

/**
 * Most clients read the answer when they have sent all: what is refused in the middle is read on for a while, so that they
 * get it, and so that the connection can take the next request.
 */
function discardRest(raw: IncomingMessage): void {
  const { socket } = raw
  const timer = setTimeout(() => socket.destroy(), DISCARD_MS)
  timer.unref()
  for (const over of ['end', 'close']) raw.once(over, () => clearTimeout(timer))
  raw.resume()
}
