import type { Readable } from 'node:stream'
import type { StoredBlob } from '../../blobs/store.ts'
import { type Context, inTransaction } from '../../context.ts'
import { AppError, badRequest } from '../../lib/errors.ts'
import type { Project } from '../projects/projects.service.ts'
import { aboutToBeSwept, dropUnused, referToContent } from '../recycling/references.service.ts'
import * as store from './datasets.store.ts'

/** One line of a manifest: a file of a version, its content and size. */
export type ContentFile = { path: string; sha256: string; sizeBytes: number }

/**
 * Streams content into the project. It is stored once however many projects hold it, but only a project that sent it
 * itself holds it: knowing a hash gives nothing.
 * @param expectedSha256 when given and different from what arrived, nothing is stored
 * @throws AppError unprocessable for another hash, payload_too_large beyond `upload-limit-bytes`
 */
export async function storeContent(
  ctx: Context,
  project: Project,
  source: Readable,
  expectedSha256?: string,
): Promise<StoredBlob> {
  const options = {
    limitBytes: ctx.config.uploadLimitBytes,
    ...(expectedSha256 === undefined ? {} : { expectedSha256 }),
  }
  const stored = await ctx.blobs.putContent(source, options)
  await referToContent(
    ctx,
    stored.sha256,
    (tx) =>
      store.putProjectBlob(tx.db, {
        project_id: project.id,
        sha256: stored.sha256,
        size_bytes: stored.sizeBytes,
        created_at_ms: tx.now(),
        used_at_ms: tx.now(),
      }),
    (tx) => dropUnused(tx, project.id, [stored.sha256]),
  )
  return stored
}

/** Being told that content is here keeps it so for a while; noting that once in this time is enough. */
const TOUCH_EVERY_MS = 3600_000

/** Which of these contents the project does not hold yet, in the order asked. The others stay until they can be used. */
export async function missingContent(ctx: Context, projectId: string, hashes: string[]): Promise<string[]> {
  const now = ctx.now()
  await inTransaction(ctx, (tx) =>
    store.touchProjectBlobs(tx.db, projectId, [...new Set(hashes)], { nowMs: now, beforeMs: now - TOUCH_EVERY_MS }),
  )
  const held = await store.projectBlobSizes(ctx.db, projectId, [...new Set(hashes)])
  return [...new Set(hashes)].filter((sha256) => !held.has(sha256))
}

/**
 * As `requireContent`, in the transaction that writes what refers to the content: until it ends, no sweep takes it away.
 * @throws AppError as `requireContent`
 */
export async function holdContent(tx: Context, projectId: string, files: ContentFile[]): Promise<void> {
  await aboutToBeSwept(
    tx,
    'content',
    files.map((file) => file.sha256),
  )
  await requireContent(tx, projectId, files)
}

/**
 * Checks that the project holds the content of each file, in the size said.
 * @throws AppError unprocessable for content that must be uploaded first, bad_request for a wrong size
 */
export async function requireContent(ctx: Context, projectId: string, files: ContentFile[]): Promise<void> {
  const held = await store.projectBlobSizes(ctx.db, projectId, [...new Set(files.map((file) => file.sha256))])
  for (const [index, file] of files.entries()) {
    const sizeBytes = held.get(file.sha256)
    if (sizeBytes === undefined) {
      throw new AppError(
        'unprocessable',
        `The content of ${file.path} (${file.sha256}) is not in this project; upload it first: PUT …/blobs/${file.sha256}.`,
        { field: `files[${index}].sha256` },
      )
    }
    if (sizeBytes !== file.sizeBytes)
      throw badRequest(`${file.path} has ${sizeBytes} bytes, not ${file.sizeBytes}.`, `files[${index}].size_bytes`)
  }
}
