import { AppError } from '../../lib/errors.ts'

/** Says that a file cannot be read as the table that its name promises. */
export function unreadable(path: string, why: string): AppError {
  return new AppError('unprocessable', `${path} cannot be read as a table: ${why}.`, { field: 'files' })
}

/** What DuckDB says about a broken file, as the end of a sentence: the line, and what is wrong with it. */
export function tableProblem(message: string): string {
  return csvProblem(message) ?? jsonProblem(message) ?? otherProblem(message)
}

function csvProblem(message: string): string | null {
  const line = /CSV Error on Line: (\d+)/.exec(message)?.[1]
  const where = line === undefined ? '' : `line ${line}: `
  const counts = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(message)
  if (counts !== null) return `${where}${counts[2]} columns where the header names ${counts[1]}`
  if (/Invalid unicode|not utf-8/i.test(message))
    return `${where}it is not UTF-8 text; save it as UTF-8 and send it again`
  if (/unterminated quote/i.test(message)) return `${where}a quote is opened and never closed`
  if (/state machine reached an invalid state/i.test(message)) {
    return `${where}it is not regular CSV: line endings of two kinds, or text after a closing quote`
  }
  if (/maximum line size/i.test(message)) return `${where}the line is longer than 2 MB`
  return line === undefined
    ? null
    : `${where}${firstLine(message.replace(/CSV Error on Line: .*\n(Original Line: .*\n)?/, ''))}`
}

function jsonProblem(message: string): string | null {
  const [, line, why] =
    /Malformed JSON in file .*, at byte \d+ in line (\d+): (.*?)[. ]*(?:Try auto.*)?$/m.exec(message) ?? []
  // DuckDB counts the line after the one at fault.
  return line === undefined ? null : `line ${Math.max(1, Number(line) - 1)}: it is not one JSON object a line (${why})`
}

function otherProblem(message: string): string {
  if (/not a GZIP stream/i.test(message)) return 'it is called .gz but is not gzip'
  // Where content lies on disk is nobody's business.
  const text = firstLine(message).replaceAll(/(in )?(file )?["'][^"']*\/content\/[^"']*["'],? ?/gi, '')
  return text.replace(/[. ]+$/, '')
}

function firstLine(message: string): string {
  const text = message.replace(/^[A-Za-z ]*Error: /, '')
  return text.split('\n').find((line) => line.trim() !== '') ?? text
}
