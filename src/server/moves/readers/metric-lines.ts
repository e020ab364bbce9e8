import { errorMessage } from '../../../lib/errors.ts'
import type { Report } from '../report.ts'
import { type Point, SourceError } from '../types.ts'
import { doubleOf, int64Of } from './fields.ts'
import type { SafeFolder } from './safe-folder.ts'

/** A line of a metric's file is no longer than this; the rest of a longer one is passed over, not held. */
const LINE_MAX = 10_000
/** Malformed lines that are named one by one. */
const NAMED_LINES = 5

/**
 * The points of one metric's file: a line each, `time value [step [more…]]`. Read as a stream, so its length does not
 * matter. A malformed line is reported and left out.
 * @param counts how many fields a line may have
 */
export async function* pointsOfFile(
  store: { folder: SafeFolder; report: Report },
  at: string[],
  key: string,
  counts: readonly number[],
): AsyncIterable<{ point: Point; more: string[] }> {
  let number = 0
  let bad = 0
  const complain = (why: string) => {
    bad += 1
    if (bad <= NAMED_LINES) store.report.problem(`${[...at, key].join('/')} line ${number}`, `${why}; it was left out`)
  }
  const stream = await store.folder.stream(...at, key).catch((error: unknown) => {
    complain(errorMessage(error))
    return null
  })
  if (stream === null) return
  for await (const line of linesOf(stream.setEncoding('utf8'))) {
    number += 1
    const fields = line.trim().split(' ')
    if (fields.length === 1 && fields[0] === '') continue
    if (!counts.includes(fields.length)) {
      complain(`it has ${fields.length} fields`)
      continue
    }
    try {
      const [time, value, step = '0', ...more] = fields
      const timestampMs = int64Of(time, 'the time')
      if (timestampMs < 0) throw new SourceError(`the time ${timestampMs} is negative`)
      yield { point: { key, value: doubleOf(value, 'the value'), timestampMs, step: int64Of(step, 'the step') }, more }
    } catch (error) {
      complain(errorMessage(error))
    }
  }
  if (bad > NAMED_LINES) store.report.problem([...at, key].join('/'), `${bad} lines were left out in all`)
}

async function* linesOf(texts: AsyncIterable<string>): AsyncIterable<string> {
  let rest = ''
  for await (const text of texts) {
    const lines = text.split('\n')
    for (const [index, line] of lines.entries()) {
      if (rest.length < LINE_MAX) rest += line.slice(0, LINE_MAX)
      if (index === lines.length - 1) break
      yield rest
      rest = ''
    }
  }
  if (rest !== '') yield rest
}
