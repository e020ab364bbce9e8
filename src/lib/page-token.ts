import { badRequest } from './errors.ts'

/** The opaque token of the next page of an offset-paged search. */
export function encodePageToken(offset: number): string {
  return Buffer.from(JSON.stringify({ offset })).toString('base64')
}

/** @throws AppError bad_request for a token that no search gave out */
export function decodePageToken(token: string | undefined): number {
  if (token === undefined || token === '') return 0
  try {
    const { offset } = JSON.parse(Buffer.from(token, 'base64').toString('utf8')) as { offset: unknown }
    if (typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 0) return offset
  } catch {}
  throw badRequest('Invalid page token: it is none that a search of this server gave out.', 'page_token')
}
