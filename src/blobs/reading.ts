import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { bytesPassed } from '../lib/young-generation.ts'
import type { ByteRange } from './store.ts'

/** Bytes that are read in one call. */
const READ_BYTES = 256 * 1024

/**
 * The bytes of an open file, or a range of them; closes the file. A file that ends before it should breaks the stream off:
 * a shorter answer would pass for the whole.
 */
export function readFileStream(file: FileHandle, sizeBytes: number, range?: ByteRange): Readable {
  let position = range?.start ?? 0
  const end = Math.min(range === undefined ? sizeBytes : range.end + 1, sizeBytes)
  return new Readable({
    highWaterMark: READ_BYTES,
    read() {
      const length = Math.min(READ_BYTES, end - position)
      if (length <= 0) {
        this.push(null)
        return
      }
      file.read(Buffer.allocUnsafeSlow(length), 0, length, position).then(
        ({ bytesRead, buffer }) => {
          if (bytesRead === 0) this.destroy(new Error(`A stored file ended ${end - position} bytes too early.`))
          position += bytesRead
          bytesPassed(bytesRead)
          this.push(bytesRead === length ? buffer : buffer.subarray(0, bytesRead))
        },
        (error: Error) => this.destroy(error),
      )
    },
    destroy(error, done) {
      file.close().then(
        () => done(error),
        (closing: Error) => done(error ?? closing),
      )
    },
  })
}
