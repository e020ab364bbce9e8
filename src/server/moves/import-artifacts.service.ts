import type { Context } from '../../context.ts'
import { AppError, errorMessage } from '../../lib/errors.ts'
import { pathSegments } from '../../lib/relative-path.ts'
import { artifactPathOf, joinPath, putArtifact, statArtifact } from '../artifacts/artifacts.service.ts'
import type { Import } from './import.service.ts'
import type { Known } from './known-things.service.ts'
import type { ArtifactFile, Artifacts } from './types.ts'

/** More files than a run or a model has; a hostile store must not fill the memory with names. */
const FILES_MAX = 500_000

/** The files of a thing, or where they stay. */
export type FoundFiles = { files: ArtifactFile[]; elsewhere: string | null }

export async function listFiles(move: Import, where: string, artifacts: Artifacts): Promise<FoundFiles> {
  if ('elsewhere' in artifacts) return { files: [], elsewhere: artifacts.elsewhere }
  const files: ArtifactFile[] = []
  for await (const file of artifacts.files) {
    if (files.push(file) < FILES_MAX) continue
    move.report.problem(where, `only its first ${FILES_MAX} files were imported`)
    break
  }
  return { files, elsewhere: null }
}

/** What of the files goes into a fingerprint. */
export function filesMark(files: readonly ArtifactFile[]): string {
  return files.map((file) => `${file.path}:${file.sizeBytes}:${file.modifiedAtMs}`).join('\n')
}

/**
 * Copies files below a place of ours, each checked like a path that a client sends. One that an earlier import copied and
 * that did not change since is not read again.
 */
export async function copyFiles(
  ctx: Context,
  move: Import,
  where: string,
  found: FoundFiles,
  target: { artifactUri: string; known: Known | null },
): Promise<void> {
  const root = artifactPathOf(target.artifactUri)
  if (root === null) return
  for (const file of found.files) {
    try {
      const path = joinPath(root, pathSegments(file.path).join('/'))
      const isSame = target.known !== null && (await isCopied(ctx, move, path, file, target.known))
      if (!isSame) await putArtifact(ctx, move.project, path, await file.open())
      move.report.count('files', isSame ? 'unchanged' : 'moved')
    } catch (error) {
      if (isOurFault(error)) throw error
      move.report.problem(`file ${file.path} of ${where}`, `it was not imported: ${errorMessage(error)}`)
    }
  }
}

async function isCopied(ctx: Context, move: Import, path: string, file: ArtifactFile, known: Known): Promise<boolean> {
  if (file.modifiedAtMs >= known.importedAtMs) return false
  const there = await statArtifact(ctx, move.project.id, path)
  return there !== null && !there.isFolder && there.sizeBytes === file.sizeBytes
}

/** A full disk or a store of ours that is broken ends the import; a file of theirs that cannot be read does not. */
function isOurFault(error: unknown): boolean {
  if (error instanceof AppError) return error.status >= 500
  return ['ENOSPC', 'EDQUOT', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')
}
