import { isDeepStrictEqual } from 'node:util'
import { DIFFERENCES, GAPS } from './differences.ts'
import type { Step } from './talk.ts'

/** Words of a refusal that clients look for; all others may be said better than MLflow says them. */
const WORDS_THAT_COUNT = [
  /^Missing value for required parameter '[^']*'\./,
  /^Multipart upload is not supported for the current artifact repository/,
  /^Registered model alias .* not found\./,
  /^Changing param values is not allowed\./,
]

/**
 * A file that is downloaded is its bytes, never shown by a browser; of which type MLflow guesses that it is, and how its
 * name is quoted, does not count (ours are all `application/octet-stream`: nothing that a browser might run). An upload is
 * answered by nothing or by `{}`, both are read alike. MLflow leaves the size of an empty file out.
 */
function seenBody(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return body
  if ('files' in body && Array.isArray(body.files)) {
    return { ...body, files: body.files.map((file: object) => ({ file_size: 0, ...file })) }
  }
  if (!('text' in body)) return body
  const { text, disposition, sniff } = body as { text: string; disposition?: string; sniff?: string }
  if (disposition !== undefined) return { text, attachment: disposition.startsWith('attachment'), sniff }
  return text === '' ? {} : { text }
}

/** What of an answer a client can tell apart. */
export function seen(step: Step): Omit<Step, 'ask' | 'message'> & { words?: string } {
  const words = WORDS_THAT_COUNT.map((pattern) => pattern.exec(step.message ?? '')?.[0]).find(
    (found) => found !== undefined,
  )
  return {
    status: step.status,
    ...(step.code === undefined ? {} : { code: step.code }),
    ...(step.body === undefined ? {} : { body: seenBody(step.body) }),
    ...(words === undefined ? {} : { words }),
  }
}

/** Whether a client cannot tell the two apart; words count where the expected answer has words that clients look for. */
export function same(expected: Step, actual: Step): boolean {
  const [wanted, got] = [seen(expected), seen(actual)]
  if (wanted.words === undefined) delete got.words
  return isDeepStrictEqual(JSON.parse(JSON.stringify(wanted)), JSON.parse(JSON.stringify(got)))
}

/**
 * Our answers beside MLflow's.
 * @returns those that differ for no listed reason, and the reasons that were needed
 * @throws Error when the scenario was changed since it was recorded
 */
export function compareSteps(
  scenario: string,
  theirs: readonly Step[],
  ours: readonly Step[],
): { unexpected: object[]; differences: Set<string> } {
  const unexpected: object[] = []
  const differences = new Set<string>()
  for (let at = 0; at < Math.max(theirs.length, ours.length); at++) {
    const [their, our] = [theirs[at], ours[at]]
    if (their === undefined || our === undefined || their.ask !== our.ask) {
      throw new Error(`Step ${at} of ${scenario} was not recorded: run node tests/compat/conformance-record.ts`)
    }
    if (same(their, our)) continue
    const reason = [...DIFFERENCES, ...GAPS].find((difference) =>
      difference.applies({ scenario, ask: our.ask }, their, our),
    )
    if (reason === undefined) unexpected.push({ ask: our.ask, mlflow: seen(their), ours: our })
    else differences.add(reason.why)
  }
  return { unexpected, differences }
}

/** Listed differences that no step needed. */
export function unusedDifferences(used: ReadonlySet<string>): string[] {
  return DIFFERENCES.map((difference) => difference.why).filter((why) => !used.has(why))
}
