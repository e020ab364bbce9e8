import { createHash } from 'node:crypto'
import { badRequest } from '../../lib/errors.ts'
import type { Place, Term } from './runs-order.store.ts'

/** What a token belongs to: another order has other places. */
const mark = (orderBy: readonly string[]) =>
  createHash('sha256').update(JSON.stringify(orderBy)).digest('base64url').slice(0, 8)

/** The token of the page behind a run: its place in the order. Runs that come or go meanwhile shift nothing. */
export function encodeRunToken(orderBy: readonly string[], place: Place): string {
  return Buffer.from(JSON.stringify([mark(orderBy), ...place])).toString('base64url')
}

/** Null for no token. @throws AppError bad_request for a token that no search with this order gave out */
export function decodeRunToken(
  token: string | undefined,
  orderBy: readonly string[],
  terms: readonly Term[],
): Place | null {
  if (token === undefined || token === '') return null
  try {
    const [own, ...place] = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as unknown[]
    const fits = terms.every(({ type }, index) =>
      type === 'number' ? Number.isFinite(place[index]) : typeof place[index] === 'string',
    )
    const texts = place.filter((value) => typeof value === 'string')
    if (own === mark(orderBy) && place.length === terms.length && fits && !texts.some((text) => text.includes('\0')))
      return place as (string | number)[]
  } catch {}
  throw badRequest('Invalid page token: it is none that this search gave out.', 'page_token')
}
