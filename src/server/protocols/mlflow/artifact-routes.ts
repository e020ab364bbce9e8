import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../../../context.ts'
import { sendRanged } from '../../../http/ranges.ts'
import { announcedLength, withRawBody } from '../../../http/raw-body.ts'
import { scopeOf } from '../../../http/request.ts'
import { AppError, badRequest } from '../../../lib/errors.ts'
import {
  findArtifact,
  joinPath,
  listArtifactPage,
  openArtifactFile,
  ownArtifactPath,
} from '../../artifacts/artifacts.service.ts'
import { deleteArtifacts, uploadArtifact } from '../../tracking/artifact-access.service.ts'
import { getLoggedModel } from '../../tracking/logged-models.service.ts'
import { getRun } from '../../tracking/runs.service.ts'
import { ARTIFACT_ROOTS, readRoute, writeRoute } from './artifact-root.ts'
import { decodeMessage, encode, type Message, optionalString, requiredString, sendWireError } from './wire.ts'

/** What MLflow's own server allows a form of its UI to send. */
const UI_UPLOAD_LIMIT_BYTES = 10 * 1024 * 1024
/** The client reads no page token here, so a folder is one answer; beyond this the rest needs one. */
export const LIST_LIMIT = 100_000

/** Artifact bytes in and out, streamed; the same places as MLflow's artifact proxy. Every path stays in the door's project. */
export function artifactRoutes(ctx: Context): FastifyPluginAsync {
  return async (app) => {
    app.setErrorHandler((error, request, reply) => sendWireError(error, request, reply))
    // Any content type, also none (an empty file comes chunked and without one): the bytes are not looked at.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    for (const root of ARTIFACT_ROOTS) {
      app.get(`${root}/artifacts`, { ...readRoute, exposeHeadRoute: false }, (request, reply) =>
        list(ctx, request, reply),
      )
      addFileRoutes(app, ctx, `${root}/artifacts/*`)
    }
    addDownload(app, ctx, '/get-artifact', async (projectId, message) => {
      const run = await getRun(ctx, projectId, requiredString(message, 'run_id'))
      return joinPath(ownArtifactPath(run.artifactUri), requiredString(message, 'path'))
    })
    addDownload(
      app,
      ctx,
      '/ajax-api/2.0/mlflow/logged-models/:model_id/artifacts/files',
      async (projectId, message) => {
        const model = await getLoggedModel(ctx, projectId, requiredString(message, 'model_id'))
        return joinPath(ownArtifactPath(model.artifactUri), requiredString(message, 'artifact_file_path'))
      },
    )
    app.post('/ajax-api/2.0/mlflow/upload-artifact', writeRoute, (request, reply) => uploadFromUi(ctx, request, reply))
  }
}

function wildcard(request: FastifyRequest): string {
  return (request.params as { '*': string })['*'].replace(/\/+$/, '')
}

function addFileRoutes(app: FastifyInstance, ctx: Context, url: string): void {
  app.get(url, { ...readRoute, exposeHeadRoute: false }, async (request, reply) => {
    const path = wildcard(request)
    return path === '' ? list(ctx, request, reply) : download(ctx, request, reply, path)
  })
  app.head(url, readRoute, (request, reply) => download(ctx, request, reply, wildcard(request)))
  app.put(url, writeRoute, async (request, reply) => receive(ctx, request, reply, wildcard(request)))
  app.delete(url, writeRoute, async (request, reply) => {
    const { actor, project } = scopeOf(request)
    await deleteArtifacts(ctx, actor, project, wildcard(request))
    return reply.type('application/json').send('{}')
  })
}

async function receive(
  ctx: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  path: string,
): Promise<FastifyReply> {
  const { actor, project } = scopeOf(request)
  const sizeBytes = announcedLength(request)
  await withRawBody(request, (source) => uploadArtifact(ctx, actor, project, path, source, sizeBytes))
  return reply.type('application/json').send('{}')
}

async function list(ctx: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const message = decodeMessage(request.query)
  const path = (optionalString(message, 'path') ?? '').replace(/\/+$/, '')
  const { entries, next } = await listArtifactPage(ctx, scopeOf(request).project.id, path, {
    after: nameOfToken(optionalString(message, 'page_token')),
    limit: LIST_LIMIT,
  })
  const answer = {
    files: entries.map((entry) => fileInfo(entry.name, entry)),
    ...(next === null ? {} : { next_page_token: tokenOfName(next) }),
  }
  return reply.type('application/json').send(encode(answer))
}

/** The token of the page that begins after this name. */
export function tokenOfName(name: string): string {
  return Buffer.from(JSON.stringify({ after: name })).toString('base64url')
}

/** @throws AppError bad_request for a token that no list gave out */
export function nameOfToken(token: string | undefined): string | null {
  if (token === undefined || token === '') return null
  try {
    const { after } = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as { after: unknown }
    if (typeof after === 'string' && !after.includes('\0')) return after
  } catch {}
  throw badRequest('Invalid page token: it is none that a list of this server gave out.', 'page_token')
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
  const file = await findArtifact(ctx, scopeOf(request).project.id, path)
  return sendRanged(request, reply, {
    path,
    sizeBytes: file.sizeBytes,
    sha256: file.sha256,
    tag: file.objectId,
    open: (range) => openArtifactFile(ctx, file, range),
  })
}

/** A download at a place of its own, whose query (and path parameters) name the file. */
function addDownload(
  app: FastifyInstance,
  ctx: Context,
  url: string,
  pathFor: (projectId: string, message: Message) => Promise<string>,
): void {
  app.get(url, { ...readRoute, exposeHeadRoute: false }, async (request, reply) => {
    const message = decodeMessage({ ...(request.query as object), ...(request.params as object) })
    return download(ctx, request, reply, await pathFor(scopeOf(request).project.id, message))
  })
}

async function uploadFromUi(ctx: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const message = decodeMessage(request.query)
  const run = await getRun(ctx, scopeOf(request).project.id, requiredString(message, 'run_id'))
  const path = joinPath(ownArtifactPath(run.artifactUri), requiredString(message, 'path'))
  if (Number(request.headers['content-length'] ?? 0) > UI_UPLOAD_LIMIT_BYTES) {
    throw new AppError('payload_too_large', 'Artifact size is too large. Max size is 10MB.')
  }
  if (request.headers['content-length'] === undefined) throw badRequest('Content-Length is missing.')
  return receive(ctx, request, reply, path)
}
