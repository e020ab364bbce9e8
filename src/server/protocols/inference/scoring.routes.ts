import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../../../context.ts'
import { toAppError } from '../../../http/errors.ts'
import { scopeOf } from '../../../http/request.ts'
import type { AppError, ErrorCode } from '../../../lib/errors.ts'
import { EndpointParams } from '../../serving/endpoints.schema.ts'
import { findEndpoint } from '../../serving/endpoints.service.ts'
import { predictOnEndpoint } from '../../serving/predict.service.ts'
import { servingState } from '../../serving/rollout.service.ts'
import { MLFLOW_VERSION } from '../mlflow/server-info.ts'
import { describeAnswer, errorHeaders, takeRawBodies } from './answers.ts'
import { mediaType, scoringRows } from './scoring-input.ts'

const ERROR_CODES: Partial<Record<ErrorCode, string>> = {
  bad_request: 'INVALID_PARAMETER_VALUE',
  unprocessable: 'INVALID_PARAMETER_VALUE',
  payload_too_large: 'BAD_REQUEST',
  unauthenticated: 'UNAUTHENTICATED',
  forbidden: 'PERMISSION_DENIED',
  not_found: 'RESOURCE_DOES_NOT_EXIST',
  too_many_requests: 'REQUEST_LIMIT_EXCEEDED',
  unavailable: 'TEMPORARILY_UNAVAILABLE',
  timeout: 'DEADLINE_EXCEEDED',
}

const door = { permission: 'read', door: true } as const
const tags = ['inference']

/** MLflow's scoring protocol, as `mlflow models serve` speaks it. Registered under `/endpoints/:owner/:project/:endpoint`. */
export function scoringRoutes(ctx: Context): FastifyPluginAsync {
  return async (app) => {
    takeRawBodies(app)
    app.setErrorHandler((error, request, reply) => sendScoringError(request, reply, toAppError(error)))

    app.post<{ Params: { endpoint: string }; Body: Buffer | undefined }>(
      '/invocations',
      {
        config: door,
        schema: {
          tags,
          summary: 'MLflow scoring: dataframe_split, dataframe_records, instances, inputs, or text/csv',
          params: EndpointParams,
        },
      },
      async (request, reply) => {
        const { project } = scopeOf(request)
        const contentType = request.headers['content-type']
        mediaType(contentType)
        const endpoint = await findEndpoint(ctx, project.id, request.params.endpoint)
        const answer = await predictOnEndpoint(ctx, endpoint, {
          rows: (signature) => scoringRows(contentType, request.body ?? Buffer.alloc(0), signature),
          requestId: request.id,
        })
        describeAnswer(reply, answer)
        return { predictions: answer.predictions.map((prediction) => prediction.value) }
      },
    )

    app.get(
      '/invocations',
      { config: door, schema: { tags, summary: 'Not a GET', params: EndpointParams } },
      async (_request, reply) => reply.code(405).header('allow', 'POST').send({ detail: 'Method Not Allowed' }),
    )

    for (const path of ['/ping', '/health']) {
      app.get<{ Params: { endpoint: string } }>(
        path,
        { config: door, schema: { tags, summary: '200 while a version answers', params: EndpointParams } },
        async (request, reply) => {
          const endpoint = await findEndpoint(ctx, scopeOf(request).project.id, request.params.endpoint)
          const { version } = await servingState(ctx, endpoint)
          return reply
            .code(version === null ? 503 : 200)
            .type('application/json')
            .send('\n')
        },
      )
    }

    app.get(
      '/version',
      { config: door, schema: { tags, summary: 'The MLflow version this door speaks like', params: EndpointParams } },
      async (_request, reply) => reply.type('application/json').send(MLFLOW_VERSION),
    )
  }
}

function sendScoringError(request: FastifyRequest, reply: FastifyReply, error: AppError): FastifyReply {
  errorHeaders(request, reply, error)
  if (error.status === 415) return reply.type('text/plain; charset=utf-8').send(error.message)
  return reply
    .type('application/json; charset=utf-8')
    .send({ error_code: ERROR_CODES[error.code] ?? 'INTERNAL_ERROR', message: error.message })
}
