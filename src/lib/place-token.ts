import { createHash } from 'node:crypto'
import { badRequest } from './errors.ts'

type Place = readonly (string | number)[]
type Terms = readonly { type: 'text' | 'number' | 'int64' }[]

/** What a token belongs to: another order has other places. */
const mark = (search: unknown) => createHash('sha256').update(JSON.stringify(search)).digest('base64url').slice(0, 8)

/**
 * The token of the page behind a row: its place in the order. Rows that come or go meanwhile shift nothing.
 * @param search what the token is good for: at least the order, as the client wrote it
 */
export function encodePlaceToken(search: unknown, place: Place): string {
  return Buffer.from(JSON.stringify([mark(search), ...place])).toString('base64url')
}

/** Null for no token. @throws AppError bad_request for a token that no such search gave out */
export function decodePlaceToken(token: string | undefined, search: unknown, terms: Terms): Place | null {
  if (token === undefined || token === '') return null
  try {
    const [own, ...place] = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as unknown[]
    const fits = place.length === terms.length && terms.every(({ type }, index) => isOf(type, place[index]))
    if (own === mark(search) && fits) return place as (string | number)[]
  } catch {}
  throw badRequest('Invalid page token: it is none that this search gave out.', 'page_token')
}

/**
 * A page of at most `size` rows, of which one more was asked for, and the token of the next; null on the last page.
 * @param search as for `encodePlaceToken`
 */
export function cutPage<R>(
  found: readonly { row: R; place: Place }[],
  size: number,
  search: unknown,
): { rows: R[]; nextPageToken: string | null } {
  const page = found.slice(0, size)
  const last = found.length > size ? page.at(-1) : undefined
  return {
    rows: page.map(({ row }) => row),
    nextPageToken: last === undefined ? null : encodePlaceToken(search, last.place),
  }
}

function isOf(type: Terms[number]['type'], value: unknown): boolean {
  if (type === 'number') return Number.isFinite(value)
  if (typeof value !== 'string') return false
  return type === 'int64' ? /^-?\d{1,18}$/.test(value) : !value.includes('\0')
}
