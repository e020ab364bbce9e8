import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { troubleOf } from '../db/dialect.ts'
import { AppError, ERROR_STATUS, type ErrorCode } from '../lib/errors.ts'
import Type from '../lib/schema.ts'
import { validationError } from './validation.ts'

/** The body of every error of our API. */
export const ErrorBody = Type.Object(
  {
    error: Type.Object({
      code: Type.String({ description: 'Stable name of the kind of error.' }),
      message: Type.String({ description: 'What happened, why, and what to do next.' }),
      field: Type.Optional(Type.String({ description: 'The input field at fault.' })),
      request_id: Type.String({ description: 'Quote it when asking for help; the log has it.' }),
    }),
  },
  { $id: 'Error' },
)

const CODE_BY_STATUS = new Map(
  Object.entries(ERROR_STATUS).map(([code, status]) => [status as number, code as ErrorCode]),
)

/** A disk is freed by a person, a database comes back by itself. */
const FREED_IN_SECONDS = 60
const BACK_IN_SECONDS = 2

/** What Fastify says in words that do not help. */
const PLAIN_WORDS: Record<string, { code: ErrorCode; message: string }> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'unsupported_media_type',
    message:
      'This Content-Type is not read here: send JSON as application/json, and files as application/octet-stream.',
  },
  FST_ERR_CTP_BODY_TOO_LARGE: {
    code: 'payload_too_large',
    message:
      'The body is larger than is read at once here. Upload large content as files, and send rows in several requests.',
  },
  FST_ERR_BAD_URL: {
    code: 'bad_request',
    message: 'The URL is not valid: a "%" in it is followed by no code of a character.',
  },
  FST_ERR_MAX_PARAM_LENGTH: { code: 'bad_request', message: 'The URL is not valid: a part of its path is too long.' },
}

/**
 * Turns whatever was thrown into one of our errors: Fastify's own (bad JSON, too large, schema), the disk's, ours. What is
 * left is a bug: logged whole, answered without a word of it.
 */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  const known = error as Partial<FastifyError> & { code?: string }
  const trouble = troubleOf(error)
  if (trouble === 'full' || known.code === 'ENOSPC' || known.code === 'EDQUOT') {
    return new AppError(
      'storage_full',
      'The server has no disk space left; nothing of this request was kept. Tell its administrator, and send it again when there is space.',
      { retryAfterSeconds: FREED_IN_SECONDS, cause: error },
    )
  }
  if (trouble !== null) {
    return new AppError(
      'unavailable',
      trouble === 'busy'
        ? 'The database is busy with another change; nothing of this request was kept. Send it again.'
        : 'The server cannot reach its database just now. Send the request again in a moment.',
      { retryAfterSeconds: BACK_IN_SECONDS, cause: error },
    )
  }
  // Deleted by somebody else between the look and the write: nothing was written.
  if (known.code === '23503' || /FOREIGN KEY constraint failed/.test(String(known.message))) {
    return new AppError('not_found', 'What this belongs to was deleted meanwhile; nothing of this request was kept.', {
      cause: error,
    })
  }
  if (known.validation !== undefined) return validationError(known as FastifyError)
  const plain = known.code === undefined ? undefined : PLAIN_WORDS[known.code]
  if (plain !== undefined) return new AppError(plain.code, plain.message, { cause: error })
  if (typeof known.statusCode === 'number' && known.statusCode >= 400 && known.statusCode < 500) {
    return new AppError(CODE_BY_STATUS.get(known.statusCode) ?? 'bad_request', known.message ?? 'Bad request.', {
      cause: error,
    })
  }
  return new AppError('internal', 'Something went wrong in the server; it is logged under this request id.', {
    cause: error,
  })
}

/**
 * What the log says of a failed request: a bug with all that is known of it, in a line what passes by itself or what an
 * administrator sees elsewhere (a full disk, a database that is away, an engine that did not answer). Mistakes of the client: nothing.
 */
export function logFailure(request: FastifyRequest, known: AppError, error: unknown): void {
  const cause = known.cause ?? error
  if (known.code === 'internal') request.log.error({ err: cause }, 'request failed')
  else if (known.status >= 500) {
    const why = cause instanceof Error ? cause.message : String(cause)
    request.log.warn({ status: known.status, why }, 'request could not be served')
  }
}

export function installErrorHandler(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const known = toAppError(error)
    logFailure(request, known, error)
    return sendError(request, reply, known)
  })
}

/** A URL that the router refuses before any route, hook or header of ours: not decodable, or a parameter too long. */
export function sendFrameworkError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  void sendError(request, reply, toAppError(error))
}

/** What is no HTTP request at all, or one with too large a head: there is neither request nor reply for it. */
export function answerNoRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW'
  const message = tooLarge ? 'The URL and the headers together are too large.' : 'This is not a valid HTTP request.'
  const body = JSON.stringify({ error: { code: 'bad_request', message, request_id: '' } })
  const status = tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request'
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  )
}

export function sendError(request: FastifyRequest, reply: FastifyReply, error: AppError): FastifyReply {
  // A browser would open its own password window for Basic, over the page that asks already.
  const inPage = request.headers['sec-fetch-mode'] !== undefined && request.headers['sec-fetch-mode'] !== 'navigate'
  if (error.status === 401)
    reply.header('www-authenticate', `Bearer realm="trainyard"${inPage ? '' : ', Basic realm="trainyard"'}`)
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds))
  return reply
    .code(error.status)
    .type('application/json; charset=utf-8')
    .send({
      error: {
        code: error.code,
        message: error.message,
        ...(error.field === undefined ? {} : { field: error.field }),
        request_id: request.id,
      },
    })
}
