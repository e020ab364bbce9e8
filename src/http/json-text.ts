import type { FastifyReply } from 'fastify'

/**
 * Sends an answer that a thread has already written as JSON text. The route's schema documents it and does not write it:
 * a test compares the text with what the schema would write.
 */
export function sendJsonText(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(text)
}
