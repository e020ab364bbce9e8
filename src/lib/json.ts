/**
 * JSON with whole 64-bit integers and with numbers that JSON has no words for. `JSON.parse` rounds 9007199254740993 and
 * `JSON.stringify` turns NaN into null; foreign protocols (int64 steps, NaN metrics) need both exact.
 */

type ReviverContext = { source?: string }
type ExactReviver = (this: unknown, key: string, value: unknown, context: ReviverContext) => unknown
/** Node 24 has the source-text access of ES2026; TypeScript's library does not list it yet. */
const exact = JSON as unknown as { parse(text: string, reviver: ExactReviver): unknown }

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
 * written as plain integers, NaN and infinities as the strings `"NaN"`, `"Infinity"`, `"-Infinity"`. Written by hand:
 * `JSON.stringify` with a function for each value takes four times as long, and answers have tens of thousands.
 */
export function stringifyMessage(message: object): string {
  return textOf(message) ?? '{}'
}

/** Undefined: to be left out. */
function textOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      return Number.isFinite(value) ? String(value) : `"${value}"`
    case 'boolean':
    case 'bigint':
      return String(value)
    case 'object':
      if (value === null) return undefined
      return Array.isArray(value) ? textOfList(value) : textOfObject(value as Record<string, unknown>)
    default:
      return undefined
  }
}

function textOfList(list: readonly unknown[]): string | undefined {
  if (list.length === 0) return undefined
  let text = '['
  for (let i = 0; i < list.length; i++) text += `${i === 0 ? '' : ','}${textOf(list[i]) ?? 'null'}`
  return `${text}]`
}

function textOfObject(object: Record<string, unknown>): string {
  let text = '{'
  for (const key of Object.keys(object)) {
    const value = textOf(object[key])
    if (value !== undefined) text += `${text.length === 1 ? '' : ','}${nameOf(key)}${value}`
  }
  return `${text}}`
}

/** Field names come again and again; those of maps that clients fill are not kept. */
const names = new Map<string, string>()
const MAX_NAMES = 2_000

function nameOf(key: string): string {
  const known = names.get(key)
  if (known !== undefined) return known
  const name = `${JSON.stringify(key)}:`
  if (names.size < MAX_NAMES) names.set(key, name)
  return name
}
