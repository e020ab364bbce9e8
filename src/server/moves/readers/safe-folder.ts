import { createReadStream } from 'node:fs'
import { lstat, readdir, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { openPlainFile } from '../../../lib/plain-file.ts'
import { type ArtifactFile, SourceError } from '../types.ts'

/**
 * A folder that was written by others. Everything is looked up as its real path, and what lies outside of the folder (a
 * link, `..`) is refused: an import must never read a file that is not part of the store.
 */
export class SafeFolder {
  readonly root: string
  readonly #refused: (path: string, why: string) => void

  private constructor(root: string, refused: (path: string, why: string) => void) {
    this.root = root
    this.#refused = refused
  }

  /** @throws Error when there is no such folder */
  static async open(path: string, refused: (path: string, why: string) => void): Promise<SafeFolder> {
    return new SafeFolder(await realpath(path), refused)
  }

  /** The real path of something below; null when it is not there, or not inside (that is reported). */
  async inside(...parts: string[]): Promise<string | null> {
    const wanted = join(this.root, ...parts)
    const shown = parts.join('/')
    if (parts.some((part) => part.includes('\0'))) return this.#refuse(shown, 'its name holds NUL')
    let real: string
    try {
      real = await realpath(wanted)
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes((error as NodeJS.ErrnoException).code ?? '')) return null
      return this.#refuse(shown, `it cannot be opened (${(error as NodeJS.ErrnoException).code})`)
    }
    if (real !== this.root && !real.startsWith(this.root.endsWith(sep) ? this.root : this.root + sep))
      return this.#refuse(shown, 'it leads out of the folder, and was not followed')
    return real
  }

  #refuse(path: string, why: string): null {
    this.#refused(path, why)
    return null
  }

  /** Names of folders or files directly below; links are looked through when they stay inside. */
  async list(kind: 'folder' | 'file', ...parts: string[]): Promise<string[]> {
    const real = await this.inside(...parts)
    if (real === null) return []
    const names: string[] = []
    for (const entry of await entriesOf(real)) {
      const isKind = kind === 'folder' ? entry.isDirectory() : entry.isFile()
      if (isKind || (entry.isSymbolicLink() && (await this.#isKind(kind, [...parts, entry.name]))))
        names.push(entry.name)
    }
    return names.sort()
  }

  async #isKind(kind: 'folder' | 'file', parts: string[]): Promise<boolean> {
    const real = await this.inside(...parts)
    if (real === null) return false
    const info = await lstat(real)
    return kind === 'folder' ? info.isDirectory() : info.isFile()
  }

  /** Every plain file below a folder, paths relative to it, names in order. Links inside of links are not followed twice. */
  async *walk(...parts: string[]): AsyncIterable<{ path: string; sizeBytes: number; modifiedAtMs: number }> {
    const waiting: string[][] = [[]]
    const seen = new Set<string>()
    for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
      const real = await this.inside(...parts, ...folder)
      if (real === null || seen.has(real)) continue
      seen.add(real)
      const below: string[][] = []
      for (const entry of await entriesOf(real)) {
        const path = [...folder, entry.name]
        const target = entry.isSymbolicLink() ? await this.inside(...parts, ...path) : join(real, entry.name)
        if (target === null) continue
        const info = await lstat(target)
        if (info.isDirectory()) below.push(path)
        else if (info.isFile())
          yield { path: path.join('/'), sizeBytes: info.size, modifiedAtMs: Math.floor(info.mtimeMs) }
        else this.#refuse([...parts, ...path].join('/'), 'it is neither a file nor a folder')
      }
      waiting.push(...below.reverse())
    }
  }

  /** A file's bytes. @throws Error when it is not there, not plain, or not inside */
  async stream(...parts: string[]): Promise<Readable> {
    const real = await this.inside(...parts)
    const file = real === null ? null : await openPlainFile(real)
    if (real === null || file === null) throw new SourceError(`${parts.join('/')} is no plain file`)
    return createReadStream(real, { fd: file, highWaterMark: 256 * 1024 })
  }

  /** The text of a file; null when there is none. @throws Error when it is larger than `maxBytes` or no UTF-8 */
  async text(maxBytes: number, ...parts: string[]): Promise<string | null> {
    const real = await this.inside(...parts)
    const file = real === null ? null : await openPlainFile(real)
    if (file === null) return null
    try {
      const { size } = await file.stat()
      if (size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`)
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await file.readFile())
    } finally {
      await file.close()
    }
  }

  /** The artifacts below a folder. */
  async *files(...parts: string[]): AsyncIterable<ArtifactFile> {
    for await (const file of this.walk(...parts)) {
      yield { ...file, open: () => this.stream(...parts, file.path) }
    }
  }
}

async function entriesOf(folder: string) {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}
