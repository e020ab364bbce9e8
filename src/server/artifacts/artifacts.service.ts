import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ByteRange, FileEntry, StoredBlob } from '../../blobs/store.ts'
import type { Context } from '../../context.ts'
import { AppError, badRequest, notFound } from '../../lib/errors.ts'
import { pathSegments } from '../../lib/relative-path.ts'

/** Files that a walk returns at most: more is no model and no report, and would not fit a page or a job folder. */
const WALK_LIMIT = 100_000

/**
 * Runs' and models' files. `path` is relative to the project's own artifact space (`1/<run id>/artifacts/model/MLmodel`)
 * and is checked here, whoever built it; there is no path that leads out of the project.
 */
function keyOf(projectId: string, path: string): string[] {
  return ['projects', projectId, 'artifacts', ...(path === '' ? [] : pathSegments(path))]
}

/**
 * The path inside the project's artifact space that a URI of ours means (`mlflow-artifacts:/1/…`); null for files that lie
 * elsewhere (`s3://…`, another server), which this server neither reads nor writes.
 */
export function artifactPathOf(uri: string): string | null {
  const path = /^mlflow-artifacts:(?:\/\/(?=\/))?\/+([^?#]*)$/.exec(uri)?.[1]
  return path === undefined ? null : path.replace(/\/+$/, '')
}

/** As `artifactPathOf`. @throws AppError bad_request for files that lie elsewhere */
export function ownArtifactPath(uri: string): string {
  const path = artifactPathOf(uri)
  if (path === null)
    throw badRequest(`These artifacts are stored outside this server (${uri.slice(0, 200)}); read them there.`)
  return path
}

/** `a` + `b/c`; either may be empty. */
export function joinPath(...parts: string[]): string {
  return parts.filter((part) => part !== '').join('/')
}

/**
 * Writes a file, replacing what was there; visible only when complete and durable.
 * @throws AppError bad_request (path), conflict (a folder stands there), payload_too_large
 */
export async function putArtifact(
  ctx: Context,
  project: { id: string },
  path: string,
  source: Readable,
): Promise<StoredBlob> {
  if (path === '') throw badRequest('Invalid path: it is empty.', 'path')
  return ctx.blobs.putFile(keyOf(project.id, path), source, { limitBytes: ctx.config.uploadLimitBytes })
}

/** @throws AppError not_found, bad_request (a folder, or no valid path) */
export async function openArtifact(
  ctx: Context,
  projectId: string,
  path: string,
  range?: ByteRange,
): Promise<{ stream: Readable; sizeBytes: number }> {
  return ctx.blobs.openFile(keyOf(projectId, path), range)
}

/** What lies at a path; null for nothing. @throws AppError bad_request (path) */
export async function statArtifact(
  ctx: Context,
  projectId: string,
  path: string,
): Promise<{ isFolder: boolean; sizeBytes: number } | null> {
  return ctx.blobs.statFile(keyOf(projectId, path))
}

/** The size of a file, for a download's headers. @throws AppError not_found, bad_request (a folder) */
export async function artifactSize(ctx: Context, projectId: string, path: string): Promise<number> {
  const found = await statArtifact(ctx, projectId, path)
  if (found === null) throw notFound(`No such artifact: '${path.slice(0, 300)}'`)
  if (found.isFolder) throw badRequest(`'${path.slice(0, 300)}' is a folder, not a file.`, 'path')
  return found.sizeBytes
}

/** Direct children of a folder by name; none for a file and for what is not there. @throws AppError bad_request (path) */
export async function listArtifacts(ctx: Context, projectId: string, path: string): Promise<FileEntry[]> {
  return ctx.blobs.listFolder(keyOf(projectId, path))
}

/** Every file below a folder, with paths relative to it. @throws AppError bad_request (path), payload_too_large */
export async function walkArtifacts(
  ctx: Context,
  projectId: string,
  path: string,
): Promise<{ path: string; sizeBytes: number }[]> {
  const files: { path: string; sizeBytes: number }[] = []
  const folders = ['']
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await listArtifacts(ctx, projectId, joinPath(path, folder))) {
      const child = joinPath(folder, entry.name)
      if (entry.isFolder) folders.push(child)
      else files.push({ path: child, sizeBytes: entry.sizeBytes })
      if (files.length + folders.length > WALK_LIMIT) {
        throw new AppError(
          'payload_too_large',
          `The folder '${path.slice(0, 200)}' holds more than ${WALK_LIMIT} files.`,
        )
      }
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
  const files = await walkArtifacts(ctx, projectId, path)
  if (files.length === 0) throw notFound(`There are no artifacts at '${path.slice(0, 300)}'.`)
  for (const file of files) {
    const target = join(folder, ...pathSegments(file.path))
    await mkdir(dirname(target), { recursive: true })
    const { stream } = await openArtifact(ctx, projectId, joinPath(path, file.path))
    await pipeline(stream, createWriteStream(target, { mode: 0o600 }))
  }
}

/** Removes a file or a folder with all that is below it; nothing there is fine. @throws AppError bad_request (path) */
export async function removeArtifacts(ctx: Context, projectId: string, path: string): Promise<void> {
  if (path === '') throw badRequest('Invalid path: it is empty.', 'path')
  await ctx.blobs.removeTree(keyOf(projectId, path))
}
