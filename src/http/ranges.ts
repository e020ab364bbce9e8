import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ByteRange } from '../blobs/store.ts'
import { sendDownload } from './download.ts'

export type RangedFile = {
  /** Its last segment becomes the file's name. */
  path: string
  sizeBytes: number
  /** Hash of the content: makes `If-None-Match` and `If-Range` work. Null for a file that may be overwritten. */
  sha256: string | null
  open(range?: ByteRange): Promise<{ stream: Readable }>
}

/**
 * Sends stored bytes as a download, whole or the one range asked for (RFC 9110). A range of another kind, or several, is
 * answered with the whole file; one beyond its end with 416.
 */
export async function sendRanged(
  request: FastifyRequest,
  reply: FastifyReply,
  file: RangedFile,
): Promise<FastifyReply> {
  const { sizeBytes } = file
  const tag = file.sha256 === null ? null : `"${file.sha256}"`
  reply.header('accept-ranges', 'bytes').header('cache-control', 'private, no-cache')
  if (tag !== null) reply.header('etag', tag)
  if (tag !== null && request.headers['if-none-match'] === tag) return reply.code(304).send()
  const ifRange = request.headers['if-range']
  const range = ifRange === undefined || ifRange === tag ? rangeOf(request.headers.range, sizeBytes) : null
  if (range === 'unsatisfiable') return reply.code(416).header('content-range', `bytes */${sizeBytes}`).send()
  if (range !== null) reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${sizeBytes}`)
  const length = range === null ? sizeBytes : range.end - range.start + 1
  // Fastify would read a stream to its end for nothing.
  if (request.method === 'HEAD') return sendDownload(reply, Readable.from([]), file.path, length)
  const { stream } = await file.open(range ?? undefined)
  return sendDownload(reply, stream, file.path, length)
}

/** Null: send everything (no range, or one of a kind that is not served). */
function rangeOf(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | null {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? []
  if (first === '' && last === '') return null
  if (first === '')
    return Number(last) === 0 || size === 0
      ? 'unsatisfiable'
      : { start: Math.max(0, size - Number(last)), end: size - 1 }
  if (last !== '' && Number(last) < Number(first)) return null
  if (Number(first) >= size) return 'unsatisfiable'
  return { start: Number(first), end: last === '' ? size - 1 : Math.min(Number(last), size - 1) }
}
