/**
 * JSON with whole 64-bit integers and with numbers that JSON has no words for. `JSON.parse` rounds 9007199254740993 and
 * `JSON.stringify` turns NaN into null; foreign protocols (int64 steps, NaN metrics) need both exact.
 */

type ReviverContext = { source?: string }
type ExactReviver = (this: unknown, key: string, value: unknown, context: ReviverContext) => unknown
/** Node 24 has the source-text access and raw JSON of ES2026; TypeScript's library does not list them yet. */
const exact = JSON as unknown as { parse(text: string, reviver: ExactReviver): unknown; rawJSON(text: string): unknown }

const LONG_INTEGER = /\d{16}/
const INTEGER = /^-?\d+$/

/** Parses JSON; an integer beyond 2^53 becomes a bigint. @throws SyntaxError */
export function parseExact(text: string): unknown {
  if (!LONG_INTEGER.test(text)) return JSON.parse(text)
  return exact.parse(text, (_key, value, context) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value) || context.source === undefined) return value
    return INTEGER.test(context.source) ? BigInt(context.source) : value
  })
}

/**
 * The proto3-like JSON of a message: unset (`undefined`, `null`) and empty repeated fields are left out, bigints are
 * written as plain integers, NaN and infinities as the strings `"NaN"`, `"Infinity"`, `"-Infinity"`.
 */
export function stringifyMessage(message: object): string {
  // A replacer takes several times as long as the engine alone, and most messages need none.
  if (isAsJsonHasIt(message)) return JSON.stringify(message)
  return JSON.stringify(message, (_key, value: unknown) => {
    if (value === null || (Array.isArray(value) && value.length === 0)) return undefined
    if (typeof value === 'bigint') return exact.rawJSON(String(value))
    if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
    return value
  })
}

/** Whether nothing in it has to be left out or written in another way than `JSON.stringify` does. */
function isAsJsonHasIt(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object') return typeof value !== 'bigint'
  if (value === null) return false
  if (Array.isArray(value)) return value.length > 0 && value.every(isAsJsonHasIt)
  for (const name in value) if (!isAsJsonHasIt((value as Record<string, unknown>)[name])) return false
  return true
}
