import type { PointColumns } from '../../../db/tables/tracking.ts'
import { badRequest } from '../../../lib/errors.ts'

/** Where a page of a history ended: the token of the next one. Points that come meanwhile shift nothing. */
export function encodePointToken(point: PointColumns): string {
  const { timestamp_ms, step, value, is_nan } = point
  return Buffer.from(JSON.stringify([String(timestamp_ms), String(step), value, is_nan])).toString('base64url')
}

/** Null for no token. @throws AppError bad_request for a token that no history gave out */
export function decodePointToken(token: string | undefined): PointColumns | null {
  if (token === undefined || token === '') return null
  try {
    const [time, step, value, isNan] = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as unknown[]
    if (typeof value === 'number' && (isNan === 0 || isNan === 1))
      return { timestamp_ms: integer(time), step: integer(step), value, is_nan: isNan }
  } catch {}
  throw badRequest('Invalid page token: it is none that a search of this server gave out.', 'page_token')
}

function integer(text: unknown): number | bigint {
  if (typeof text !== 'string' || !/^-?\d{1,19}$/.test(text)) throw new Error('no integer')
  return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text)
}
