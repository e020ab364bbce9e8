import type { Context } from '../../context.ts'
import { AppError } from '../../lib/errors.ts'
import { isVersionFile, ownVersionFolder, shareFolder } from '../artifacts/sharing.service.ts'

/** A version's own folder in its project's artifacts, and the digest of what is in it. */
export type OwnFiles = { path: string; digest: string }

/**
 * Gives a version that is being registered its files by names of its own, which nobody changes: what is written to its run
 * or logged model afterwards is not in it (decision 0017). No byte is copied. Null when there are no files yet (a client may
 * register first and upload then), too many, or one whose checksum is not known yet: then the version is what its source is.
 */
export async function holdFiles(
  tx: Context,
  projectId: string,
  folder: string,
  versionId: string,
): Promise<OwnFiles | null> {
  const path = ownVersionFolder(versionId)
  try {
    const { digest } = await shareFolder(tx, { projectId, path: folder }, { projectId, path })
    return { path, digest }
  } catch (error) {
    // Both are told before anything is written.
    if (error instanceof AppError && (error.code === 'conflict' || error.code === 'payload_too_large')) return null
    throw error
  }
}

/** Where a version's files are fetched from: its own folder when it has one. */
export function filesUri(row: { artifact_path: string | null; download_uri: string }): string {
  const { artifact_path: path, download_uri } = row
  return path !== null && isVersionFile(path) ? `mlflow-artifacts:/${path}` : download_uri
}
