import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../../../context.ts'
import { sendRanged } from '../../../http/ranges.ts'
import { withRawBody } from '../../../http/raw-body.ts'
import { scopeOf } from '../../../http/request.ts'
import { AppError, badRequest } from '../../../lib/errors.ts'
import {
  artifactSize,
  joinPath,
  listArtifacts,
  openArtifact,
  ownArtifactPath,
  putArtifact,
} from '../../artifacts/artifacts.service.ts'
import { assertArtifactWritable, deleteArtifacts } from '../../tracking/artifact-access.service.ts'
import { getLoggedModel } from '../../tracking/logged-models.service.ts'
import { getRun } from '../../tracking/runs.service.ts'
import {
  decodeMessage,
  encode,
  type Message,
  MlflowError,
  optionalString,
  requiredString,
  sendWireError,
} from './wire.ts'

const ROOTS = ['/api/2.0/mlflow-artifacts', '/ajax-api/2.0/mlflow-artifacts']
const read = { config: { permission: 'read' as const, door: true }, schema: { hide: true } }
const write = { config: { permission: 'write' as const, door: true, runToken: true }, schema: { hide: true } }
/** What MLflow's own server allows a form of its UI to send. */
const UI_UPLOAD_LIMIT_BYTES = 10 * 1024 * 1024

/** Artifact bytes in and out, streamed; the same places as MLflow's artifact proxy. Every path stays in the door's project. */
export function artifactRoutes(ctx: Context): FastifyPluginAsync {
  return async (app) => {
    app.setErrorHandler((error, request, reply) => sendWireError(error, request, reply))
    // Any content type, also none (an empty file comes chunked and without one): the bytes are not looked at.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    for (const root of ROOTS) {
      app.get(`${root}/artifacts`, { ...read, exposeHeadRoute: false }, (request, reply) => list(ctx, request, reply))
      addFileRoutes(app, ctx, `${root}/artifacts/*`)
      addRefusals(app, root)
    }
    addDownload(app, ctx, '/get-artifact', async (projectId, message) => {
      const run = await getRun(ctx, projectId, requiredString(message, 'run_id'))
      return joinPath(ownArtifactPath(run.artifactUri), pathOf(message, 'path'))
    })
    addDownload(
      app,
      ctx,
      '/ajax-api/2.0/mlflow/logged-models/:model_id/artifacts/files',
      async (projectId, message) => {
        const model = await getLoggedModel(ctx, projectId, requiredString(message, 'model_id'))
        return joinPath(ownArtifactPath(model.artifactUri), pathOf(message, 'artifact_file_path'))
      },
    )
    app.post('/ajax-api/2.0/mlflow/upload-artifact', write, (request, reply) => uploadFromUi(ctx, request, reply))
  }
}

function pathOf(message: Message, field: string): string {
  return requiredString(message, field)
}

function wildcard(request: FastifyRequest): string {
  return (request.params as { '*': string })['*'].replace(/\/+$/, '')
}

function addFileRoutes(app: FastifyInstance, ctx: Context, url: string): void {
  app.get(url, { ...read, exposeHeadRoute: false }, async (request, reply) => {
    const path = wildcard(request)
    return path === '' ? list(ctx, request, reply) : download(ctx, request, reply, path)
  })
  app.head(url, read, (request, reply) => download(ctx, request, reply, wildcard(request)))
  app.put(url, write, async (request, reply) => {
    const { actor, project } = scopeOf(request)
    const path = wildcard(request)
    await assertArtifactWritable(ctx, actor, project, path)
    await withRawBody(request, (source) => putArtifact(ctx, project, path, source))
    return reply.type('application/json').send('{}')
  })
  app.delete(url, write, async (request, reply) => {
    const { actor, project } = scopeOf(request)
    await deleteArtifacts(ctx, actor, project, wildcard(request))
    return reply.type('application/json').send('{}')
  })
}

async function list(ctx: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const path = (optionalString(decodeMessage(request.query), 'path') ?? '').replace(/\/+$/, '')
  const entries = await listArtifacts(ctx, scopeOf(request).project.id, path)
  return reply.type('application/json').send(encode({ files: entries.map((entry) => fileInfo(entry.name, entry)) }))
}

/** MLflow's FileInfo. */
export function fileInfo(path: string, entry: { isFolder: boolean; sizeBytes: number }): object {
  return entry.isFolder ? { path, is_dir: true } : { path, is_dir: false, file_size: entry.sizeBytes }
}

/** Sends one file of the door's project, whole or the range asked for; a HEAD opens nothing. */
export async function download(
  ctx: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  path: string,
): Promise<FastifyReply> {
  const { project } = scopeOf(request)
  const sizeBytes = await artifactSize(ctx, project.id, path)
  if (request.method === 'HEAD') {
    return reply
      .headers({ 'accept-ranges': 'bytes', 'content-length': sizeBytes, 'content-type': 'application/octet-stream' })
      .send()
  }
  return sendRanged(request, reply, {
    path,
    sizeBytes,
    sha256: null,
    open: (range) => openArtifact(ctx, project.id, path, range),
  })
}

/** A download at a place of its own, whose query (and path parameters) name the file. */
function addDownload(
  app: FastifyInstance,
  ctx: Context,
  url: string,
  pathFor: (projectId: string, message: Message) => Promise<string>,
): void {
  app.get(url, { ...read, exposeHeadRoute: false }, async (request, reply) => {
    const message = decodeMessage({ ...(request.query as object), ...(request.params as object) })
    return download(ctx, request, reply, await pathFor(scopeOf(request).project.id, message))
  })
}

async function uploadFromUi(ctx: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { actor, project } = scopeOf(request)
  const message = decodeMessage(request.query)
  const run = await getRun(ctx, project.id, requiredString(message, 'run_id'))
  const path = joinPath(ownArtifactPath(run.artifactUri), requiredString(message, 'path'))
  if (Number(request.headers['content-length'] ?? 0) > UI_UPLOAD_LIMIT_BYTES) {
    throw new AppError('payload_too_large', 'Artifact size is too large. Max size is 10MB.')
  }
  if (request.headers['content-length'] === undefined) throw badRequest('Content-Length is missing.')
  await assertArtifactWritable(ctx, actor, project, path)
  await withRawBody(request, (source) => putArtifact(ctx, project, path, source))
  return reply.type('application/json').send('{}')
}

/** The client falls back to plain uploads only on this text; server-info says that neither exists. */
function addRefusals(app: FastifyInstance, root: string): void {
  const refuse = (what: string) => async () => {
    throw new MlflowError(501, 'NOT_IMPLEMENTED', `${what} is not supported for the current artifact repository`)
  }
  for (const step of ['create', 'complete', 'abort'])
    app.post(`${root}/mpu/${step}/*`, write, refuse('Multipart upload'))
  app.get(`${root}/presigned/*`, read, refuse('Presigned download'))
}
