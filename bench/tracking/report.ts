import type { Kind, Scenario } from './scenarios.ts'
import { LABELS, type Name } from './servers.ts'

/** One line of the table: the median of the rounds for each server, NaN where it cannot do it. */
export type Row = Pick<Scenario, 'kind' | 'name' | 'unit' | 'runs' | 'higherIsBetter'> & {
  values: Partial<Record<Name, number>>
  /** Share of one core that this client was busy with while ours was measured; near 1 the client is what limits. */
  clientBusy?: number
}

/** How many times faster than a peer we must be; searches against MLflow are judged where there are 10,000 runs. */
const TARGETS: Record<'mlflow' | 'fasttrackml', Partial<Record<Kind, number>>> = {
  mlflow: {
    'log-metric': 50,
    'create-run': 50,
    'log-batch': 12,
    'search-filter': 30,
    'search-newest': 30,
    'search-metric': 300,
    'get-run': 15,
    history: 4,
    artifact: 1.5,
  },
  fasttrackml: {
    'log-metric': 3,
    'create-run': 3,
    'log-batch': 3,
    'search-metric': 5,
    'search-newest': 5,
    'log-metric-1': 1.2,
    'search-filter': 1.2,
    'get-run': 1.2,
    history: 1.2,
    artifact: 1.2,
    fill: 1.2,
  },
}
const JUDGED_RUNS = 10_000
/** Limits of our own, without a peer: memory and start. */
const LIMITS = { idle: 150, start: 1_000 }

export const number = (value: number | undefined) => {
  if (value === undefined || Number.isNaN(value)) return 'none'
  return value >= 1_000 ? Math.round(value).toLocaleString('en') : value >= 100 ? value.toFixed(0) : value.toFixed(2)
}

function ratio(row: Row, peer: Name): number {
  const ours = row.values.ours ?? Number.NaN
  const theirs = row.values[peer] ?? Number.NaN
  return row.higherIsBetter ? ours / theirs : theirs / ours
}

/** The figures as a Markdown table: a column a server, and how many times faster ours is than each other. */
export function table(names: readonly Name[], rows: readonly Row[]): string {
  const peers = names.includes('ours') ? names.filter((name) => name !== 'ours') : []
  const head = [
    'scenario',
    'unit',
    ...names.map((name) => LABELS[name]),
    ...peers.map((name) => `ours : ${name}`),
    'client busy',
  ]
  const lines = rows.map((row) => [
    row.name,
    row.unit,
    ...names.map((name) => number(row.values[name])),
    ...peers.map((name) => (Number.isNaN(ratio(row, name)) ? '–' : `${number(ratio(row, name))}×`)),
    row.clientBusy === undefined ? '' : `${Math.round(row.clientBusy * 100)} %`,
  ])
  return markdown([head, ...lines])
}

export function markdown(lines: readonly (readonly string[])[]): string {
  const [head = [], ...rest] = lines
  return [head, head.map(() => '---'), ...rest].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

export type Verdict = { text: string; holds: boolean }

/** Each target that this run can judge. A peer that cannot do a thing sets no target for it. */
export function verdicts(rows: readonly Row[], own: { idleMiB: number; startMs: number } | null): Verdict[] {
  const found: Verdict[] = []
  for (const peer of ['mlflow', 'fasttrackml'] as const) {
    for (const row of rows) {
      const target = TARGETS[peer][row.kind]
      if (target === undefined || Number.isNaN(ratio(row, peer))) continue
      if (peer === 'mlflow' && row.runs !== undefined && row.runs !== JUDGED_RUNS) continue
      const reached = ratio(row, peer)
      found.push({
        text: `${row.name}: ${number(reached)}× ${LABELS[peer]}, wanted ${target}×`,
        holds: reached >= target,
      })
    }
  }
  if (own !== null) {
    found.push({
      text: `idle memory: ${number(own.idleMiB)} MiB, wanted at most ${LIMITS.idle}`,
      holds: own.idleMiB <= LIMITS.idle,
    })
    found.push({
      text: `start to ready: ${number(own.startMs)} ms, wanted at most ${LIMITS.start}`,
      holds: own.startMs <= LIMITS.start,
    })
  }
  return found
}
