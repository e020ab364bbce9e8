import { createHash } from 'node:crypto'
import type { Context } from '../../context.ts'
import { AppError, conflict } from '../../lib/errors.ts'
import { aboutToBeSwept } from '../recycling/references.service.ts'
import { holdFolders } from './artifacts.store.ts'
import { foldersAbove } from './paths.ts'
import { frozenBelow, insertEntries } from './sharing.store.ts'

/** Files that a shared folder may hold: all of them are named in one transaction. */
const FILES_MAX = 20_000

/** What stands for the files of registered versions that have a folder of their own. */
const VERSIONS = 'model-versions'

/** The folder of a version's own files in its project. */
export function ownVersionFolder(versionId: string): string {
  return `${VERSIONS}/${versionId}/artifacts`
}

/** Whether a path lies among the files of registered versions, which nobody changes. */
export function isVersionFile(path: string): boolean {
  return path === VERSIONS || path.startsWith(`${VERSIONS}/`)
}

type Folder = { projectId: string; path: string }

/**
 * Puts the files of a folder into another folder, of any project, that does not exist yet. No byte is copied: both name the
 * same objects, which stay for as long as one of them does. Joins the caller's transaction.
 * @returns the digest of the content: SHA-256 over the paths, sizes and checksums of all files
 * @throws AppError conflict when there are no files, or a checksum is still being computed; payload_too_large
 */
export async function shareFolder(tx: Context, from: Folder, to: Folder): Promise<{ files: number; digest: string }> {
  const entries = await frozenBelow(tx.db, from.projectId, from.path, FILES_MAX + 1)
  if (entries.length > FILES_MAX)
    throw new AppError('payload_too_large', `The folder holds more than ${FILES_MAX} files and folders.`)
  const files = entries.filter((entry) => entry.object_id !== null)
  if (files.length === 0) throw conflict('There are no files: they were deleted, or were never uploaded.')
  const digest = createHash('sha256')
  for (const { folder, name, size_bytes, sha256 } of files) {
    if (sha256 === null)
      throw conflict(`The checksum of "${name}" is still being computed: try again in a moment.`, 'version')
    digest.update(`${JSON.stringify([folder.slice(from.path.length), name, size_bytes, sha256])}\n`)
  }
  const objects = files.flatMap((file) => file.object_id ?? [])
  if (await aboutToBeSwept(tx, 'objects', objects))
    throw new AppError('unavailable', 'The files are being removed as unused.', { retryAfterSeconds: 1 })
  await holdFolders(tx.db, to.projectId, foldersAbove({ folder: to.path, name: '' }), tx.now())
  await insertEntries(
    tx.db,
    entries.map((entry) => ({
      ...entry,
      project_id: to.projectId,
      folder: `${to.path}${entry.folder.slice(from.path.length)}`,
    })),
  )
  return { files: files.length, digest: digest.digest('hex') }
}
