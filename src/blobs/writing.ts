import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { IncomingMessage } from 'node:http'
import { dirname, join } from 'node:path'
import { finished, type Readable, Writable } from 'node:stream'
import { AppError, badRequest } from '../lib/errors.ts'
import { bytesPassed } from '../lib/young-generation.ts'
import type { PutOptions, StoredBlob } from './store.ts'

/** Bytes that go to the disk in one call. Sockets give 64 KiB at a time: a call for each would cost more than the writing. */
const WRITE_BYTES = 1024 * 1024
/**
 * After so many bytes the disk is told to begin: else one `fsync` at the end waits for all of them, gigabytes or few. Two are
 * under way at once: while the file system notes in its journal where the first bytes are, the disk takes the next.
 */
const FLUSH_BYTES = 8 * 1024 * 1024

/** @throws AppError when these bytes may not be kept */
export function checkStored(stored: StoredBlob, { expectedSha256, sizeBytes }: PutOptions): void {
  if (sizeBytes !== undefined && stored.sizeBytes !== sizeBytes) {
    throw badRequest(
      `The upload has ${stored.sizeBytes} bytes, its Content-Length says ${sizeBytes}; nothing was stored.`,
    )
  }
  if (expectedSha256 !== undefined && stored.sha256 !== expectedSha256) {
    throw new AppError(
      'unprocessable',
      `The content's SHA-256 is ${stored.sha256}, not ${expectedSha256}. Nothing was stored; send it again.`,
      { field: 'sha256' },
    )
  }
}

export function tooLarge(limitBytes: number): AppError {
  return new AppError('payload_too_large', `The file is larger than the limit of ${limitBytes} bytes.`)
}

/** Writes a stream into a new file of a folder of temporary files, on the disk when this returns; a failure leaves none. */
export async function writeTemporary(
  folder: string,
  source: Readable,
  options: PutOptions,
): Promise<StoredBlob & { path: string }> {
  const path = join(folder, randomBytes(12).toString('hex'))
  let file: FileHandle | undefined
  try {
    // Before a byte is read: what cannot be kept need not travel.
    if ((options.sizeBytes ?? 0) > options.limitBytes) throw tooLarge(options.limitBytes)
    file = await open(path, 'wx', 0o600)
    const stored = await writeStream(file, 0, source, 'sha256', options.limitBytes)
    const written = { sha256: stored.digest, sizeBytes: stored.sizeBytes }
    checkStored(written, options)
    await file.sync()
    await file.close()
    return { path, ...written }
  } catch (error) {
    await file?.close().catch(() => {})
    await rm(path, { force: true })
    throw error
  }
}

/**
 * Writes a stream into a file from `position` on, in large calls: while one is written, the next is received and hashed.
 * @throws AppError payload_too_large beyond `limitBytes`, having written no more than that
 */
export async function writeStream(
  file: FileHandle,
  position: number,
  source: Readable,
  algorithm: 'sha256' | 'md5',
  limitBytes: number,
): Promise<{ digest: string; sizeBytes: number }> {
  const hash = createHash(algorithm)
  const writer = createWriter(file, position, source instanceof IncomingMessage ? freeMemory : letGo)
  let sizeBytes = 0
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length
      if (sizeBytes > limitBytes) {
        done(tooLarge(limitBytes))
        return
      }
      const busy = writer.take(chunk)
      hash.update(chunk)
      if (busy === null) done()
      else busy.then(() => done(), done)
    },
  })
  try {
    await pour(source, sink)
  } finally {
    // Also when the source broke off: the file is closed next, and a write may be under way.
    await writer.end()
  }
  return { digest: hash.digest('hex'), sizeBytes }
}

/**
 * All of a stream into another; resolves when that has taken it. Not `pipeline`, which destroys what it did not read to the
 * end: a request would then never be answered (http/raw-body.ts takes in the rest).
 */
function pour(source: Readable, sink: Writable): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    finished(source, { writable: false }, (error) => {
      if (error) sink.destroy(error)
    })
    finished(sink, (error) => {
      if (!error) resolve()
      else {
        if (!(source instanceof IncomingMessage)) source.destroy()
        reject(error)
      }
    })
    source.pipe(sink)
  })
}

/** For buffers that someone else may hold: the collector finds out. */
function letGo(chunk: Buffer): void {
  bytesPassed(chunk.length)
}

/**
 * For those of a request's body, which nobody else ever sees: their memory is given back at once instead of waiting for
 * the collector, which then has nothing to do (measured: an eighth of the processor time of an upload).
 */
function freeMemory(chunk: Buffer): void {
  const { buffer } = chunk
  // A small piece may lie in a buffer that Node shares among many.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === chunk.byteLength) buffer.transfer(0)
  else letGo(chunk)
}

/** @param free called with each chunk that was written */
function createWriter(file: FileHandle, start: number, free: (chunk: Buffer) => void) {
  let position = start
  let batch: Buffer[] = []
  let batchBytes = 0
  let unflushed = 0
  let failure: unknown
  let writing: Promise<void> | undefined
  let flushing: Promise<void> | undefined
  let flushingBefore: Promise<void> | undefined

  async function write(chunks: Buffer[], bytes: number): Promise<void> {
    const at = position
    position += bytes
    const { bytesWritten } = await file.writev(chunks, at)
    // A short write means a full disk or a limit: the rest alone names the reason.
    if (bytesWritten < bytes) {
      const rest = Buffer.concat(chunks).subarray(bytesWritten)
      for (let done = 0; done < rest.length; )
        done += (await file.write(rest, done, rest.length - done, at + bytesWritten + done)).bytesWritten
    }
    for (const chunk of chunks) free(chunk)
  }

  /** Waits for the write under way and begins the next. */
  async function flush(): Promise<void> {
    await writing
    if (failure !== undefined) throw failure
    if (batchBytes === 0) return
    const fail = (error: unknown) => {
      failure ??= error
    }
    writing = write(batch, batchBytes).catch(fail)
    unflushed += batchBytes
    batch = []
    batchBytes = 0
    if (unflushed < FLUSH_BYTES) return
    unflushed = 0
    await flushingBefore
    flushingBefore = flushing
    flushing = file.datasync().catch(fail)
  }

  return {
    /** @returns null when more may come at once */
    take(chunk: Buffer): Promise<void> | null {
      batch.push(chunk)
      batchBytes += chunk.length
      return batchBytes >= WRITE_BYTES ? flush() : null
    },
    async end(): Promise<void> {
      await flush()
      await Promise.all([writing, flushingBefore, flushing])
      if (failure !== undefined) throw failure
    },
  }
}

/** Rename, then fsync the folder: after a power cut the file is wholly there or wholly absent. */
export async function moveInto(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  await rename(from, to)
  const folder = await open(dirname(to), constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
