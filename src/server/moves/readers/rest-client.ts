import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { AppError } from '../../../lib/errors.ts'
import { parseExact } from '../../../lib/json.ts'
import { SourceError } from '../types.ts'

export type RestCredentials = { username?: string; password?: string; token?: string }
export type Message = { readonly [key: string]: unknown }

/** A running MLflow server, asked as its own client asks it. */
export type RestClient = {
  /** Without credentials. */
  url: string
  /** @throws AppError not_found; Error with the server's words for any other refusal */
  get(path: string, query?: Readonly<Record<string, string | undefined>>): Promise<Message>
  post(path: string, body: Message): Promise<Message>
  /** Bytes of a file. */
  download(path: string, query: Readonly<Record<string, string>>): Promise<Readable>
}

const TIMEOUT_MS = 120_000
const TRIES = 4

/** @param url of the server, possibly with `user:password@` and below a path */
export function restClient(url: string, credentials: RestCredentials): RestClient {
  const base = new URL(url)
  const username = decodeURIComponent(base.username) || credentials.username
  const password = decodeURIComponent(base.password) || credentials.password
  base.username = ''
  base.password = ''
  base.search = ''
  const root = base.toString().replace(/\/+$/, '')
  const headers: Record<string, string> = {}
  if (username !== undefined && username !== '')
    headers.authorization = `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`
  else if (credentials.token !== undefined) headers.authorization = `Bearer ${credentials.token}`

  const send = async (path: string, init: RequestInit): Promise<Response> => {
    for (let tried = 1; ; tried++) {
      const failure = await fetch(root + path, { ...init, headers: { ...headers, ...init.headers } }).catch(
        (error: unknown) => error as Error,
      )
      if (failure instanceof Response && (failure.ok || !isPassing(failure.status) || tried === TRIES)) return failure
      if (failure instanceof Error && tried === TRIES)
        throw new Error(`${root} does not answer: ${(failure.cause as Error | undefined)?.message ?? failure.message}`)
      await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** tried))
    }
  }
  const message = async (path: string, init: RequestInit): Promise<Message> => {
    const answer = await send(path, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) })
    const text = await answer.text()
    if (!answer.ok) throw refusal(path, answer.status, text)
    const value: unknown = text === '' ? {} : parseExact(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new SourceError(`${root}${path} answered something that is no MLflow message`)
    return value as Message
  }
  return {
    url: root,
    get: (path, query = {}) => message(path + search(query), { method: 'GET' }),
    post: (path, body) =>
      message(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    async download(path, query) {
      const answer = await send(path + search(query), { method: 'GET' })
      if (!answer.ok || answer.body === null) throw refusal(path, answer.status, await answer.text())
      return Readable.fromWeb(answer.body as ReadableStream<Uint8Array>)
    },
  }
}

/** A server that is busy or starting. */
function isPassing(status: number): boolean {
  return [408, 429, 502, 503, 504].includes(status)
}

function search(query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
}

function refusal(path: string, status: number, text: string): Error {
  let words = text.slice(0, 300)
  try {
    words = String((JSON.parse(text) as { message?: unknown }).message ?? words).slice(0, 300)
  } catch {}
  if (status === 404) return new AppError('not_found', `${path}: ${words}`)
  const hint =
    status === 401 || status === 403
      ? ' (set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD)'
      : ''
  return new SourceError(`The server answered ${status} at ${path}: ${words}${hint}`)
}
