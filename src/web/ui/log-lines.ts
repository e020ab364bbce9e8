// biome-ignore lint/suspicious/noControlCharactersInRegex: this is what terminals' colour codes are made of
const ANSI = /\u001b\[[0-9;?]*[A-Za-z]|\u001b\][^\u0007]*\u0007/g

/** A log's lines as a terminal would leave them: no colour codes, and of a progress bar's rewrites only the last. */
export function cleanLines(text: string): string[] {
  if (text === '') return []
  const lines = text.replace(ANSI, '').replace(/\r\n/g, '\n').split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines.map((line) => line.slice(line.lastIndexOf('\r', line.length - 2) + 1).replace(/\r$/, ''))
}

/** Lines worth seeing from afar. */
export function toneOf(line: string): 'danger' | 'warning' | undefined {
  if (/\b(Traceback|ERROR|CRITICAL|FATAL)\b|^\w*(Error|Exception):/.test(line)) return 'danger'
  if (/\bWARN(ING)?\b|Warning:/.test(line)) return 'warning'
  return undefined
}
