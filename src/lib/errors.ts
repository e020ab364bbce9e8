/**
 * The one table of errors. A service throws `new AppError('not_found', 'Run "x" does not exist.')`; our API answers it
 * as `{error: {code, message, field?, request_id}}`, and each foreign door translates the same code to its own wire.
 * What each status means to a caller: docs/errors.md.
 */
export const ERROR_STATUS = {
  bad_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  misdirected_request: 421,
  unprocessable: 422,
  too_many_requests: 429,
  internal: 500,
  unavailable: 503,
  timeout: 504,
  storage_full: 507,
} as const

export type ErrorCode = keyof typeof ERROR_STATUS

export type ErrorDetails = {
  /** The input field at fault, as the caller wrote it (`body.name`, `metrics[0].key`). */
  field?: string
  /** Seconds after which a retry makes sense (429, 503). */
  retryAfterSeconds?: number
  cause?: unknown
}

export class AppError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly field: string | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'AppError'
    this.code = code
    this.status = ERROR_STATUS[code]
    this.field = details.field
    this.retryAfterSeconds = details.retryAfterSeconds
  }
}

export function badRequest(message: string, field?: string): AppError {
  return new AppError('bad_request', message, field === undefined ? {} : { field })
}

export function notFound(message: string): AppError {
  return new AppError('not_found', message)
}

export function conflict(message: string, field?: string): AppError {
  return new AppError('conflict', message, field === undefined ? {} : { field })
}

export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
