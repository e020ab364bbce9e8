import { once } from 'node:events'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../../context.ts'
import { scopeOf } from '../../http/request.ts'
import { openEventStream } from '../../http/sse.ts'
import Type from '../../lib/schema.ts'
import { ProjectParams } from '../projects/projects.schema.ts'
import { addCode } from './code.service.ts'
import {
  CodeBody,
  type JobAnswer,
  JobBody,
  JobParams,
  JobsQuery,
  LogsQuery,
  NewCodeBody,
  NewJobBody,
} from './jobs.schema.ts'
import { cancelJob, getJob, type Job, listJobs, retryJob, submitJob } from './jobs.service.ts'
import { followLog, jobLog } from './logs.service.ts'

const tags = ['training']

function body(job: Job): JobAnswer {
  const { train } = job.spec
  return {
    id: job.id,
    kind: job.kind,
    name: job.name,
    state: job.state,
    attempt: job.attempt,
    retry_of: job.retryOf,
    run_id: job.runId,
    dataset: job.dataset,
    parameters: train?.parameters ?? {},
    entry_point: train?.entryPoint ?? null,
    experiment: train?.experiment ?? null,
    register_as: train?.registerAs ?? null,
    executor: job.executor,
    created_by: job.createdBy,
    created_at_ms: job.createdAtMs,
    started_at_ms: job.startedAtMs,
    finished_at_ms: job.finishedAtMs,
    exit_code: job.exitCode,
    error: job.error,
    cancel_requested: job.cancelRequested,
    code_digest: job.codeDigest,
    environment: job.environment,
  }
}

export function jobsRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/projects/:owner/:project/code',
      {
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Keep a snapshot of code whose content was uploaded to …/blobs',
          params: ProjectParams,
          body: NewCodeBody,
          response: { 201: CodeBody },
        },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        const files = request.body.files.map((file) => ({
          path: file.path,
          sha256: file.sha256,
          sizeBytes: file.size_bytes,
        }))
        const code = await addCode(ctx, actor, project, files)
        return reply.code(201).send({ digest: code.digest, file_count: code.fileCount, size_bytes: code.sizeBytes })
      },
    )

    app.post(
      '/projects/:owner/:project/jobs',
      {
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Run an entry point of a code snapshot',
          params: ProjectParams,
          body: NewJobBody,
          response: { 201: JobBody },
        },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        const input = request.body
        const job = await submitJob(ctx, actor, project, {
          codeDigest: input.code_digest,
          ...(input.name === undefined ? {} : { name: input.name }),
          ...(input.entry_point === undefined ? {} : { entryPoint: input.entry_point }),
          ...(input.parameters === undefined ? {} : { parameters: input.parameters }),
          ...(input.dataset === undefined ? {} : { dataset: input.dataset }),
          ...(input.experiment === undefined ? {} : { experiment: input.experiment }),
          ...(input.register_as === undefined ? {} : { registerAs: input.register_as }),
          ...(input.timeout_ms === undefined ? {} : { timeoutMs: input.timeout_ms }),
        })
        return reply.code(201).send(body(job))
      },
    )

    app.get(
      '/projects/:owner/:project/jobs',
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'List jobs, newest first',
          params: ProjectParams,
          querystring: JobsQuery,
          response: {
            200: Type.Object({ jobs: Type.Array(JobBody), next_before: Type.Union([Type.String(), Type.Null()]) }),
          },
        },
      },
      async (request) => {
        const { limit = 50, ...filter } = request.query
        const page = await listJobs(ctx, scopeOf(request).project.id, { ...filter, limit })
        return { jobs: page.jobs.map(body), next_before: page.nextBefore }
      },
    )

    app.get(
      '/projects/:owner/:project/jobs/:job',
      {
        config: { permission: 'read' },
        schema: { tags, summary: 'One job', params: JobParams, response: { 200: JobBody } },
      },
      async (request) => body(await getJob(ctx, scopeOf(request).project.id, request.params.job)),
    )

    app.post(
      '/projects/:owner/:project/jobs/:job/cancel',
      {
        config: { permission: 'write' },
        schema: { tags, summary: 'End a job', params: JobParams, response: { 200: JobBody } },
      },
      async (request) => {
        const { actor, project } = scopeOf(request)
        return body(await cancelJob(ctx, actor, project, request.params.job))
      },
    )

    app.post(
      '/projects/:owner/:project/jobs/:job/retry',
      {
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Run an ended job again, as a new job',
          params: JobParams,
          response: { 201: JobBody },
        },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        return reply.code(201).send(body(await retryJob(ctx, actor, project, request.params.job)))
      },
    )

    await app.register(logsRoutes(ctx))
  }
}

function logsRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/projects/:owner/:project/jobs/:job/logs',
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: "A piece of a job's log (at most 1 MiB); `x-next-offset` says where to go on",
          params: JobParams,
          querystring: LogsQuery,
        },
      },
      async (request, reply) => {
        const chunk = await jobLog(ctx, scopeOf(request).project.id, request.params.job, request.query.offset ?? 0)
        return reply
          .header('x-next-offset', String(chunk.nextOffset))
          .header('cache-control', 'no-store')
          .type('text/plain; charset=utf-8')
          .send(chunk.text)
      },
    )

    app.get(
      '/projects/:owner/:project/jobs/:job/logs/stream',
      {
        exposeHeadRoute: false,
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'The log as it grows (server-sent events `log` and `end`)',
          params: JobParams,
          querystring: LogsQuery,
        },
      },
      async (request, reply) => {
        const job = await getJob(ctx, scopeOf(request).project.id, request.params.job)
        // An EventSource that reconnects says how far it came.
        const lastId = Number(request.headers['last-event-id'] ?? Number.NaN)
        const offset = Number.isSafeInteger(lastId) && lastId >= 0 ? lastId : (request.query.offset ?? 0)
        const stream = openEventStream(request, reply)
        const closed = new AbortController()
        stream.onClose(() => closed.abort())
        void followLog(ctx, job, offset, closed.signal, {
          async text(chunk) {
            stream.send('log', chunk, String(chunk.offset))
            if (reply.raw.writableNeedDrain) await once(reply.raw, 'drain', { signal: closed.signal })
          },
          end: (state) => stream.send('end', { state }),
        })
          .catch((error: unknown) => {
            if (!closed.signal.aborted) request.log.error({ err: error, job: job.id }, 'a log stream broke')
          })
          .finally(() => stream.close())
        return reply
      },
    )
  }
}
