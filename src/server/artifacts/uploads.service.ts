import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { PartedUpload, UploadedPart } from '../../blobs/store.ts'
import { type Context, inTransaction } from '../../context.ts'
import { AppError, badRequest, notFound } from '../../lib/errors.ts'
import { newId, newSecret } from '../../lib/ids.ts'
import { enqueueTask, type TaskHandlers } from '../events/tasks.service.ts'
import { type ArtifactFile, recordFile, removeObjects } from './artifacts.service.ts'
import { entryOfObject, setChecksum } from './artifacts.store.ts'
import { joinPath, placeOf } from './paths.ts'
import * as store from './uploads.store.ts'

/** As S3: more parts than that, it does not take. */
const MAX_PARTS = 10_000
/** An upload that was not ended after this time is removed with all its parts. */
const UPLOAD_TTL_MS = 24 * 3600_000
/** What no upload knows any more (a server was killed at the wrong moment) is swept when it is older than this. */
const LEFTOVER_MS = 3 * 24 * 3600_000

export type StartedUpload = {
  id: string
  expiresInSeconds: number
  /** Where each part is sent when the store takes it itself; null: to this server. */
  partUrls: string[] | null
}

/** Begins an upload in parts. @throws AppError bad_request (path, number of parts) */
export async function startUpload(
  ctx: Context,
  project: { id: string },
  path: string,
  partCount: number,
): Promise<StartedUpload> {
  const place = placeOf(path)
  if (!Number.isInteger(partCount) || partCount < 1 || partCount > MAX_PARTS)
    throw badRequest(`num_parts must be a whole number from 1 to ${MAX_PARTS}.`, 'num_parts')
  const upload = await ctx.blobs.uploads.start()
  const id = `${newId()}${newSecret(16)}`
  const now = ctx.now()
  await inTransaction(ctx, async (tx) => {
    await store.insertUpload(tx.db, {
      id,
      project_id: project.id,
      path: joinPath(place.folder, place.name),
      object_id: upload.objectId,
      store_upload_id: upload.storeUploadId,
      part_count: partCount,
      part_size_bytes: null,
      is_complete: 0,
      created_at_ms: now,
      expires_at_ms: now + UPLOAD_TTL_MS,
    })
    await enqueueTask(tx, {
      kind: 'artifacts.upload-expired',
      payload: { upload_id: id },
      runAfterMs: now + UPLOAD_TTL_MS,
    })
  })
  return { id, expiresInSeconds: UPLOAD_TTL_MS / 1000, partUrls: await partUrls(ctx, upload, partCount) }
}

async function partUrls(ctx: Context, upload: PartedUpload, partCount: number): Promise<string[] | null> {
  const urls: string[] = []
  for (let partNumber = 1; partNumber <= partCount; partNumber++) {
    const url = await ctx.blobs.uploads.partUrl(upload, partNumber, UPLOAD_TTL_MS / 1000)
    if (url === null) return null
    urls.push(url)
  }
  return urls
}

/**
 * Takes one part. Parts may come at once and in any order; all but the last have one size, which tells their places.
 * @returns the part's ETag
 * @throws AppError not_found (no such upload), bad_request (its number or size)
 */
export async function receivePart(
  ctx: Context,
  id: string,
  part: { partNumber: number; sizeBytes: number },
  source: Readable,
): Promise<string> {
  const row = await openUpload(ctx, id)
  const { partNumber, sizeBytes } = part
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > row.part_count)
    throw badRequest(`This upload has the parts 1 to ${row.part_count}.`, 'part')
  const offset = await offsetOf(ctx, row, part)
  if ((offset ?? 0) + sizeBytes > ctx.config.uploadLimitBytes)
    throw new AppError(
      'payload_too_large',
      `The file is larger than the limit of ${ctx.config.uploadLimitBytes} bytes.`,
    )
  const etag = await ctx.blobs.uploads.putPart(partedUpload(row), { partNumber, offset, sizeBytes }, source)
  const taken = { upload_id: id, part_number: partNumber, size_bytes: sizeBytes, etag }
  await inTransaction(ctx, (tx) => store.putPartRow(tx.db, taken))
  return etag
}

async function offsetOf(
  ctx: Context,
  row: store.UploadRow,
  { partNumber, sizeBytes }: { partNumber: number; sizeBytes: number },
): Promise<number | null> {
  if (partNumber === 1 && row.part_count === 1) return 0
  if (partNumber < row.part_count) {
    if (!(await store.agreeOnPartSize(ctx.db, row.id, sizeBytes)))
      throw badRequest('All parts but the last must have the same size.', 'part')
    return (partNumber - 1) * sizeBytes
  }
  if (row.part_size_bytes === null) return null
  if (sizeBytes > row.part_size_bytes) throw badRequest('The last part must not be larger than the others.', 'part')
  return (partNumber - 1) * row.part_size_bytes
}

/**
 * Makes the file of the parts. Asking again after it worked is fine.
 * @throws AppError not_found, bad_request (parts), payload_too_large
 */
export async function completeUpload(
  ctx: Context,
  project: { id: string },
  path: string,
  id: string,
  parts: UploadedPart[],
  along: (tx: Context) => Promise<void>,
): Promise<void> {
  const row = await uploadAt(ctx, project, path, id)
  if (row === null) throw notFound('There is no such upload, or it has expired.')
  if (row.is_complete === 1) return
  const expected = await checkParts(ctx, row, parts)
  const { sizeBytes } = await ctx.blobs.uploads.complete(partedUpload(row), parts, expected)
  if (sizeBytes > ctx.config.uploadLimitBytes) {
    await inTransaction(ctx, (tx) => store.deleteUpload(tx.db, id))
    await removeObjects(ctx, [row.object_id])
    throw new AppError(
      'payload_too_large',
      `The file is larger than the limit of ${ctx.config.uploadLimitBytes} bytes.`,
    )
  }
  const file = { objectId: row.object_id, sizeBytes, sha256: null }
  await recordFile(ctx, project.id, placeOf(path), file, async (tx) => {
    if (!(await store.markComplete(tx.db, id))) return
    await enqueueTask(tx, { kind: 'artifacts.checksum', payload: { object_id: row.object_id } })
    await along(tx)
  })
}

/**
 * That the parts are all there, each once; where this server took them, also that they are those that came.
 * @returns the whole size, null when only the store knows
 */
async function checkParts(ctx: Context, row: store.UploadRow, parts: UploadedPart[]): Promise<number | null> {
  parts.sort((a, b) => a.partNumber - b.partNumber)
  if (parts.length !== row.part_count || parts.some((part, i) => part.partNumber !== i + 1))
    throw badRequest(`parts must hold each of the ${row.part_count} parts once.`, 'parts')
  if (row.store_upload_id !== '') return null
  const received = await store.partsOf(ctx.db, row.id)
  for (const [i, part] of parts.entries()) {
    const etag = received[i]?.part_number === part.partNumber ? received[i]?.etag : undefined
    if (etag !== part.etag.replace(/^"|"$/g, ''))
      throw badRequest(`Part ${part.partNumber} was not received as it says; send it again.`, `parts[${i}].etag`)
  }
  const total = received.reduce((sum, part) => sum + part.size_bytes, 0)
  const last = received.at(-1)?.size_bytes ?? 0
  if (row.part_count > 1 && last > (row.part_size_bytes ?? 0))
    throw badRequest('The last part must not be larger than the others.', 'parts')
  return total
}

/** Ends an upload and removes its parts; one that is complete, or not there, is left alone. */
export async function abortUpload(ctx: Context, project: { id: string }, path: string, id: string): Promise<void> {
  const row = await uploadAt(ctx, project, path, id)
  if (row !== null && row.is_complete === 0) await discard(ctx, row)
}

async function discard(ctx: Context, row: store.UploadRow): Promise<void> {
  // The row first: without it no part is taken any more.
  await inTransaction(ctx, (tx) => store.deleteUpload(tx.db, row.id))
  await ctx.blobs.uploads.abort(partedUpload(row))
}

async function uploadAt(
  ctx: Context,
  project: { id: string },
  path: string,
  id: string,
): Promise<store.UploadRow | null> {
  const place = placeOf(path)
  const row = await store.uploadById(ctx.db, id)
  const isHere = row?.project_id === project.id && row.path === joinPath(place.folder, place.name)
  return row !== undefined && isHere ? row : null
}

async function openUpload(ctx: Context, id: string): Promise<store.UploadRow> {
  const row = await store.uploadById(ctx.db, id)
  if (row === undefined || row.is_complete === 1 || row.expires_at_ms < ctx.now())
    throw notFound('There is no such upload, or it has ended.')
  return row
}

function partedUpload(row: store.UploadRow): PartedUpload {
  return { objectId: row.object_id, storeUploadId: row.store_upload_id }
}

/** The file that has an object, and its name. @throws AppError not_found when none has it any more */
export async function fileOfObject(ctx: Context, objectId: string): Promise<{ name: string; file: ArtifactFile }> {
  const row = await entryOfObject(ctx.db, objectId)
  if (row === undefined) throw notFound('The file of this link is not there any more.')
  return {
    name: row.name,
    file: { objectId, sizeBytes: row.size_bytes, sha256: row.sha256, modifiedAtMs: row.modified_at_ms },
  }
}

/** What follows an upload in parts. */
export const ARTIFACT_TASKS: TaskHandlers = {
  /** Bytes that came in parts passed no hash of the whole: it is computed from what was stored. */
  'artifacts.checksum': async (ctx, payload, stopping) => {
    const objectId = String(payload.object_id)
    const row = await entryOfObject(ctx.db, objectId)
    if (row === undefined || row.sha256 !== null) return
    const hash = createHash('sha256')
    for await (const chunk of (await ctx.blobs.openObject(objectId)).stream) {
      // Many gigabytes take a while: the next server begins again.
      stopping.throwIfAborted()
      hash.update(chunk as Buffer)
    }
    await setChecksum(ctx.db, objectId, hash.digest('hex'))
  },
  'artifacts.upload-expired': async (ctx, payload) => {
    const row = await store.uploadById(ctx.db, String(payload.upload_id))
    if (row?.is_complete === 0) await discard(ctx, row)
    else if (row !== undefined) await store.deleteUpload(ctx.db, row.id)
    await ctx.blobs.sweep(ctx.now() - LEFTOVER_MS)
  },
}
