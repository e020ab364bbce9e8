import { badRequest } from './errors.ts'

const MAX_FILTER_LENGTH = 100_000

/** A piece of a filter or a sort order; `at` and `end` are places in its text. */
export type Token = {
  type: 'word' | 'quoted' | 'number' | 'symbol'
  text: string
  quote: string
  at: number
  end: number
}

const SPACE = /\s+/y
// A word may go on with quoted parts: tags.`a b`, metrics."x y".
const WORD = /[\p{L}_][\p{L}\p{M}\p{N}_/@$#:-]*/uy
const KEY_WORD = /[\p{L}\p{N}_/@$#:-][\p{L}\p{M}\p{N}_/@$#:.-]*/uy
// No two ways to read the same digits and no look-ahead: either would make long texts take quadratic time.
const NUMBER = /[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y
const NAME_CHARACTER = /[\p{L}\p{N}_]/uy
const SYMBOL = /!=|>=|<=|=|>|<|\(|\)|,|\./y

/** What is wrong with a filter, and where. */
export function fail(what: string, text: string, at: number): Error {
  const near = text.slice(at, at + 30)
  return badRequest(
    `Invalid filter: ${what}${near === '' ? ' at its end' : ` near "${near}" (character ${at + 1})`}. A filter is comparisons such as metrics.accuracy > 0.8 joined by AND.`,
    'filter',
  )
}

function match(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? null
}

/**
 * The text between quotes at `at`. A doubled quote does not end it, and stands for itself: MLflow reads both characters,
 * too (`'it''s'` is `it''s`; write `"it's"`).
 */
function readQuoted(text: string, at: number): { value: string; end: number } {
  const quote = text.charAt(at)
  let value = ''
  for (let i = at + 1; i < text.length; ) {
    const next = text.indexOf(quote, i)
    if (next < 0) break
    value += text.slice(i, next)
    if (text.charAt(next + 1) !== quote) return { value, end: next + 1 }
    value += quote + quote
    i = next + 2
  }
  throw fail('a quote is not closed', text, at)
}

/** The pieces of a filter or a sort order. @throws AppError bad_request for what no piece begins with, and for long texts */
export function tokenize(text: string): Token[] {
  if (text.length > MAX_FILTER_LENGTH)
    throw badRequest(`Invalid filter: it is longer than ${MAX_FILTER_LENGTH} characters.`, 'filter')
  const tokens: Token[] = []
  for (let at = 0; at < text.length; ) {
    const space = match(SPACE, text, at)
    if (space !== null) {
      at += space.length
      continue
    }
    const token = nextToken(text, at, tokens.at(-1))
    tokens.push(token)
    at = token.end
  }
  return tokens
}

function nextToken(text: string, at: number, before: Token | undefined): Token {
  const ch = text.charAt(at)
  if (ch === "'" || ch === '"' || ch === '`') {
    const { value, end } = readQuoted(text, at)
    return { type: 'quoted', text: value, quote: ch, at, end }
  }
  const token = (type: Token['type'], found: string): Token => ({
    type,
    text: found,
    quote: '',
    at,
    end: at + found.length,
  })
  const touching = before !== undefined && before.end === at ? before : undefined
  // The dot between entity and key, and the key behind it: metrics.2nd is no number.
  if (ch === '.' && (touching?.type === 'word' || touching?.type === 'quoted')) return token('symbol', ch)
  const afterDot = touching?.type === 'symbol' && touching.text === '.'
  const number = afterDot ? null : match(NUMBER, text, at)
  if (number !== null) {
    if (match(NAME_CHARACTER, text, at + number.length) !== null) throw fail('this number is not understood', text, at)
    return token('number', number)
  }
  const word = match(afterDot ? KEY_WORD : WORD, text, at)
  if (word !== null) return token('word', word)
  const symbol = match(SYMBOL, text, at)
  if (symbol !== null) return token('symbol', symbol)
  throw fail('this is not understood', text, at)
}
