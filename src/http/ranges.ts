import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ByteRange } from '../blobs/store.ts'
import { sendDownload } from './download.ts'

export type RangedFile = {
  /** Its last segment becomes the file's name. */
  path: string
  sizeBytes: number
  /** Hash of the content, for `Repr-Digest` and, without a `tag`, `ETag`. Null when it is not known. */
  sha256: string | null
  /** Another name of exactly these bytes: makes `If-None-Match` and `If-Range` work. */
  tag?: string
  open(range?: ByteRange): Promise<{ stream: Readable }>
}

/**
 * Sends stored bytes as a download, whole or the one range asked for (RFC 9110). Several ranges, or a range of another
 * unit, are answered with the whole file (200), as the RFC allows: no client of ours asks for more than one, and answers
 * put together from many small ranges cost a server far more than they cost who asks. One beyond the end: 416.
 */
export async function sendRanged(
  request: FastifyRequest,
  reply: FastifyReply,
  file: RangedFile,
): Promise<FastifyReply> {
  const { sizeBytes } = file
  const name = file.tag ?? file.sha256
  const tag = name === null ? null : `"${name}"`
  reply.header('accept-ranges', 'bytes').header('cache-control', 'private, no-cache')
  if (tag !== null) reply.header('etag', tag)
  if (file.sha256 !== null)
    reply.header('repr-digest', `sha-256=:${Buffer.from(file.sha256, 'hex').toString('base64')}:`)
  if (tag !== null && namesTag(request.headers['if-none-match'], tag)) return reply.code(304).send()
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

/** Whether `If-None-Match` holds this tag, compared weakly: a proxy may have marked it `W/` when it compressed. */
function namesTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === tag)
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
