import type { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'

/**
 * Sends stored bytes as a download. What users upload is never shown as a page of ours: no type is guessed, the browser
 * is told to save it and to run nothing in it.
 * @param path only its last segment is used, as the file's name
 */
export function sendDownload(reply: FastifyReply, stream: Readable, path: string, sizeBytes: number): FastifyReply {
  return asAttachment(reply, path.split('/').at(-1) || 'file')
    .header('content-type', 'application/octet-stream')
    .header('content-length', sizeBytes)
    .send(stream)
}

/** Sends an archive that is made while it is sent. @param sizeBytes null when its length is not known before its end */
export function sendArchive(
  reply: FastifyReply,
  stream: Readable,
  name: string,
  sizeBytes: number | null,
): FastifyReply {
  if (sizeBytes !== null) reply.header('content-length', sizeBytes)
  return asAttachment(reply, name).header('content-type', 'application/zip').send(stream)
}

function asAttachment(reply: FastifyReply, name: string): FastifyReply {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, '_')
  return reply
    .header('content-disposition', `attachment; filename="${ascii}"; filename*=UTF-8''${encodeRfc5987(name)}`)
    .header('content-security-policy', "sandbox; default-src 'none'")
    .header('x-content-type-options', 'nosniff')
}

function encodeRfc5987(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (ch) => `%${ch.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
