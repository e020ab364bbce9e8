import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { gunzip, inflate, inflateRaw } from 'node:zlib'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Context } from '../../../context.ts'
import { withRawBody } from '../../../http/raw-body.ts'
import { scopeOf } from '../../../http/request.ts'
import { AppError, badRequest } from '../../../lib/errors.ts'
import { logSpans } from '../../traces/spans.service.ts'
import { linkTracesToRun } from '../../traces/trace-changes.service.ts'
import { readJson, readProtobuf } from './otlp.ts'
import { sendWireError } from './wire.ts'

const unzip = { gzip: promisify(gunzip), deflate: promisify(inflate), raw: promisify(inflateRaw) }
/** The body of one request, packed or not; what it unpacks to has the same limit. */
const MAX_BYTES = 16 * 1024 * 1024

/** OpenTelemetry spans over HTTP (`/v1/traces`): the way of MLflow clients from 3.4 on, and of every other exporter. */
export function otlpRoutes(ctx: Context): FastifyPluginAsync {
  const limit = Math.min(MAX_BYTES, ctx.config.bodyLimitBytes)
  return async (app) => {
    app.setErrorHandler((error, request, reply) => sendWireError(error, request, reply))
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    app.post(
      '/v1/traces',
      { config: { permission: 'write', door: true, runToken: true, unpacks: true }, schema: { hide: true } },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        const experimentId = headerOf(request, 'x-mlflow-experiment-id')
        if (experimentId === undefined)
          throw badRequest('The header x-mlflow-experiment-id is missing: it names the experiment of the spans.')
        const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
        if (type !== 'application/x-protobuf' && type !== 'application/json') {
          throw badRequest(
            `Invalid Content-Type: ${(type ?? 'none').slice(0, 100)}. Expected: application/x-protobuf or application/json`,
          )
        }
        const bytes = await unpacked(await withRawBody(request, (source) => collect(source, limit)), request, limit)
        const spans = type === 'application/json' ? readJson(bytes) : await readProtobuf(bytes)
        if (spans.length === 0) throw badRequest('Invalid OpenTelemetry format - no spans found')
        const ended = await logSpans(ctx, actor, project, { experimentId, spans })
        const runId = headerOf(request, 'x-mlflow-run-id')
        if (runId !== undefined) {
          for (let at = 0; at < ended.length; at += 100)
            await linkTracesToRun(ctx, actor, project, ended.slice(at, at + 100), runId)
        }
        // An ExportTraceServiceResponse without a partial success has no bytes.
        return type === 'application/json'
          ? reply.type('application/json').send('{}')
          : reply.type('application/x-protobuf').send(Buffer.alloc(0))
      },
    )
  }
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

function tooLarge(limit: number): AppError {
  return new AppError('payload_too_large', `Spans of more than ${limit} bytes; send fewer at once.`)
}

async function collect(source: Readable, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of source) {
    size += (chunk as Buffer).length
    if (size > limit) throw tooLarge(limit)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

/** The body without its Content-Encoding; never more than the limit. @throws AppError bad_request, payload_too_large */
async function unpacked(body: Buffer, request: FastifyRequest, limit: number): Promise<Buffer> {
  const encoding = headerOf(request, 'content-encoding')?.toLowerCase() ?? 'identity'
  if (encoding === 'identity') return body
  if (encoding !== 'gzip' && encoding !== 'deflate')
    throw badRequest(`Unsupported Content-Encoding: ${encoding.slice(0, 50)}; gzip and deflate are understood.`)
  const options = { maxOutputLength: limit }
  try {
    return await unzip[encoding](body, options)
  } catch (error) {
    if (isTooLarge(error)) throw tooLarge(limit)
    if (encoding === 'deflate') {
      // Some clients send the bare stream, without zlib's header.
      const bare = await unzip.raw(body, options).catch((again: unknown) => (isTooLarge(again) ? 'large' : 'bad'))
      if (bare === 'large') throw tooLarge(limit)
      if (bare !== 'bad' && typeof bare !== 'string') return bare
    }
    throw badRequest(`The ${encoding} payload cannot be decompressed.`)
  }
}

function isTooLarge(error: unknown): boolean {
  return (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE'
}
