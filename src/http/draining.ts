import type { FastifyInstance } from 'fastify'
import { AppError } from '../lib/errors.ts'

/** By then a restart is over; clients that are told nothing wait longer and longer. */
const BACK_IN_SECONDS = 1

/**
 * While the server ends, it finishes what it has begun, and whoever asks anew on a connection that is still open is told to
 * come back, in the words of the door. Fastify's own answer is in nobody's words and does not say when.
 */
export function installDraining(app: FastifyInstance): void {
  let isEnding = false
  app.addHook('preClose', (done) => {
    isEnding = true
    done()
  })
  app.addHook('onRequest', (_request, reply, done) => {
    if (!isEnding) return done()
    reply.header('connection', 'close')
    throw new AppError('unavailable', 'The server is being stopped or restarted; ask again in a moment.', {
      retryAfterSeconds: BACK_IN_SECONDS,
    })
  })
}
