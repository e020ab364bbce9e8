export type Counted =
  | 'experiments'
  | 'runs'
  | 'points'
  | 'logged models'
  | 'registered models'
  | 'model versions'
  | 'files'
type Outcome = 'moved' | 'unchanged'

/** What one move did and what it could not do; told while it goes on and at the end. */
export type Report = {
  /** Counts of things that were brought over, and that were there already. */
  readonly counts: Map<Counted, Record<Outcome, number>>
  /** What was not moved, or not as it was: it makes the move's exit status 2. */
  readonly problems: string[]
  /** What is different here, and why that is right: ids that were taken, files that stay where they are. */
  readonly notes: string[]
  count(what: Counted, outcome: Outcome, by?: number): void
  problem(where: string, what: string): void
  note(text: string): void
}

/** More lines than anyone reads, and a hostile store must not fill the memory. */
const MAX_LINES = 10_000

/** @param tell called at every change of a count; the caller decides how often it prints */
export function createReport(tell: (counts: Report['counts']) => void = () => {}): Report {
  const counts: Report['counts'] = new Map()
  const problems: string[] = []
  const notes: string[] = []
  const add = (list: string[], text: string) => {
    if (list.length < MAX_LINES) list.push(printable(text))
    else if (list.length === MAX_LINES) list.push('… and more of that kind')
  }
  return {
    counts,
    problems,
    notes,
    count(what, outcome, by = 1) {
      const known = counts.get(what) ?? { moved: 0, unchanged: 0 }
      known[outcome] += by
      counts.set(what, known)
      tell(counts)
    },
    problem: (where, what) => add(problems, `${where}: ${what}`),
    note: (text) => add(notes, text),
  }
}

/** Names in a report come from outside: nothing in them may steer the terminal. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is taken out
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd').slice(0, 1_000)
}

/** `12 runs (3 unchanged), 4000 points` */
export function summary(counts: Report['counts']): string {
  const parts = [...counts].map(([what, { moved, unchanged }]) =>
    unchanged === 0 ? `${moved} ${what}` : `${moved} ${what} (${unchanged} unchanged)`,
  )
  return parts.length === 0 ? 'nothing' : parts.join(', ')
}
