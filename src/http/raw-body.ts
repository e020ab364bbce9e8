import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { badRequest } from '../lib/errors.ts'

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
 * Hands the request's stream to `work`. @throws AppError bad_request when the client went away in the middle
 */
export async function withRawBody<T>(request: FastifyRequest, work: (source: Readable) => Promise<T>): Promise<T> {
  const { body } = request
  try {
    // Fastify calls no parser for an empty body.
    return await work(body instanceof Readable ? body : Readable.from([]))
  } catch (error) {
    if (request.raw.destroyed && !request.raw.complete) throw badRequest('The upload ended early; nothing was stored.')
    throw error
  }
}
