import { access, mkdir, opendir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { notFound } from '../lib/errors.ts'
import { newId } from '../lib/ids.ts'
import { openPlainFile } from '../lib/plain-file.ts'
import { localUploads } from './local-uploads.ts'
import { readFileStream } from './reading.ts'
import type { BlobKind, BlobStore, ByteRange, ListedBlob } from './store.ts'
import { moveInto, writeTemporary } from './writing.ts'

const IDS: Record<BlobKind, RegExp> = { content: /^[0-9a-f]{64}$/, objects: /^[0-9a-f]{32}$/ }

/** The key of a blob below the store's root, on a disk and in a bucket. @throws AppError not_found for what is no id */
export function blobKey(kind: BlobKind, id: string): [BlobKind, string, string] {
  if (!IDS[kind].test(id)) throw notFound('No such content.')
  // An object's first letters are a time: its last ones spread.
  return [kind, kind === 'content' ? id.slice(0, 2) : id.slice(-2), id]
}

/** A blob store in a folder of this machine. Temporary files left by a killed process are swept at the next start. */
export async function openLocalStore(root: string, options: { sweep: boolean }): Promise<BlobStore> {
  const temporary = join(root, 'tmp')
  if (options.sweep) await rm(temporary, { recursive: true, force: true })
  await mkdir(temporary, { recursive: true, mode: 0o700 })
  const pathOf = (kind: BlobKind, id: string): string => join(root, ...blobKey(kind, id))
  const uploads = await localUploads(join(root, 'uploads'), (objectId) => pathOf('objects', objectId))

  return {
    async putContent(source, putOptions) {
      const { path, ...stored } = await writeTemporary(temporary, source, putOptions)
      await moveInto(path, pathOf('content', stored.sha256))
      return stored
    },
    hasContent: async (sha256) => exists(pathOf('content', sha256)),
    openContent: async (sha256, range) => openAt(pathOf('content', sha256), range),
    async contentPath(sha256) {
      const path = pathOf('content', sha256)
      if (!(await exists(path))) throw notFound('No such content.')
      return path
    },
    async putObject(source, putOptions) {
      const { path, ...stored } = await writeTemporary(temporary, source, putOptions)
      const id = newId()
      await moveInto(path, pathOf('objects', id))
      return { ...stored, id }
    },
    openObject: async (id, range) => openAt(pathOf('objects', id), range),
    remove: async (kind, id) => rm(pathOf(kind, id), { force: true }),
    list: (kind) => listBlobs(root, kind),
    sweep: (olderThanMs) => uploads.sweep(olderThanMs),
    uploads,
  }
}

async function openAt(path: string, range?: ByteRange): Promise<{ stream: Readable; sizeBytes: number }> {
  const file = await openPlainFile(path)
  if (file === null) throw notFound('No such file.')
  const { size } = await file.stat()
  return { stream: readFileStream(file, size, range), sizeBytes: size }
}

async function* listBlobs(root: string, kind: BlobKind): AsyncGenerator<ListedBlob> {
  for await (const folder of entriesOf(join(root, kind))) {
    if (!folder.isDirectory()) continue
    for await (const file of entriesOf(join(root, kind, folder.name))) {
      if (!file.isFile() || !IDS[kind].test(file.name)) continue
      const info = await stat(join(root, kind, folder.name, file.name)).catch(() => null)
      if (info !== null) yield { id: file.name, sizeBytes: info.size, modifiedAtMs: Math.floor(info.mtimeMs) }
    }
  }
}

async function* entriesOf(path: string) {
  try {
    yield* await opendir(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
