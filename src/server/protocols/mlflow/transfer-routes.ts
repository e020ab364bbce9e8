import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Context } from '../../../context.ts'
import { sendRanged } from '../../../http/ranges.ts'
import { announcedLength, withRawBody } from '../../../http/raw-body.ts'
import { baseUrl, scopeOf } from '../../../http/request.ts'
import { badRequest } from '../../../lib/errors.ts'
import { findArtifact, joinPath, openArtifactFile } from '../../artifacts/artifacts.service.ts'
import { checkLink, type LinkTarget, signLink } from '../../artifacts/links.service.ts'
import { abortUpload, fileOfObject, receivePart, startUpload } from '../../artifacts/uploads.service.ts'
import { assertArtifactWritable, completeArtifactUpload } from '../../tracking/artifact-access.service.ts'
import { ARTIFACT_ROOTS, readRoute, writeRoute } from './artifact-root.ts'
import {
  decodeRequest,
  encode,
  type Message,
  MlflowError,
  messageList,
  optionalInt,
  required,
  requiredString,
  sendWireError,
} from './wire.ts'

/** A link to a file is followed at once; the client asks for another when it is over. */
const DOWNLOAD_TTL_S = 15 * 60
const [LINK_ROOT = ''] = ARTIFACT_ROOTS
const linkRoute = { config: { permission: 'public' as const, door: true }, schema: { hide: true } }

/**
 * MLflow's uploads in parts and presigned downloads. In a bucket the bytes go past this server; in a folder they come
 * through it, at links that it signs itself (`linkRoutes`), since the client sends no token to the addresses it is given.
 */
export function transferRoutes(ctx: Context): FastifyPluginAsync {
  return async (app) => {
    app.setErrorHandler((error, request, reply) => sendWireError(error, request, reply))
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    for (const root of ARTIFACT_ROOTS) {
      app.post(`${root}/mpu/create/*`, writeRoute, async (request, reply) =>
        reply.type('application/json').send(encode(await create(ctx, request))),
      )
      app.post(`${root}/mpu/complete/*`, writeRoute, async (request, reply) => {
        await complete(ctx, request)
        return reply.type('application/json').send('{}')
      })
      app.post(`${root}/mpu/abort/*`, writeRoute, async (request, reply) => {
        const { actor, project } = scopeOf(request)
        const message = offered(ctx, 'Multipart upload', decodeRequest(request))
        const path = targetOf(request, message)
        await assertArtifactWritable(ctx, actor, project, path)
        await abortUpload(ctx, project, path, requiredString(message, 'upload_id'))
        return reply.type('application/json').send('{}')
      })
      app.get(`${root}/presigned/*`, { ...readRoute, exposeHeadRoute: false }, async (request, reply) =>
        reply.type('application/json').send(encode(await presigned(ctx, request))),
      )
    }
  }
}

/** The client falls back to plain requests only on this text; server-info says the same. */
function offered<T>(ctx: Context, what: string, value: T): T {
  if (!ctx.config.presignedTransfers)
    throw new MlflowError(501, 'NOT_IMPLEMENTED', `${what} is not supported for the current artifact repository`)
  return value
}

function wildcard(request: FastifyRequest): string {
  return (request.params as { '*': string })['*'].replace(/\/+$/, '')
}

/** The client sends the path of its own file, of any system: the target has its name. */
function targetOf(request: FastifyRequest, message: Message): string {
  const name = requiredString(message, 'path').split(/[/\\]/).at(-1) ?? ''
  if (name === '') throw badRequest("Invalid path: 'path' must name a file.", 'path')
  return joinPath(wildcard(request), name)
}

async function create(ctx: Context, request: FastifyRequest): Promise<object> {
  const { actor, project } = scopeOf(request)
  const message = offered(ctx, 'Multipart upload', decodeRequest(request))
  const path = targetOf(request, message)
  await assertArtifactWritable(ctx, actor, project, path)
  const partCount = required(optionalInt(message, 'num_parts'), 'num_parts')
  const upload = await startUpload(ctx, project, path, partCount)
  const numbers = Array.from({ length: partCount }, (_, i) => i + 1)
  const urls = upload.partUrls ?? (await ownPartUrls(ctx, request, upload, numbers))
  return {
    upload_id: upload.id,
    credentials: numbers.map((number, i) => ({ url: urls[i], part_number: number, headers: {} })),
  }
}

async function ownPartUrls(
  ctx: Context,
  request: FastifyRequest,
  upload: { id: string; expiresInSeconds: number },
  numbers: number[],
): Promise<string[]> {
  // One signature for all parts: whoever may send one may send the others.
  const { expires, signature } = await signLink(ctx, partTarget(upload.id), upload.expiresInSeconds)
  const query = new URLSearchParams({ expires, signature })
  return numbers.map(
    (number) => `${baseUrl(request, ctx.config)}${LINK_ROOT}/mpu/parts/${upload.id}/${number}?${query}`,
  )
}

async function complete(ctx: Context, request: FastifyRequest): Promise<void> {
  const { actor, project } = scopeOf(request)
  const message = offered(ctx, 'Multipart upload', decodeRequest(request))
  const parts = messageList(message, 'parts').map((part, i) => ({
    partNumber: required(optionalInt(part, 'part_number', `parts[${i}].part_number`), `parts[${i}].part_number`),
    etag: requiredString(part, 'etag', `parts[${i}].etag`),
  }))
  await completeArtifactUpload(ctx, actor, project, targetOf(request, message), {
    id: requiredString(message, 'upload_id'),
    parts,
  })
}

async function presigned(ctx: Context, request: FastifyRequest): Promise<object> {
  const path = offered(ctx, 'Presigned download', wildcard(request))
  const file = await findArtifact(ctx, scopeOf(request).project.id, path)
  const name = path.split('/').at(-1) ?? 'file'
  const direct = await ctx.blobs.uploads.downloadUrl(file.objectId, name, DOWNLOAD_TTL_S)
  if (direct !== null) return { url: direct, headers: {}, file_size: file.sizeBytes }
  const signed = await signLink(ctx, fileTarget(file.objectId), DOWNLOAD_TTL_S)
  const url = `${baseUrl(request, ctx.config)}${LINK_ROOT}/links/${file.objectId}?${new URLSearchParams(signed)}`
  return { url, headers: {}, file_size: file.sizeBytes }
}

function partTarget(uploadId: string): LinkTarget {
  return { method: 'PUT', resource: `upload/${uploadId}` }
}

function fileTarget(objectId: string): LinkTarget {
  return { method: 'GET', resource: `object/${objectId}` }
}

/** Where the links that this server signs lead: no account is asked for, the signature is the right. */
export function linkRoutes(ctx: Context): FastifyPluginAsync {
  return async (app) => {
    app.setErrorHandler((error, request, reply) => sendWireError(error, request, reply))
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    app.put<{ Params: { upload: string; part: string } }>(
      `${LINK_ROOT}/mpu/parts/:upload/:part`,
      linkRoute,
      async (request, reply) => {
        const { upload, part } = request.params
        await checkLink(ctx, partTarget(upload), signatureOf(request))
        const sizeBytes = announcedLength(request)
        if (sizeBytes === undefined) throw badRequest('A part needs a Content-Length.')
        const etag = await withRawBody(request, (source) =>
          receivePart(ctx, upload, { partNumber: Number(part), sizeBytes }, source),
        )
        return reply.header('etag', `"${etag}"`).type('application/json').send('{}')
      },
    )
    app.get<{ Params: { object: string } }>(
      `${LINK_ROOT}/links/:object`,
      { ...linkRoute, exposeHeadRoute: false },
      async (request, reply) => {
        const { object } = request.params
        await checkLink(ctx, fileTarget(object), signatureOf(request))
        const { name, file } = await fileOfObject(ctx, object)
        return sendRanged(request, reply, {
          path: name,
          sizeBytes: file.sizeBytes,
          sha256: file.sha256,
          tag: file.objectId,
          open: (range) => openArtifactFile(ctx, file, range),
        })
      },
    )
  }
}

function signatureOf(request: FastifyRequest): { expires: string; signature: string } {
  const { expires, signature } = request.query as Record<string, unknown>
  return { expires: String(expires ?? ''), signature: String(signature ?? '') }
}
