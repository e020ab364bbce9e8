import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AppError } from '../../../lib/errors.ts'
import type { EndpointAnswer } from '../../serving/predict.service.ts'

/** Ids of more predictions than this do not fit a header. */
const MAX_HEADER_IDS = 100

/** Bodies arrive as bytes: this door judges content types and bad JSON in its own words. */
export function takeRawBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
}

/** Which version answered, and the ids that feedback is given by. */
export function describeAnswer(reply: FastifyReply, answer: EndpointAnswer): void {
  reply.header('x-model-version', String(answer.version.version))
  if (answer.predictions.length <= MAX_HEADER_IDS)
    reply.header('x-prediction-ids', answer.predictions.map((prediction) => prediction.id).join(','))
}

/** Status and headers of an error, for both doors. */
export function errorHeaders(request: FastifyRequest, reply: FastifyReply, error: AppError): void {
  if (error.status >= 500 && error.status !== 503) request.log.error({ err: error.cause ?? error }, 'request failed')
  if (error.status === 401) reply.header('www-authenticate', 'Bearer realm="trainyard", Basic realm="trainyard"')
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds))
  reply.code(error.status)
}
