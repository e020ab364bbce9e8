import { lstat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Report } from '../report.ts'
import type { ArtifactFile, Artifacts } from '../types.ts'
import type { SafeFolder } from './safe-folder.ts'

async function* nothing(): AsyncIterable<ArtifactFile> {}

/** The path on a disk that a URI means; null for a URI of another store. */
export function localPath(uri: string): string | null {
  if (/^file:/i.test(uri)) {
    try {
      return fileURLToPath(uri.replace(/^file:(?!\/\/)/i, 'file://'))
    } catch {
      return null
    }
  }
  return /^[a-z][a-z0-9+.-]*:/i.test(uri) ? null : uri
}

/** Whether files at this URI are copied to us; what lies in S3 and the like stays there, and clients go on reading it there. */
export function comesHere(uri: string): boolean {
  return uri === '' || localPath(uri) !== null || /^mlflow-artifacts:/i.test(uri)
}

/**
 * Artifacts in folders of this machine. Only these folders are read, whatever a store says: its artifact locations are
 * input like everything else. A store that was moved names its old place; the same ending is looked for in the folders.
 */
export class ArtifactFolders {
  readonly #roots: readonly SafeFolder[]
  readonly #report: Report
  readonly #told = new Set<string>()

  constructor(roots: readonly SafeFolder[], report: Report) {
    this.#roots = roots
    this.#report = report
  }

  /** @param id of the run or logged model whose artifacts they are, which is part of the path */
  async at(uri: string, id: string): Promise<Artifacts> {
    const served = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.*)$/i.exec(uri)?.[1]
    const path = served ?? localPath(uri)
    if (path === null) return { elsewhere: uri.slice(0, 200) }
    const parts = path.split('/').filter((part) => part !== '' && part !== '.')
    for (const root of this.#roots) {
      const below = served === undefined ? insideOf(root.root, path) : parts
      if (below !== null && (served === undefined || (await isFolder(root, below))))
        return { files: root.files(...below) }
    }
    for (const root of this.#roots) {
      for (const ending of endings(parts, id)) {
        if (await isFolder(root, ending)) return { files: root.files(...ending) }
      }
    }
    await this.#tell(uri, path, id)
    return { files: nothing() }
  }

  /** Once for all that lies beside it: a store of ten thousand runs has one wrong folder. */
  async #tell(uri: string, path: string, id: string): Promise<void> {
    const above = path.split(id)[0] ?? path
    if (this.#told.has(above)) return
    this.#told.add(above)
    const isHere = await lstat(path).then(
      () => true,
      () => false,
    )
    const why = isHere
      ? 'they lie outside of the folders that this import may read'
      : 'that folder is not here, or not named'
    this.#report.problem(
      `artifacts at ${uri}`,
      `${why}; if they are to be imported, name their folder with --artifacts`,
    )
  }
}

function insideOf(root: string, path: string): string[] | null {
  if (path !== root && !path.startsWith(`${root}/`)) return null
  const parts = path
    .slice(root.length)
    .split('/')
    .filter((part) => part !== '' && part !== '.')
  return parts.includes('..') ? null : parts
}

/** `<experiment>/<run>/artifacts`, `<experiment>/models/<model>/artifacts`, and shorter ones. */
function endings(parts: readonly string[], id: string): string[][] {
  const at = parts.lastIndexOf(id)
  if (at < 0 || parts.includes('..')) return []
  return [at - 2, at - 1, at].filter((start) => start >= 0).map((start) => parts.slice(start))
}

async function isFolder(root: SafeFolder, parts: readonly string[]): Promise<boolean> {
  if (parts.includes('..')) return false
  const real = await root.inside(...parts)
  return real !== null && (await lstat(real)).isDirectory()
}
