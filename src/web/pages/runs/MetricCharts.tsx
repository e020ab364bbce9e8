import { Button, SegmentedControl } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { historyQuery, isRunning } from '../../api/runs.ts'
import type { History, Run } from '../../api/types.ts'
import { type Line, LineChart } from '../../charts/LineChart.tsx'
import { distinctStyles } from '../../charts/palette.ts'
import type { Scope } from '../../paths.ts'
import { useUrlParam } from '../../ui/url-state.ts'
import css from './Runs.module.css'

/** Charts drawn at first; the rest on request, because each asks for each run's history. */
const AT_FIRST = 8

/** The metrics of some runs by step: one chart a metric, each run in its own colour, one crosshair over all. */
export function MetricCharts({ scope, runs }: { scope: Scope; runs: Run[] }) {
  const [all, setAll] = useState(false)
  const [x, setX] = useUrlParam('x', 'step')
  const names = useMemo(() => [...new Set(runs.flatMap((run) => Object.keys(run.metrics)))].sort(systemLast), [runs])
  const shown = all ? names : names.slice(0, AT_FIRST)
  const styles = useMemo(() => distinctStyles(runs.map((run) => run.id)), [runs])
  const asked = shown.flatMap((name) => runs.map((run) => ({ name, run })))
  const answers = useQueries({
    queries: asked.map(({ name, run }) => historyQuery(scope, run.id, name, isRunning(run))),
  })
  const charts = shown
    .map((name) => ({
      name,
      lines: asked.flatMap((one, index) =>
        one.name === name
          ? lineOf(one.run, answers[index]?.data, runs.length === 1 ? 0 : (styles.get(one.run.id) ?? 0), x)
          : [],
      ),
    }))
    .filter((chart) => chart.lines.some((line) => line.x.length > 1))
  if (charts.length === 0) return null
  return (
    <>
      <SegmentedControl
        aria-label="Horizontal axis"
        w="fit-content"
        data={[
          { value: 'step', label: 'By step' },
          { value: 'time', label: 'By time' },
        ]}
        value={x}
        onChange={setX}
      />
      <div className={css.charts}>
        {charts.map((chart) => (
          <LineChart
            key={chart.name}
            title={chart.name}
            lines={chart.lines}
            x={x === 'time' ? 'time' : 'step'}
            group={`metrics-${x}`}
          />
        ))}
      </div>
      {names.length > AT_FIRST && !all && (
        <div>
          <Button onClick={() => setAll(true)}>Show all {names.length} metrics</Button>
        </div>
      )}
    </>
  )
}

function lineOf(run: Run, history: History | undefined, index: number, x: string): Line[] {
  if (history === undefined) return []
  // By time, several points of one moment keep the last: uPlot wants ascending x.
  const points = new Map(history.points.map((point) => [x === 'time' ? point.timestamp_ms : point.step, point.value]))
  const sorted = [...points].sort(([a], [b]) => a - b)
  return [
    {
      name: run.name,
      index,
      x: sorted.map(([at]) => at),
      y: sorted.map(([, value]) => value),
    },
  ]
}

function systemLast(a: string, b: string): number {
  return Number(a.startsWith('system/')) - Number(b.startsWith('system/')) || a.localeCompare(b)
}
