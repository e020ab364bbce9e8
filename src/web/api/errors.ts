export type ErrorBody = { code: string; message: string; field?: string; request_id: string }

/** An error of the API in the server's words; `status` 0 means that there was no answer. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly field: string | null
  readonly requestId: string

  constructor(status: number, body: ErrorBody) {
    super(body.message)
    this.name = 'ApiError'
    this.status = status
    this.code = body.code
    this.field = body.field ?? null
    this.requestId = body.request_id
  }

  /** The last part of the field (`body.rows[0].age` → `age`), which a form compares with its inputs' names. */
  get fieldName(): string | null {
    return this.field?.split('.').at(-1) ?? null
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404
}

type Listener = (error: ApiError) => void
let listener: Listener = () => {}

/** What to do when the server wants a sign-in (set once, by main.tsx: show the login page). */
export function onSignInNeeded(callback: Listener): void {
  listener = callback
}

export function signInNeeded(error: ApiError): void {
  listener(error)
}
