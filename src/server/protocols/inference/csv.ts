import { AppError, badRequest } from '../../../lib/errors.ts'

/**
 * Reads comma-separated text with a header row (RFC 4180: quotes, doubled quotes, line breaks in quotes). A cell that was
 * not quoted and is empty is null. Blank lines are skipped.
 * @throws AppError bad_request naming the line of a row that is longer or shorter than the header; payload_too_large
 */
export function readCsv(text: string, maxRows: number): { columns: string[]; rows: (string | null)[][] } {
  const records = recordsOf(text.replace(/^\ufeff/, ''), maxRows)
  const header = records.shift()
  if (header === undefined) throw badRequest('The CSV is empty; its first line must name the columns.')
  const columns = header.cells.map((cell) => cell ?? '')
  if (new Set(columns).size !== columns.length) throw badRequest('The CSV names a column twice.')
  const rows = records.map(({ cells, line }) => {
    if (cells.length !== columns.length)
      throw badRequest(`Line ${line} of the CSV has ${cells.length} values, its header ${columns.length}.`)
    return cells
  })
  return { columns, rows }
}

/** All others wait while it is read. */
const MAX_CELLS = 1_000_000
const PLAIN_CELL = /[^,\r\n]*/y

type CsvRecord = { cells: (string | null)[]; line: number }

function recordsOf(text: string, maxRows: number): CsvRecord[] {
  const records: CsvRecord[] = []
  let cells: (string | null)[] = []
  let line = 1
  let startLine = 1
  let at = 0
  let count = 0
  const endRecord = () => {
    if (cells.length > 1 || (cells[0] ?? null) !== null) records.push({ cells, line: startLine })
    if (records.length > maxRows + 1)
      throw new AppError('payload_too_large', `One request may have at most ${maxRows} rows; this one has more.`)
    cells = []
    startLine = line
  }
  while (at < text.length) {
    let cell: string | null
    if (text[at] === '"') {
      const end = closingQuote(text, at + 1)
      if (end < 0) throw badRequest(`Line ${startLine} of the CSV opens a quote that is never closed.`)
      cell = text.slice(at + 1, end).replaceAll('""', '"')
      line += cell.split('\n').length - 1
      at = end + 1
    } else {
      PLAIN_CELL.lastIndex = at
      cell = PLAIN_CELL.exec(text)?.[0] || null
      at += cell?.length ?? 0
    }
    cells.push(cell)
    if (++count > MAX_CELLS)
      throw new AppError('payload_too_large', `One request may have at most ${MAX_CELLS} values; this one has more.`)
    if (text[at] === ',') {
      at++
      if (at < text.length && text[at] !== '\n' && text[at] !== '\r') continue
      cells.push(null) // the line ends with a comma: one more, empty cell
    } else if (at < text.length && text[at] !== '\n' && text[at] !== '\r') {
      throw badRequest(`Line ${line} of the CSV goes on after a closing quote.`)
    }
    if (text[at] === '\r') at++
    if (text[at] === '\n') at++
    line++
    endRecord()
  }
  return records
}

/** The place of the quote that ends a cell, doubled ones skipped; -1 when there is none. */
function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from)
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2)
  return at
}
