import { AppError, badRequest } from './errors.ts'

/** Deeper than any message of ours or of a protocol we speak; a parser or a serialiser that recurses is safe far beyond it. */
const MAX_DEPTH = 100

/**
 * How much a body may hold, whatever its bytes: all others wait while it is parsed. A million of fields takes a second or
 * more, plain numbers in long lists little.
 */
export type JsonLimits = { fields: number; lists: number; values: number }
const LIMITS: JsonLimits = { fields: 500_000, lists: 200_000, values: 3_000_000 }
/**
 * Rows share their names: a hundred thousand of them are built fast. As many names that are all different are a new shape
 * of object each, twenty times slower. Below `fewFields` that is bearable and not looked for.
 */
const NAMES = { fewFields: 50_000, different: 20_000 }

/**
 * What may be wrong with a parsed text although it is JSON: NUL (PostgreSQL cannot store it), half of a character pair
 * (no UTF-8 for it: it would be stored as another character), and `__proto__` (in any spelling).
 */
const SUSPECT = /\\u(?:0000|d[89a-f]|005f)|__proto__/i

/**
 * JSON from outside, on whichever door: parsed, and refused when it is nested too deep or holds what cannot be stored
 * exactly. Bytes must be UTF-8; a byte order mark is allowed.
 * @param options.parse another parser for the same grammar (`parseExact`)
 * @param options.root what the field's name in a refusal begins with
 * @throws AppError bad_request naming the field, payload_too_large; SyntaxError when it is not JSON
 */
export function parseForeignJson(
  source: string | Buffer,
  options: { parse?: (text: string) => unknown; root?: string; limits?: JsonLimits } = {},
): unknown {
  const { parse = JSON.parse, root = '', limits = LIMITS } = options
  const text = typeof source === 'string' ? source : utf8Text(source)
  checkShape(text, limits)
  const value = parse(text)
  if (SUSPECT.test(text)) checkTexts(value, root)
  return value
}

/** As `parseForeignJson`, for a body whose malformed JSON is the caller's mistake. @throws AppError bad_request */
export function parseJsonBody(source: string | Buffer): unknown {
  try {
    return parseForeignJson(source, { root: 'body' })
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw badRequest(`The body is not valid JSON: ${error.message.slice(0, 300)}.`)
  }
}

/** Why a text from outside cannot be kept as it is; null when it can. */
export function textProblem(text: string): string | null {
  if (text.includes('\0')) return 'must not hold a NUL character'
  return text.isWellFormed() ? null : 'holds half of a character (a lone UTF-16 surrogate)'
}

/** @throws AppError bad_request when the bytes are not UTF-8 */
export function utf8Text(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw badRequest('The body is not UTF-8 text; send it as UTF-8.')
  }
}

/** Looks at what stands outside of strings only, before anything builds or recurses into it. */
function checkShape(text: string, limits: JsonLimits): void {
  if (text.length <= MAX_DEPTH) return
  let [depth, fields, lists, values] = [0, 0, 0, 0]
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at)
    else if (code === COMMA) values += 1
    else if (code === COLON) fields += 1
    else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      lists += 1
      depth += 1
      if (depth > MAX_DEPTH) throw badRequest(`The JSON is nested deeper than ${MAX_DEPTH} levels.`)
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth -= 1
  }
  if (fields <= limits.fields && lists <= limits.lists && values <= limits.values) {
    if (fields > NAMES.fewFields) checkNames(text)
    return
  }
  throw new AppError(
    'payload_too_large',
    `The JSON holds more than ${limits.fields} fields, ${limits.lists} lists and objects or ${limits.values} values; send less at once.`,
  )
}

function checkNames(text: string): void {
  const names = new Set<string>()
  for (let [at, start, end] = [0, 0, 0]; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      start = at + 1
      at = endOfString(text, at)
      end = at
    } else if (code === COLON && names.add(text.slice(start, end)).size > NAMES.different) {
      throw new AppError(
        'payload_too_large',
        `The JSON holds more than ${NAMES.different} different names of fields; send less at once.`,
      )
    }
  }
}

const [QUOTE, COMMA, COLON] = [0x22, 0x2c, 0x3a]
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

/** Place of the quote that ends the string which begins at `start`; the end of the text when none does. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let backslashes = 0
    while (text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes += 1
    if (backslashes % 2 === 0) return at
  }
  return text.length
}

function checkTexts(value: unknown, path: string): void {
  if (typeof value === 'string') refuse(textProblem(value), path)
  else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) checkTexts(item, `${path}[${index}]`)
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, field] of Object.entries(value)) {
      refuse(textProblem(key), path)
      const inside = path === '' ? key : `${path}.${key}`
      if (key === '__proto__') refuse('is not a name that a field may have', inside)
      checkTexts(field, inside)
    }
  }
}

function refuse(problem: string | null, path: string): void {
  if (problem === null) return
  const field = (path === '' ? 'body' : path).toWellFormed().slice(0, 200)
  throw badRequest(`${field} ${problem}.`, field)
}
