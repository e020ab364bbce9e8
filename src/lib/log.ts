/** The part of pino that our code uses: structured fields first, then a sentence. Never a secret in the fields. */
export type Logger = {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Logger
}

export const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => SILENT }
