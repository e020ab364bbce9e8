import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../../context.ts'
import { scopeOf } from '../../http/request.ts'
import {
  EndpointParams,
  FormAnswer,
  PredictAnswer,
  PredictBody,
  PredictionsAnswer,
  PredictionsQuery,
} from './endpoints.schema.ts'
import { findEndpoint } from './endpoints.service.ts'
import { predictionForm } from './form.service.ts'
import { predictOnEndpoint } from './predict.service.ts'
import { listPredictions } from './predictions.service.ts'

const tags = ['endpoints']

export function predictionsRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/projects/:owner/:project/endpoints/:endpoint/form',
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'What a form must ask to predict: fields, choices, ranges, real examples',
          params: EndpointParams,
          response: { 200: FormAnswer },
        },
      },
      async (request) => {
        const { project } = scopeOf(request)
        return predictionForm(ctx, await findEndpoint(ctx, project.id, request.params.endpoint))
      },
    )

    // Predicting writes its record, but it is use, not change: who may look at a project may ask its models.
    app.post(
      '/projects/:owner/:project/endpoints/:endpoint/predict',
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'Predict rows',
          params: EndpointParams,
          body: PredictBody,
          response: { 200: PredictAnswer },
        },
      },
      async (request) => {
        const { project } = scopeOf(request)
        const endpoint = await findEndpoint(ctx, project.id, request.params.endpoint)
        const answer = await predictOnEndpoint(ctx, endpoint, { rows: request.body.rows, requestId: request.id })
        return {
          version: answer.version.version,
          runtime: answer.runtime,
          latency_ms: answer.latencyMs,
          predictions: answer.predictions,
        }
      },
    )

    app.get(
      '/projects/:owner/:project/endpoints/:endpoint/predictions',
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'Recorded predictions with their feedback, newest first',
          params: EndpointParams,
          querystring: PredictionsQuery,
          response: { 200: PredictionsAnswer },
        },
      },
      async (request) => {
        const { project } = scopeOf(request)
        const endpoint = await findEndpoint(ctx, project.id, request.params.endpoint)
        const page = await listPredictions(ctx, endpoint, request.query.before ?? null, request.query.limit ?? 50)
        return {
          predictions: page.predictions.map((row) => ({
            id: row.id,
            version: row.version,
            inputs: row.inputs,
            value: row.value,
            scores: row.scores,
            latency_ms: row.latencyMs,
            created_at_ms: row.createdAtMs,
            feedback:
              row.feedback === null
                ? null
                : { truth: row.feedback.truth, correct: row.feedback.correct, created_at_ms: row.feedback.createdAtMs },
          })),
          next_before: page.nextBefore,
        }
      },
    )
  }
}
