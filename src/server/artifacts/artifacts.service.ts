import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ByteRange, StoredBlob } from '../../blobs/store.ts'
import { type Context, inTransaction } from '../../context.ts'
import { AppError, badRequest, conflict, notFound } from '../../lib/errors.ts'
import { pathSegments } from '../../lib/relative-path.ts'
import * as store from './artifacts.store.ts'
import { checkedPath, foldersAbove, joinPath, type Place, placeOf } from './paths.ts'

export { artifactPathOf, joinPath, ownArtifactPath } from './paths.ts'

/**
 * Runs' and models' files. A path (`1/<run id>/artifacts/model/MLmodel`) is relative to the project's own artifact space and
 * is checked here, whoever built it. It names a row; the bytes are an object of the blob store whose id this server makes,
 * so that no path of a client ever reaches a disk, and a file appears, changes and goes in one transaction.
 */

/** Files that a walk returns at most: more is no model and no report, and would not fit a page or a job folder. */
const WALK_LIMIT = 100_000
const PAGE = 1_000
/** A folder that is deleted again and again while something is written into it. */
const FOLDER_TRIES = 5

export type ArtifactEntry = { name: string; isFolder: boolean; sizeBytes: number }
export type ArtifactFile = {
  sizeBytes: number
  objectId: string
  /** Null until it was computed, for a file whose bytes did not pass this server. */
  sha256: string | null
  modifiedAtMs: number
}
type NewFile = { objectId: string; sizeBytes: number; sha256: string | null }
/** What else is written in the transaction of a change: its event. */
type Along = (tx: Context) => Promise<void>

/**
 * Writes a file, replacing what was there; visible only when complete and durable.
 * @param options.sizeBytes the length the sender announced; another one is refused
 * @throws AppError bad_request (path, length), conflict (a folder stands there), payload_too_large
 */
export async function putArtifact(
  ctx: Context,
  project: { id: string },
  path: string,
  source: Readable,
  options: { sizeBytes?: number | undefined; along?: Along } = {},
): Promise<StoredBlob> {
  const place = placeOf(path)
  const { id, ...stored } = await ctx.blobs.putObject(source, {
    limitBytes: ctx.config.uploadLimitBytes,
    ...(options.sizeBytes === undefined ? {} : { sizeBytes: options.sizeBytes }),
  })
  await recordFile(ctx, project.id, place, { ...stored, objectId: id }, options.along)
  return stored
}

/**
 * Makes a stored object the file at a place, and begins to remove the object that was the file before. When it is refused,
 * the new object is removed; when the database failed, it stays, since nobody knows what was committed, and reclaim finds it.
 */
export async function recordFile(
  ctx: Context,
  projectId: string,
  place: Place,
  file: NewFile,
  along: Along = async () => {},
): Promise<void> {
  const freed = await inTransaction(ctx, async (tx) => {
    const replaced = await writeRow(tx, projectId, place, file)
    await along(tx)
    return replaced?.object_id == null ? [] : store.unreferenced(tx.db, [replaced.object_id])
  }).catch(async (error: unknown) => {
    if (error instanceof AppError) await ctx.blobs.remove('objects', file.objectId)
    throw error
  })
  // Not waited for: a file system takes a while to free gigabytes, and the new file is there already.
  void removeObjects(ctx, freed)
}

async function writeRow(tx: Context, projectId: string, place: Place, file: NewFile): Promise<store.EntryRow | null> {
  const folders = foldersAbove(place)
  for (let tries = 0; ; tries++) {
    const held = await store.holdFolders(tx.db, projectId, folders, tx.now())
    const inTheWay = held.find((row) => row.object_id !== null)
    if (inTheWay !== undefined) throw inTheWayOf(place)
    if (held.length === folders.length) break
    if (tries === FOLDER_TRIES) throw conflict(`The folder of "${place.name}" is being deleted.`, 'path')
  }
  const replaced = await store.putFileRow(tx.db, {
    project_id: projectId,
    ...place,
    object_id: file.objectId,
    size_bytes: file.sizeBytes,
    sha256: file.sha256,
    modified_at_ms: tx.now(),
  })
  if (replaced === false) throw inTheWayOf(place)
  return replaced
}

function inTheWayOf(place: Place): AppError {
  return conflict(
    `"${place.name}" cannot be written: a file stands where a folder is needed, or a folder where the file is.`,
    'path',
  )
}

/** The file at a path. @throws AppError not_found, bad_request (a folder, or no valid path) */
export async function findArtifact(ctx: Context, projectId: string, path: string): Promise<ArtifactFile> {
  const row = path === '' ? undefined : await store.entryAt(ctx.db, projectId, placeOf(path))
  if (row === undefined && path !== '') throw notFound(`No such artifact: '${path.slice(0, 300)}'`)
  if (row === undefined || row.object_id === null)
    throw badRequest(`'${path.slice(0, 300)}' is a folder, not a file.`, 'path')
  return {
    sizeBytes: row.size_bytes,
    objectId: row.object_id,
    sha256: row.sha256,
    modifiedAtMs: row.modified_at_ms,
  }
}

/** @throws AppError not_found, bad_request (a folder, or no valid path) */
export async function openArtifact(
  ctx: Context,
  projectId: string,
  path: string,
  range?: ByteRange,
): Promise<{ stream: Readable; sizeBytes: number }> {
  return openArtifactFile(ctx, await findArtifact(ctx, projectId, path), range)
}

/** The bytes of a file that was found, also when its path means another one by now. @throws AppError not_found */
export async function openArtifactFile(
  ctx: Context,
  file: ArtifactFile,
  range?: ByteRange,
): Promise<{ stream: Readable; sizeBytes: number }> {
  return ctx.blobs.openObject(file.objectId, range)
}

/** What lies at a path; null for nothing. @throws AppError bad_request (path) */
export async function statArtifact(
  ctx: Context,
  projectId: string,
  path: string,
): Promise<{ isFolder: boolean; sizeBytes: number } | null> {
  if (path === '') return { isFolder: true, sizeBytes: 0 }
  const row = await store.entryAt(ctx.db, projectId, placeOf(path))
  return row === undefined ? null : { isFolder: row.object_id === null, sizeBytes: row.size_bytes }
}

/** Direct children of a folder by name; none for a file and for what is not there. @throws AppError bad_request (path) */
export async function listArtifacts(ctx: Context, projectId: string, path: string): Promise<ArtifactEntry[]> {
  return (await listArtifactPage(ctx, projectId, path, { after: null, limit: WALK_LIMIT })).entries
}

/** A page of them. `next`: what `after` is for the next page; null after the last. */
export async function listArtifactPage(
  ctx: Context,
  projectId: string,
  path: string,
  page: { after: string | null; limit: number },
): Promise<{ entries: ArtifactEntry[]; next: string | null }> {
  const rows = await store.childrenOf(ctx.db, projectId, checkedPath(path), { ...page, limit: page.limit + 1 })
  const shown = rows.slice(0, page.limit)
  return {
    entries: shown.map((row) => ({ name: row.name, isFolder: row.object_id === null, sizeBytes: row.size_bytes })),
    next: rows.length > page.limit ? (shown.at(-1)?.name ?? null) : null,
  }
}

/** Every file below a folder, with paths relative to it: those in it first, then folder by folder. Holds one page. */
export async function* eachArtifact(
  ctx: Context,
  projectId: string,
  path: string,
): AsyncGenerator<ArtifactFile & { path: string }> {
  const folder = checkedPath(path)
  const file = (row: store.EntryRow) => ({
    path: joinPath(row.folder, row.name).slice(folder === '' ? 0 : folder.length + 1),
    sizeBytes: row.size_bytes,
    objectId: row.object_id ?? '',
    sha256: row.sha256,
    modifiedAtMs: row.modified_at_ms,
  })
  for (let after: string | null = null; ; ) {
    const rows = await store.filesIn(ctx.db, projectId, folder, { after, limit: PAGE })
    for (const row of rows) yield file(row)
    after = rows.at(-1)?.name ?? null
    if (rows.length < PAGE) break
  }
  for (let after: Place | null = null; ; ) {
    const rows = await store.filesDeeper(ctx.db, projectId, folder, { after, limit: PAGE })
    for (const row of rows) yield file(row)
    after = rows.at(-1) ?? null
    if (rows.length < PAGE) break
  }
}

/** Every file below a folder, with paths relative to it, sorted. @throws AppError bad_request (path), payload_too_large */
export async function walkArtifacts(
  ctx: Context,
  projectId: string,
  path: string,
): Promise<{ path: string; sizeBytes: number }[]> {
  const files: { path: string; sizeBytes: number }[] = []
  for await (const file of eachArtifact(ctx, projectId, path)) {
    files.push({ path: file.path, sizeBytes: file.sizeBytes })
    if (files.length > WALK_LIMIT) {
      throw new AppError('payload_too_large', `The folder '${path.slice(0, 200)}' holds more than ${WALK_LIMIT} files.`)
    }
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** The text of a small file; null when it is not there, a folder, or larger than `maxBytes`. */
export async function readArtifactText(
  ctx: Context,
  projectId: string,
  path: string,
  maxBytes: number,
): Promise<string | null> {
  const found = await statArtifact(ctx, projectId, path)
  if (found === null || found.isFolder || found.sizeBytes > maxBytes) return null
  const { stream } = await openArtifact(ctx, projectId, path)
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** Copies a folder's files into a folder of this machine. @throws AppError not_found when there is nothing to copy */
export async function copyArtifactsTo(ctx: Context, projectId: string, path: string, folder: string): Promise<void> {
  let copied = 0
  for await (const file of eachArtifact(ctx, projectId, path)) {
    const target = join(folder, ...pathSegments(file.path))
    await mkdir(dirname(target), { recursive: true })
    const { stream } = await openArtifactFile(ctx, file)
    await pipeline(stream, createWriteStream(target, { mode: 0o600 }))
    copied++
  }
  if (copied === 0) throw notFound(`There are no artifacts at '${path.slice(0, 300)}'.`)
}

/**
 * Removes a file or a folder with all that is below it; nothing there is fine.
 * @param along written in the same transaction
 * @throws AppError bad_request (path)
 */
export async function removeArtifacts(ctx: Context, projectId: string, path: string, along?: Along): Promise<void> {
  const freed = await inTransaction(ctx, async (tx) => {
    const ids = await forgetArtifacts(tx, projectId, path)
    await along?.(tx)
    return ids
  })
  await removeObjects(ctx, freed)
}

/**
 * The half of `removeArtifacts` for a transaction of the caller's: takes the files out of the tables.
 * @returns the objects that nothing refers to any more; hand them to `removeObjects` after the commit
 */
export async function forgetArtifacts(tx: Context, projectId: string, path: string): Promise<string[]> {
  return store.unreferenced(tx.db, await store.deleteTree(tx.db, projectId, placeOf(path)))
}

/** Removes objects that a committed change set free. What fails here is logged, and found by reclaim. */
export async function removeObjects(ctx: Context, objectIds: readonly string[]): Promise<void> {
  for (const id of objectIds) {
    try {
      await ctx.blobs.remove('objects', id)
    } catch (error) {
      ctx.log.warn({ err: error, object: id }, 'an unused artifact object could not be removed; reclaim will')
    }
  }
}
