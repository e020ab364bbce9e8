import { createHash } from 'node:crypto'
import { type Context, inTransaction } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, badRequest } from '../../lib/errors.ts'
import { pathSegments } from '../../lib/relative-path.ts'
import { holdContent } from '../datasets/content.service.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { codeFiles, insertCodeFiles } from './code.store.ts'

/** Limits of one snapshot: it is code, not data. */
export const CODE_MAX_FILES = 5_000
export const CODE_MAX_BYTES = 200 * 1024 * 1024

export type CodeFile = { path: string; sha256: string; sizeBytes: number }
export type CodeSnapshot = { digest: string; fileCount: number; sizeBytes: number }

/**
 * Keeps a snapshot of code: which file has which content. The content was uploaded before. The digest names it: the
 * SHA-256 of the manifest sorted by path, so that the same files are the same snapshot.
 * @throws AppError bad_request (paths, sizes, limits), unprocessable (content that this project does not have)
 */
export async function addCode(
  ctx: Context,
  actor: Actor,
  project: Project,
  files: readonly CodeFile[],
): Promise<CodeSnapshot> {
  refuseJobs(actor)
  const manifest = checkManifest(files)
  const digest = manifestDigest(manifest)
  const sizeBytes = manifest.reduce((sum, file) => sum + file.sizeBytes, 0)
  await inTransaction(ctx, async (tx) => {
    await holdContent(tx, project.id, [...files])
    const known = await codeFiles(tx.db, project.id, digest)
    if (known.length === manifest.length) return
    await insertCodeFiles(
      tx.db,
      manifest.map((file) => ({
        project_id: project.id,
        digest,
        path: file.path,
        sha256: file.sha256,
        size_bytes: file.sizeBytes,
      })),
    )
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'created',
      kind: 'code',
      subject: digest,
      detail: { file_count: manifest.length, size_bytes: sizeBytes },
    })
  })
  return { digest, fileCount: manifest.length, sizeBytes }
}

function checkManifest(files: readonly CodeFile[]): CodeFile[] {
  if (files.length === 0) throw badRequest('A snapshot needs at least one file.', 'files')
  if (files.length > CODE_MAX_FILES) throw badRequest(`A snapshot may have at most ${CODE_MAX_FILES} files.`, 'files')
  const byPath = new Map<string, CodeFile>()
  const folders = new Set<string>()
  let sizeBytes = 0
  for (const [index, file] of files.entries()) {
    const segments = pathSegments(file.path, `files[${index}].path`)
    const path = segments.join('/')
    if (byPath.has(path)) throw badRequest(`The path "${path}" is there twice.`, `files[${index}].path`)
    byPath.set(path, { ...file, path })
    for (let end = 1; end < segments.length; end++) folders.add(segments.slice(0, end).join('/'))
    sizeBytes += file.sizeBytes
  }
  for (const path of byPath.keys()) {
    if (folders.has(path)) throw badRequest(`"${path}" is a file and a folder at once.`, 'files')
  }
  if (sizeBytes > CODE_MAX_BYTES)
    throw badRequest(`A snapshot may have at most ${CODE_MAX_BYTES} bytes; data belongs into a dataset.`, 'files')
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

function manifestDigest(manifest: readonly CodeFile[]): string {
  const lines = manifest.map((file) => JSON.stringify([file.path, file.sha256, file.sizeBytes]))
  return createHash('sha256').update(lines.join('\n')).digest('hex')
}

/** A snapshot's files by path. @throws AppError bad_request (field `code_digest`) when the project has no such snapshot */
export async function snapshotFiles(ctx: Context, projectId: string, digest: string): Promise<Map<string, CodeFile>> {
  const rows = await codeFiles(ctx.db, projectId, digest)
  if (rows.length === 0)
    throw badRequest(
      `This project has no code snapshot "${digest.slice(0, 80)}". Upload the code first.`,
      'code_digest',
    )
  return new Map(rows.map((row) => [row.path, { path: row.path, sha256: row.sha256, sizeBytes: row.size_bytes }]))
}

/** The text of one small file of a snapshot. @throws AppError bad_request when it is larger than `maxBytes` */
export async function readCodeText(ctx: Context, file: CodeFile, maxBytes: number): Promise<string> {
  const { stream, sizeBytes } = await ctx.blobs.openContent(file.sha256)
  if (sizeBytes > maxBytes) {
    stream.destroy()
    throw badRequest(`${file.path} is larger than ${maxBytes} bytes.`, 'code_digest')
  }
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** A job writes to its own run and what belongs to it; it starts no other jobs. */
export function refuseJobs(actor: Actor): void {
  if (actor.run !== null) throw new AppError('forbidden', "A job's own token may not submit or change jobs.")
}
