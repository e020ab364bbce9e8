import { isDeepStrictEqual } from 'node:util'
import type { Step } from './talk.ts'

/** Words of a refusal that clients look for; all others may be said better than MLflow says them. */
const WORDS_THAT_COUNT = [
  /^Missing value for required parameter '[^']*'\./,
  /^Multipart upload is not supported for the current artifact repository/,
  /^Registered model alias .* not found\./,
  /^Changing param values is not allowed\./,
]

/** What of an answer a client can tell apart. */
export function seen(step: Step): Omit<Step, 'ask' | 'message'> & { words?: string } {
  const words = WORDS_THAT_COUNT.map((pattern) => pattern.exec(step.message ?? '')?.[0]).find(
    (found) => found !== undefined,
  )
  return {
    status: step.status,
    ...(step.code === undefined ? {} : { code: step.code }),
    ...(step.body === undefined ? {} : { body: step.body }),
    ...(words === undefined ? {} : { words }),
  }
}

/** Whether a client cannot tell the two apart; words count where the expected answer has words that clients look for. */
export function same(expected: Step, actual: Step): boolean {
  const [wanted, got] = [seen(expected), seen(actual)]
  if (wanted.words === undefined) delete got.words
  return isDeepStrictEqual(JSON.parse(JSON.stringify(wanted)), JSON.parse(JSON.stringify(got)))
}
