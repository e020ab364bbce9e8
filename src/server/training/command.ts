import { wrong } from './mlproject.ts'

/** One word of a command template: literal text and `{parameter}` places, in order. */
type Piece = { literal: string } | { parameter: string }
export type CommandTemplate = Piece[][]

/** Unquoted, these would mean something to a shell; there is none, so a command that counts on them must be told. */
const SHELL_OPERATORS = /[|&;<>`$()]/
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/

/**
 * Splits the command of an entry point into words by a shell's quoting rules and finds its `{parameter}` places
 * (`{{` and `}}` are literal braces). Values are put in afterwards, so whatever they hold stays inside one argument.
 * @throws AppError bad_request for unbalanced quotes, shell syntax, or a bad place
 */
export function parseCommand(command: string): CommandTemplate {
  const words: CommandTemplate = []
  let word: Piece[] | null = null
  let quote: '"' | "'" | null = null
  const literal = (text: string) => {
    word ??= []
    const last = word.at(-1)
    if (last !== undefined && 'literal' in last) last.literal += text
    else word.push({ literal: text })
  }
  for (let i = 0; i < command.length; i++) {
    const ch = command.charAt(i)
    const next = command.charAt(i + 1)
    if ((ch === '{' || ch === '}') && next === ch) {
      literal(ch)
      i++
    } else if (ch === '{') {
      const end = command.indexOf('}', i)
      const name = end < 0 ? '' : command.slice(i + 1, end)
      if (!NAME.test(name))
        throw wrong(`MLproject: the command "${command.slice(0, 120)}" has a "{" that starts no {parameter}.`)
      word ??= []
      word.push({ parameter: name })
      i = end
    } else if (ch === '}') {
      throw wrong(`MLproject: the command "${command.slice(0, 120)}" has a "}" without "{".`)
    } else if (ch === '\\' && quote !== "'" && next !== '' && (quote === null || '"\\$`\n'.includes(next))) {
      if (next !== '\n') literal(next)
      i++
    } else if (quote === ch) quote = null
    else if (quote === null && (ch === '"' || ch === "'")) {
      quote = ch
      literal('')
    } else if (quote === null && /\s/.test(ch)) {
      if (word !== null) words.push(word)
      word = null
    } else if (quote !== "'" && (ch === '$' || ch === '`' || (quote === null && SHELL_OPERATORS.test(ch)))) {
      throw wrong(
        `MLproject: commands run without a shell, so "${ch}" in "${command.slice(0, 120)}" would mean nothing. Put it into a script, or into single quotes.`,
      )
    } else literal(ch)
  }
  if (quote !== null) throw wrong(`MLproject: the command "${command.slice(0, 120)}" has an unclosed ${quote}.`)
  if (word !== null) words.push(word)
  if (words.length === 0) throw wrong('MLproject: the command is empty.')
  return words
}

/** The parameters that a template uses. */
export function usedParameters(template: CommandTemplate): string[] {
  return template.flat().flatMap((piece) => ('parameter' in piece ? [piece.parameter] : []))
}

/** Puts values into a template: one argument per word, whatever the values hold. `values` has every used parameter. */
export function renderCommand(template: CommandTemplate, values: Readonly<Record<string, string>>): string[] {
  return template.map((word) =>
    word.map((piece) => ('literal' in piece ? piece.literal : (values[piece.parameter] ?? ''))).join(''),
  )
}
