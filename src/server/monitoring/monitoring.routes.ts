import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../../context.ts'
import { scopeOf } from '../../http/request.ts'
import Type from '../../lib/schema.ts'
import { ProjectParams } from '../projects/projects.schema.ts'
import { findEndpoint } from '../serving/endpoints.service.ts'
import { approveDecision, findDecision, listDecisions, undoDecision } from './decisions.service.ts'
import { evaluatePolicy } from './evaluation.service.ts'
import { addFeedback } from './feedback.service.ts'
import {
  DecisionAnswer,
  DecisionParams,
  DecisionsQuery,
  EndpointParams,
  FeedbackAnswer,
  FeedbackBody,
  PerformanceAnswer,
  PerformanceQuery,
  PolicyAnswer,
  PolicyBody,
} from './monitoring.schema.ts'
import { performanceOf } from './performance.service.ts'
import { getPolicy, setPolicy } from './policies.service.ts'

const tags = ['monitoring']
const ENDPOINT = '/projects/:owner/:project/endpoints/:endpoint'
const DECISIONS = '/projects/:owner/:project/decisions'

export function monitoringRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      `${ENDPOINT}/feedback`,
      {
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Say what predictions turned out to be',
          params: EndpointParams,
          body: FeedbackBody,
          response: { 200: FeedbackAnswer },
        },
      },
      async (request) => {
        const { actor, project } = scopeOf(request)
        return addFeedback(
          ctx,
          actor,
          project,
          await findEndpoint(ctx, project.id, request.params.endpoint),
          request.body.feedback,
        )
      },
    )

    app.get(
      `${ENDPOINT}/performance`,
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'How right the endpoint has been',
          params: EndpointParams,
          querystring: PerformanceQuery,
          response: { 200: PerformanceAnswer },
        },
      },
      async (request) => {
        const endpoint = await findEndpoint(ctx, scopeOf(request).project.id, request.params.endpoint)
        return performanceOf(ctx, endpoint, {
          window: request.query.window ?? 500,
          buckets: request.query.buckets ?? 30,
        })
      },
    )

    app.get(
      `${ENDPOINT}/policy`,
      {
        config: { permission: 'read' },
        schema: { tags, summary: 'The retraining policy', params: EndpointParams, response: { 200: PolicyAnswer } },
      },
      async (request) => getPolicy(ctx, await findEndpoint(ctx, scopeOf(request).project.id, request.params.endpoint)),
    )

    app.put(
      `${ENDPOINT}/policy`,
      {
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Retrain when the accuracy falls below a threshold',
          params: EndpointParams,
          body: PolicyBody,
          response: { 200: PolicyAnswer },
        },
      },
      async (request) => {
        const { actor, project } = scopeOf(request)
        return setPolicy(
          ctx,
          actor,
          project,
          await findEndpoint(ctx, project.id, request.params.endpoint),
          request.body,
        )
      },
    )

    app.post(
      `${ENDPOINT}/policy/evaluate`,
      {
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Look at the policy now',
          params: EndpointParams,
          response: {
            200: Type.Object({ evaluated: Type.Literal(true), decision_id: Type.Union([Type.String(), Type.Null()]) }),
          },
        },
      },
      async (request) => {
        const endpoint = await findEndpoint(ctx, scopeOf(request).project.id, request.params.endpoint)
        await getPolicy(ctx, endpoint)
        return { evaluated: true as const, decision_id: await evaluatePolicy(ctx, endpoint) }
      },
    )

    app.get(
      DECISIONS,
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'Decisions of policies, newest first',
          params: ProjectParams,
          querystring: DecisionsQuery,
          response: { 200: Type.Object({ decisions: Type.Array(DecisionAnswer) }) },
        },
      },
      async (request) => ({
        decisions: await listDecisions(
          ctx,
          scopeOf(request).project,
          request.query.endpoint,
          request.query.limit ?? 50,
        ),
      }),
    )

    app.get(
      `${DECISIONS}/:decision`,
      {
        config: { permission: 'read' },
        schema: { tags, summary: 'One decision', params: DecisionParams, response: { 200: DecisionAnswer } },
      },
      async (request) => findDecision(ctx, scopeOf(request).project, request.params.decision),
    )

    app.post(
      `${DECISIONS}/:decision/approve`,
      {
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Agree to a promotion that waits',
          params: DecisionParams,
          response: { 200: DecisionAnswer },
        },
      },
      async (request) => {
        const { actor, project } = scopeOf(request)
        return approveDecision(ctx, actor, project, request.params.decision)
      },
    )

    app.post(
      `${DECISIONS}/:decision/undo`,
      {
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Take a promotion back, or refuse one that waits',
          params: DecisionParams,
          response: { 200: DecisionAnswer },
        },
      },
      async (request) => {
        const { actor, project } = scopeOf(request)
        return undoDecision(ctx, actor, project, request.params.decision)
      },
    )
  }
}
