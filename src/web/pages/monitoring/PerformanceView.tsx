import { SegmentedControl } from '@mantine/core'
import { useMemo } from 'react'
import type { Endpoint } from '../../api/endpoints.ts'
import type { Performance, Policy } from '../../api/monitoring.ts'
import { type Line, LineChart, type Mark } from '../../charts/LineChart.tsx'
import { formatCount, formatNumber, formatShare } from '../../format.ts'
import { useScope } from '../../frame/project-context.ts'
import { paths } from '../../paths.ts'
import { AppLink } from '../../ui/AppLink.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { Section } from '../../ui/Page.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import { Num } from '../../ui/values.tsx'
import css from './Monitoring.module.css'
import { servedAccuracy } from './served-accuracy.ts'
import { wilson } from './wilson.ts'

type Props = { endpoint: Endpoint; performance: Performance; policy: Policy | null }

/** Accuracy now and over time, with how sure one may be of it. */
export function PerformanceView({ endpoint, performance, policy }: Props) {
  const scope = useScope()
  const { coverage } = performance
  if (coverage.labelled === 0) {
    return (
      <EmptyState title="No feedback yet" waitingFor="Waiting for the first feedback">
        {coverage.predicted === 0
          ? 'Nothing was predicted yet. '
          : `${formatCount(coverage.predicted)} predictions are on record, and of none is it known whether it was right. `}
        Accuracy is counted from what people and programs report:{' '}
        <AppLink to={paths.endpointUse(scope, endpoint.name)}>say what it really was</AppLink>, or answer “Was this
        right?” in the form.
      </EmptyState>
    )
  }
  return (
    <Section title="How right it is">
      <div className={css.performance}>
        <div className={css.figures}>
          <Now performance={performance} policy={policy} endpoint={endpoint} />
          <Versions performance={performance} endpoint={endpoint} />
        </div>
        <AccuracyChart performance={performance} policy={policy} />
      </div>
    </Section>
  )
}

function Now({
  performance,
  policy,
  endpoint,
}: {
  performance: Performance
  policy: Policy | null
  endpoint: Endpoint
}) {
  const { window, coverage } = performance
  const now = servedAccuracy(performance, endpoint.serving.version)
  if (now === null) return null
  const enough = policy === null || now.labelled >= policy.min_samples
  const below = policy !== null && enough && now.value < policy.threshold
  return (
    <div className={css.now}>
      <p className={css.caption}>
        {now.version === null
          ? `Accuracy over the last ${formatCount(now.labelled)} labelled predictions`
          : `Accuracy of v${now.version}, which serves now, over its ${formatCount(now.labelled)} labelled predictions`}
      </p>
      <p className={css.big} data-below={below || undefined} title={String(now.value)}>
        {formatNumber(now.value)}
      </p>
      <p className="muted">
        between {formatNumber(now.interval[0])} and {formatNumber(now.interval[1])}, with 95 % confidence
        {policy === null ? '' : `; the threshold is ${formatNumber(policy.threshold)}`}
      </p>
      {policy !== null && !enough && (
        <p className="muted">Fewer than {formatCount(policy.min_samples)}: the policy decides nothing yet.</p>
      )}
      {now.version !== null && (
        <p className="muted">
          The last {formatCount(window.labelled)} of all versions: {formatNumber(window.value)}
        </p>
      )}
      <p className="muted">
        {formatCount(coverage.labelled)} of {formatCount(coverage.predicted)} predictions have feedback (
        {formatShare(coverage.predicted === 0 ? 0 : coverage.labelled / coverage.predicted)})
      </p>
    </div>
  )
}

function Versions({ performance, endpoint }: { performance: Performance; endpoint: Endpoint }) {
  const scope = useScope()
  return (
    <table className={css.table}>
      <thead>
        <tr>
          <th scope="col">Version</th>
          <th scope="col" data-align="right">
            Labelled
          </th>
          <th scope="col" data-align="right">
            Accuracy
          </th>
        </tr>
      </thead>
      <tbody>
        {performance.by_version.map((row) => (
          <tr key={row.version}>
            <td>
              <AppLink to={paths.modelVersion(scope, endpoint.model, row.version)}>v{row.version}</AppLink>
              {row.version === endpoint.serving.version && <span className="muted"> serves now</span>}
            </td>
            <td data-align="right">
              <Num value={row.labelled} />
            </td>
            <td data-align="right">
              <Num value={row.accuracy} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** One line a version, each point a group of predictions with its interval; a mark where another version took over. */
function AccuracyChart({ performance, policy }: { performance: Performance; policy: Policy | null }) {
  const [axis, setAxis] = useUrlParam('x', 'count')
  const byTime = axis === 'time'
  const { lines, marks } = useMemo(() => chartOf(performance, byTime), [performance, byTime])
  return (
    <LineChart
      title="Accuracy, group by group"
      lines={lines}
      x={byTime ? 'time' : 'step'}
      xLabel="labelled prediction"
      height={260}
      rules={policy === null ? [] : [{ value: policy.threshold, label: `threshold ${formatNumber(policy.threshold)}` }]}
      marks={marks}
      yRange={rangeOf(lines, policy?.threshold)}
      actions={
        <SegmentedControl
          aria-label="Along"
          data={[
            { value: 'count', label: 'By prediction' },
            { value: 'time', label: 'By time' },
          ]}
          value={byTime ? 'time' : 'count'}
          onChange={setAxis}
        />
      }
    />
  )
}

function chartOf(performance: Performance, byTime: boolean): { lines: Line[]; marks: Mark[] } {
  let seen = 0
  const series = performance.series.map((point) => {
    const from = seen
    seen += point.labelled
    return { ...point, from: byTime ? point.from_ms : from, to: byTime ? point.to_ms : seen }
  })
  const versions = [...new Set(series.map((point) => point.version))].sort((a, b) => a - b)
  const lines = versions.map((version): Line => {
    const points = series.filter((point) => point.version === version && point.accuracy !== null)
    const bands = points.map((point) => wilson(point.accuracy ?? 0, point.labelled))
    return {
      name: `v${version}`,
      index: version - 1,
      x: points.map((point) => point.to),
      y: points.map((point) => point.accuracy),
      band: { low: bands.map(([low]) => low), high: bands.map(([, high]) => high) },
    }
  })
  const marks = series.flatMap((point, index): Mark[] => {
    const before = series[index - 1]
    return before === undefined || before.version === point.version
      ? []
      : [{ x: point.from, label: `v${point.version} serves` }]
  })
  return { lines, marks }
}

/** All points and the threshold in sight, with some air; not the intervals, which may be wide at the ends. */
function rangeOf(lines: Line[], threshold: number | undefined): [number, number] {
  const values = lines.flatMap((line) => line.y.filter((value) => value !== null))
  const all = threshold === undefined ? values : [...values, threshold]
  return [Math.max(0, Math.min(...all) - 0.05), Math.min(1, Math.max(...all) + 0.05)]
}
