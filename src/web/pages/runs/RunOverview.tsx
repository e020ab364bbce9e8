import type { ReactNode } from 'react'
import type { Run, RunDetail } from '../../api/types.ts'
import { paths, type Scope } from '../../paths.ts'
import { Chip, Chips } from '../../ui/Chip.tsx'
import { Section } from '../../ui/Page.tsx'
import { StatusBadge } from '../../ui/StatusBadge.tsx'
import { Num } from '../../ui/values.tsx'
import { LoggedModels } from './LoggedModels.tsx'
import { MetricCharts } from './MetricCharts.tsx'
import css from './Runs.module.css'

/** So many parameters stand beside the curves; more go below them, where their values have room. */
const SHORT = 14

/** Final values, tags and source on the left; models, curves and child runs on the right. */
export function RunOverview({ scope, run }: { scope: Scope; run: RunDetail }) {
  const metrics = Object.entries(run.metrics).sort(
    ([a], [b]) => Number(a.startsWith('system/')) - Number(b.startsWith('system/')) || a.localeCompare(b),
  )
  const params = Object.entries(run.params).sort(([a], [b]) => a.localeCompare(b))
  const tags = Object.entries(run.tags).filter(([name]) => !name.startsWith('mlflow.'))
  const short = params.length <= SHORT
  const parameters = (
    <Section title="Parameters">
      <Pairs label="Parameters" none="No parameter was logged." rows={params} />
    </Section>
  )
  return (
    <div className={css.columns}>
      <div className={css.side}>
        <Section title="Metrics">
          <Pairs
            label="Metrics"
            right
            none="No metric was logged."
            rows={metrics.map(([name, value]) => [name, <Num key={name} value={value ?? Number.NaN} />])}
          />
        </Section>
        {short && parameters}
        {tags.length > 0 && (
          <Section title="Tags">
            <Pairs label="Tags" rows={tags} />
          </Section>
        )}
        <Section title="Source">
          <Pairs label="Source" none="The run tells nothing about its code." rows={sourceOf(run)} />
        </Section>
      </div>
      <div className={css.side}>
        {run.models.length > 0 && <LoggedModels scope={scope} run={run} />}
        <MetricCharts scope={scope} runs={[run]} />
        {!short && parameters}
        {run.children.length > 0 && (
          <Section title="Child runs">
            <Chips>
              {run.children.map((child) => (
                <Chip key={child.id} kind="run" to={paths.run(scope, child.id)}>
                  {child.name} <StatusBadge status={child.status} />
                </Chip>
              ))}
            </Chips>
          </Section>
        )}
      </div>
    </div>
  )
}

function sourceOf(run: Run): [string, ReactNode][] {
  const named: [string, string][] = [
    ['Script', 'mlflow.source.name'],
    ['Commit', 'mlflow.source.git.commit'],
    ['Branch', 'mlflow.source.git.branch'],
    ['Repository', 'mlflow.source.git.repoURL'],
  ]
  return named.flatMap(([label, tag]): [string, ReactNode][] =>
    run.tags[tag] === undefined ? [] : [[label, <code key={tag}>{run.tags[tag]}</code>]],
  )
}

type PairsProps = { label: string; rows: [string, ReactNode][]; right?: boolean; none?: string }

/** Names and values under each other. */
function Pairs({ label, rows, right = false, none }: PairsProps) {
  if (rows.length === 0) return <p className="muted small">{none}</p>
  return (
    <table className={css.pairs} aria-label={label}>
      <tbody>
        {rows.map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td data-right={right || undefined}>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
