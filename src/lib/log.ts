import { pino } from 'pino'

/** The part of pino that our code uses: structured fields first, then a sentence. Never a secret in the fields. */
export type Logger = {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Logger
}

/** Lines wait for each other up to this size or time: one system call a line costs as much as the request it tells of. */
const BUFFER_BYTES = 4_096
const FLUSH_MS = 250

/** A log of JSON lines on standard output. What waits is written when the process ends, except by `kill -9`. */
export function createLog(level: string): Logger {
  const destination = pino.destination({ dest: 1, sync: false, minLength: BUFFER_BYTES })
  setInterval(() => destination.flush(), FLUSH_MS).unref()
  const options = {
    level,
    redact: ['req.headers.authorization', 'req.headers.cookie', 'password', 'token'],
    timestamp: pino.stdTimeFunctions.isoTime,
  }
  return pino(options, destination) as unknown as Logger
}

export const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => SILENT }
