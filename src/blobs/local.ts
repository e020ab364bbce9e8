import { createHash, randomBytes } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { access, type FileHandle, lstat, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { AppError, notFound } from '../lib/errors.ts'
import type { BlobStore, ByteRange, FileEntry, StoredBlob } from './store.ts'

const SHA256 = /^[0-9a-f]{64}$/

/** A blob store in a folder of this machine. Temporary files left by a killed process are swept at the next start. */
export async function openLocalStore(root: string, options: { sweep: boolean }): Promise<BlobStore> {
  const temporary = join(root, 'tmp')
  if (options.sweep) await rm(temporary, { recursive: true, force: true })
  await mkdir(temporary, { recursive: true, mode: 0o700 })
  const contentPath = (sha256: string): string => {
    if (!SHA256.test(sha256)) throw notFound('No such content.')
    return join(root, 'content', sha256.slice(0, 2), sha256)
  }
  const filePath = (key: readonly string[]): string => {
    // The segments were validated by lib/relative-path; this is the second lock on the same door.
    for (const part of key) {
      if (part === '' || part === '.' || part === '..' || /[/\\\0]/.test(part))
        throw new AppError('bad_request', 'Invalid path.')
    }
    return join(root, 'files', ...key)
  }

  return {
    async putContent(source, { limitBytes, expectedSha256 }) {
      const written = await writeTemporary(temporary, source, limitBytes)
      if (expectedSha256 !== undefined && written.sha256 !== expectedSha256) {
        await rm(written.path, { force: true })
        throw new AppError(
          'unprocessable',
          `The content's SHA-256 is ${written.sha256}, not ${expectedSha256}. Nothing was stored; send it again.`,
          { field: 'sha256' },
        )
      }
      await moveInto(written.path, contentPath(written.sha256))
      return { sha256: written.sha256, sizeBytes: written.sizeBytes }
    },
    hasContent: (sha256) => exists(contentPath(sha256)),
    openContent: (sha256, range) => openAt(contentPath(sha256), range),
    async contentPath(sha256) {
      const path = contentPath(sha256)
      if (!(await exists(path))) throw notFound('No such content.')
      return path
    },
    async putFile(key, source, { limitBytes }) {
      const target = filePath(key)
      const written = await writeTemporary(temporary, source, limitBytes)
      try {
        await moveInto(written.path, target)
      } catch (error) {
        await rm(written.path, { force: true })
        if (['ENOTDIR', 'EISDIR', 'EEXIST', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) {
          throw new AppError(
            'conflict',
            `"${key.at(-1)}" cannot be written: a file stands where a folder is needed, or a folder where the file is.`,
            { field: 'path' },
          )
        }
        throw error
      }
      return { sha256: written.sha256, sizeBytes: written.sizeBytes }
    },
    async statFile(key) {
      const info = await lstatOrNull(filePath(key))
      return info === null || info.isSymbolicLink() ? null : { isFolder: info.isDirectory(), sizeBytes: info.size }
    },
    openFile: (key, range) => openAt(filePath(key), range),
    listFolder: (key) => listAt(filePath(key)),
    removeTree: (key) => rm(filePath(key), { recursive: true, force: true }),
  }
}

type Written = StoredBlob & { path: string }

async function writeTemporary(folder: string, source: Readable, limitBytes: number): Promise<Written> {
  const path = join(folder, randomBytes(12).toString('hex'))
  const hash = createHash('sha256')
  let sizeBytes = 0
  let file: FileHandle | undefined
  try {
    file = await open(path, 'wx', 0o600)
    for await (const chunk of source as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length
      if (sizeBytes > limitBytes)
        throw new AppError('payload_too_large', `The file is larger than the limit of ${limitBytes} bytes.`)
      hash.update(chunk)
      for (let written = 0; written < chunk.length; ) written += (await file.write(chunk, written)).bytesWritten
    }
    await file.sync()
    await file.close()
    return { path, sha256: hash.digest('hex'), sizeBytes }
  } catch (error) {
    await file?.close().catch(() => {})
    await rm(path, { force: true })
    throw error
  }
}

/** Rename, then fsync the folder: after a power cut the file is wholly there or wholly absent. */
async function moveInto(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  await rename(from, to)
  const folder = await open(dirname(to), constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function openAt(path: string, range?: ByteRange): Promise<{ stream: Readable; sizeBytes: number }> {
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw notFound('No such file.')
    throw error
  }
  const info = await file.stat()
  if (!info.isFile()) {
    await file.close()
    throw new AppError('bad_request', 'This path is a folder, not a file.', { field: 'path' })
  }
  return {
    stream: createReadStream(path, { fd: file, ...(range ?? {}), highWaterMark: 256 * 1024 }),
    sizeBytes: info.size,
  }
}

async function listAt(path: string): Promise<FileEntry[]> {
  try {
    const entries = (await readdir(path, { withFileTypes: true })).filter(
      (entry) => entry.isFile() || entry.isDirectory(),
    )
    const listed = await Promise.all(
      entries.map(async (entry) => ({
        name: entry.name,
        isFolder: entry.isDirectory(),
        sizeBytes: entry.isFile() ? (await stat(join(path, entry.name))).size : 0,
      })),
    )
    return listed.sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

async function lstatOrNull(path: string) {
  return lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw error
  })
}
