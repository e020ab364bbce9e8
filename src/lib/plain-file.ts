import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

/**
 * Opens a file in a folder that user code can write to, when it is a plain file. What the code may have put there instead
 * (a link to a file of the server's, a pipe whose opening waits for ever, a folder) counts as absent.
 * @returns null when there is none
 */
export async function openPlainFile(path: string): Promise<FileHandle | null> {
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes((error as NodeJS.ErrnoException).code ?? '')) return null
    throw error
  }
  if ((await file.stat()).isFile()) return file
  await file.close()
  return null
}

/** The text of such a file; null when there is none, or it is larger than `maxBytes`. */
export async function readPlainText(path: string, maxBytes: number): Promise<{ text: string; mtimeMs: number } | null> {
  const file = await openPlainFile(path)
  if (file === null) return null
  try {
    const { size, mtimeMs } = await file.stat()
    return size > maxBytes ? null : { text: await file.readFile('utf8'), mtimeMs }
  } finally {
    await file.close()
  }
}
