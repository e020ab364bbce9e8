import createClient from 'openapi-fetch'
import { BASE_PATH } from '../base.ts'
import { ApiError, type ErrorBody, signInNeeded } from './errors.ts'
import type { paths } from './schema.gen.ts'

/** The generated client: paths, parameters and answers are those of openapi.json. */
export const client = createClient<paths>({
  baseUrl: `${window.location.origin}${BASE_PATH}`,
  credentials: 'same-origin',
})

type Answer<T> = { data?: T; error?: unknown; response: Response }

/**
 * The data of an answer.
 * @throws ApiError with the server's own words, the field and the request id
 */
export async function ok<T>(request: Promise<Answer<T>>): Promise<NonNullable<T>> {
  let answer: Answer<T>
  try {
    answer = await request
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    throw new ApiError(0, {
      code: 'offline',
      message: 'The server does not answer. Is it running, and are you online?',
      request_id: '',
    })
  }
  if (answer.response.ok) return answer.data as NonNullable<T>
  throw errorOf(answer.response, answer.error)
}

function errorOf(response: Response, body: unknown): ApiError {
  const known = (body as { error?: ErrorBody } | undefined)?.error
  const error = new ApiError(
    response.status,
    known ?? {
      code: 'unknown',
      message: `The server answered ${response.status} ${response.statusText}.`,
      request_id: response.headers.get('x-request-id') ?? '',
    },
  )
  if (response.status === 401) signInNeeded(error)
  return error
}

/** The address of one of our routes, for what is fetched without the client: streams, files, images. */
export function apiUrl(path: string): string {
  return `${BASE_PATH}/api/v1${path}`
}

/** Bytes or text of a route. @throws ApiError */
export async function fetchRaw(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response
  try {
    response = await fetch(apiUrl(path), { credentials: 'same-origin', ...init })
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    throw new ApiError(0, {
      code: 'offline',
      message: 'The server does not answer. Is it running, and are you online?',
      request_id: '',
    })
  }
  if (response.ok) return response
  throw errorOf(response, await response.json().catch(() => undefined))
}

/** `/projects/<owner>/<project>/…` with every part made safe for a URL. */
export function projectPath(scope: { owner: string; project: string }, ...parts: (string | number)[]): string {
  return `/projects/${[scope.owner, scope.project, ...parts].map((part) => encodeURIComponent(String(part))).join('/')}`
}
