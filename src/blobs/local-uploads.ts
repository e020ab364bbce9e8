import { constants } from 'node:fs'
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { badRequest, notFound } from '../lib/errors.ts'
import { newId } from '../lib/ids.ts'
import { readFileStream } from './reading.ts'
import type { PartedUpload, PartedUploads } from './store.ts'
import { moveInto, writeStream } from './writing.ts'

/**
 * Uploads in parts, in a folder: each part is written at its own place of the one file that becomes the object. Only a last
 * part that comes before any other tells its place waits in a file of its own; it is the smallest of them.
 */
export async function localUploads(
  root: string,
  objectPath: (objectId: string) => string,
): Promise<PartedUploads & { sweep(olderThanMs: number): Promise<number> }> {
  await mkdir(root, { recursive: true, mode: 0o700 })
  const whole = (upload: PartedUpload) => join(root, upload.objectId)
  const last = (upload: PartedUpload) => join(root, `${upload.objectId}.last`)
  const abort = async (upload: PartedUpload) => {
    await rm(whole(upload), { force: true })
    await rm(last(upload), { force: true })
  }

  return {
    async start() {
      const upload = { objectId: newId(), storeUploadId: '' }
      await (await open(whole(upload), 'wx', 0o600)).close()
      return upload
    },
    partUrl: async () => null,
    async putPart(upload, { offset, sizeBytes }, source) {
      // Never made here: a part that comes after the upload was ended would make a file that nobody knows.
      const flags = constants.O_WRONLY | (offset === null ? constants.O_CREAT | constants.O_TRUNC : 0)
      const file = await openUpload(offset === null ? last(upload) : whole(upload), flags)
      try {
        const written = await writeStream(file, offset ?? 0, source, 'md5', sizeBytes)
        if (written.sizeBytes !== sizeBytes)
          throw badRequest(
            `The part has ${written.sizeBytes} bytes, its Content-Length says ${sizeBytes}; send it again.`,
          )
        await file.datasync()
        return written.digest
      } finally {
        await file.close()
      }
    },
    async complete(upload, _parts, sizeBytes) {
      // A server that was killed between this and the row of the file: the object is there.
      const done = await stat(objectPath(upload.objectId)).catch(() => null)
      if (done !== null && done.size === sizeBytes) return { sizeBytes }
      const file = await openUpload(whole(upload), constants.O_WRONLY)
      try {
        const waiting = await stat(last(upload)).catch(() => null)
        if (waiting !== null && sizeBytes !== null) {
          const part = await open(last(upload), 'r')
          const stream = readFileStream(part, waiting.size)
          // No hash is needed: the part was checked when it came.
          await writeStream(file, sizeBytes - waiting.size, stream, 'md5', waiting.size)
        }
        const { size } = await file.stat()
        if (size !== sizeBytes)
          throw badRequest(`The parts make ${sizeBytes} bytes, but ${size} were received.`, 'parts')
        await file.sync()
      } finally {
        await file.close()
      }
      await moveInto(whole(upload), objectPath(upload.objectId))
      await rm(last(upload), { force: true })
      return { sizeBytes: sizeBytes ?? 0 }
    },
    abort,
    downloadUrl: async () => null,
    sweep: (olderThanMs) => removeOlder(root, olderThanMs),
  }
}

async function removeOlder(folder: string, olderThanMs: number): Promise<number> {
  let removed = 0
  for (const name of await readdir(folder)) {
    const info = await stat(join(folder, name)).catch(() => null)
    if (info === null || info.mtimeMs >= olderThanMs) continue
    await rm(join(folder, name), { force: true })
    removed++
  }
  return removed
}

async function openUpload(path: string, flags: number) {
  try {
    return await open(path, flags | constants.O_NOFOLLOW, 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw notFound('There is no such upload, or it has ended.')
    throw error
  }
}
