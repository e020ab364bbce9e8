import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../../context.ts'
import { sendJsonText } from '../../http/json-text.ts'
import { scopeOf } from '../../http/request.ts'
import { notFound } from '../../lib/errors.ts'
import Type from '../../lib/schema.ts'
import { ProjectParams } from '../projects/projects.schema.ts'
import { listExperiments } from './experiments.service.ts'
import { historyText } from './metrics/charts.reads.ts'
import { setTag } from './run-data.service.ts'
import { describeRuns, type RunView } from './run-view.service.ts'
import { childRuns, deleteRun, getRun, restoreRun, updateRun } from './runs.service.ts'
import { searchRuns } from './runs-search.service.ts'
import * as schema from './tracking.schema.ts'

const tags = ['tracking']
const base = '/projects/:owner/:project'
/** Where MLflow keeps a run's description. */
const NOTE_TAG = 'mlflow.note.content'

function runBody(run: RunView) {
  return {
    id: run.id,
    name: run.name,
    experiment_id: run.experimentId,
    experiment_name: run.experimentName,
    status: run.status,
    lifecycle: run.lifecycle,
    user_name: run.userName,
    started_at_ms: run.startedAtMs,
    ended_at_ms: run.endedAtMs,
    job_id: run.jobId,
    artifact_uri: run.artifactUri,
    parent_id: run.parentId,
    lost_since_ms: run.lostSinceMs,
    params: run.params,
    metrics: run.metrics,
    tags: run.tags,
    datasets: run.datasets,
    models: run.models,
  }
}

/** Experiments and runs of our API; clients that log use the MLflow door. */
export function trackingRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const oneRun = async (projectId: string, runId: string) => {
    const [run] = await describeRuns(ctx, projectId, [await getRun(ctx, projectId, runId)])
    if (run === undefined) throw notFound('There is no such run.')
    return run
  }

  return async (app) => {
    app.get(
      `${base}/experiments`,
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'List experiments',
          params: ProjectParams,
          response: { 200: Type.Object({ experiments: Type.Array(schema.ExperimentBody) }) },
        },
      },
      async (request) => {
        const experiments = await listExperiments(ctx, scopeOf(request).project.id)
        return {
          experiments: experiments.map((experiment) => ({
            id: experiment.id,
            name: experiment.name,
            lifecycle: experiment.lifecycle,
            run_count: experiment.runCount,
            created_at_ms: experiment.createdAtMs,
            updated_at_ms: Math.max(experiment.updatedAtMs, experiment.newestRunAtMs ?? 0),
          })),
        }
      },
    )

    app.get(
      `${base}/runs`,
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'Search runs; the newest first unless ordered',
          params: ProjectParams,
          querystring: schema.RunsQuery,
          response: { 200: schema.RunsBody },
        },
      },
      async (request) => {
        const { project } = scopeOf(request)
        const { experiment_id, filter, order_by, view, limit, page_token } = request.query
        const { runs, nextPageToken } = await searchRuns(ctx, project.id, {
          experimentIds: experiment_id === undefined || experiment_id === '' ? undefined : [experiment_id],
          filter,
          orderBy: (order_by ?? []).filter((clause) => clause !== ''),
          view: schema.VIEWS[view ?? 'active'],
          maxResults: limit ?? 50,
          pageToken: page_token,
        })
        return { runs: (await describeRuns(ctx, project.id, runs)).map(runBody), next_page_token: nextPageToken }
      },
    )

    app.get(
      `${base}/runs/:run`,
      {
        config: { permission: 'read' },
        schema: { tags, summary: 'One run', params: schema.RunParams, response: { 200: schema.RunDetailBody } },
      },
      async (request) => {
        const { project } = scopeOf(request)
        const run = await oneRun(project.id, request.params.run)
        return { ...runBody(run), children: await childRuns(ctx, project.id, run.id) }
      },
    )

    app.get(
      `${base}/runs/:run/history`,
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'The points of one metric, thinned for a chart',
          params: schema.RunParams,
          querystring: schema.HistoryQuery,
          response: { 200: schema.HistoryBody },
        },
      },
      async (request, reply) => {
        const { project } = scopeOf(request)
        const run = await getRun(ctx, project.id, request.params.run)
        const { key, max_points } = request.query
        const text = await ctx.reads.ask(ctx.db, historyText, {
          projectId: project.id,
          runId: run.id,
          key,
          maxPoints: max_points ?? 1_000,
        })
        return sendJsonText(reply, text)
      },
    )

    app.patch(
      `${base}/runs/:run`,
      {
        config: { permission: 'write', runToken: true },
        schema: {
          tags,
          summary: 'Rename or describe a run',
          params: schema.RunParams,
          body: schema.RunChangeBody,
          response: { 200: schema.RunBody },
        },
      },
      async (request) => {
        const { actor, project } = scopeOf(request)
        const { name, description } = request.body
        const runId = request.params.run
        if (name !== undefined) await updateRun(ctx, actor, project, runId, { name })
        if (description !== undefined) await setTag(ctx, actor, project, runId, { key: NOTE_TAG, value: description })
        return runBody(await oneRun(project.id, runId))
      },
    )

    for (const [verb, change] of [
      ['delete', deleteRun],
      ['restore', restoreRun],
    ] as const) {
      app.post(
        `${base}/runs/:run/${verb}`,
        {
          config: { permission: 'write', runToken: true },
          schema: {
            tags,
            summary: verb === 'delete' ? 'Delete a run; it can be restored' : 'Restore a deleted run',
            params: schema.RunParams,
            response: { 204: schema.DoneBody },
          },
        },
        async (request, reply) => {
          const { actor, project } = scopeOf(request)
          await change(ctx, actor, project, request.params.run)
          return reply.code(204).send(null)
        },
      )
    }
  }
}
