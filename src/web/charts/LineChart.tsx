import 'uplot/dist/uPlot.min.css'
import { ActionIcon, Tooltip } from '@mantine/core'
import { IconMathFunction } from '@tabler/icons-react'
import { type ReactNode, useMemo, useState } from 'react'
import { formatNumber } from '../format.ts'
import type { Tip } from './chart-options.ts'
import css from './LineChart.module.css'
import { seriesStyle } from './palette.ts'
import { usePlot } from './use-plot.ts'

/** One line: its points in the order of x. `y` null is a gap. `index` picks colour and dash (see palette.ts). */
export type Line = {
  name: string
  index: number
  x: number[]
  y: (number | null)[]
  band?: { low: (number | null)[]; high: (number | null)[] }
}
/** A horizontal line such as a threshold. */
export type Rule = { value: number; label: string }
/** A vertical line at an x, such as a change of version. */
export type Mark = { x: number; label: string }

type Props = {
  title: string
  lines: Line[]
  /** `time`: x is milliseconds since the epoch. */
  x?: 'step' | 'time'
  xLabel?: string
  height?: number
  rules?: Rule[]
  marks?: Mark[]
  yRange?: [number, number]
  /** Charts with the same group share their crosshair. */
  group?: string
  actions?: ReactNode
}

/** Curves on a canvas: shared crosshair, drag to zoom (double-click undoes), logarithmic y, a legend that hides lines. */
export function LineChart({
  title,
  lines,
  x = 'step',
  xLabel,
  height = 200,
  rules = [],
  marks = [],
  yRange,
  group,
  actions,
}: Props) {
  const [log, setLog] = useState(false)
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const [tip, setTip] = useState<Tip | null>(null)
  const shown = useMemo(() => lines.filter((line) => !hidden.has(line.name)), [lines, hidden])
  const place = usePlot({ lines: shown, x, height, rules, marks, yRange, group, log, onTip: setTip })
  const toggle = (name: string) =>
    setHidden((now) => new Set(now.has(name) ? [...now].filter((other) => other !== name) : [...now, name]))
  const words = log ? 'Linear scale' : 'Logarithmic scale'
  return (
    <figure className={css.chart} aria-label={title}>
      <figcaption className={css.head}>
        <span className="truncate">{title}</span>
        {actions}
        <Tooltip label={words}>
          <ActionIcon
            size={24}
            aria-label={words}
            aria-pressed={log}
            onClick={() => setLog(!log)}
            data-active={log || undefined}
          >
            <IconMathFunction size={14} color={log ? 'var(--accent)' : undefined} />
          </ActionIcon>
        </Tooltip>
      </figcaption>
      <div ref={place} style={{ position: 'relative' }} />
      {tip !== null && <Hover tip={tip} xLabel={xLabel ?? x} />}
      {lines.length > 1 && <Legend lines={lines} hidden={hidden} onToggle={toggle} />}
    </figure>
  )
}

function Legend({
  lines,
  hidden,
  onToggle,
}: {
  lines: Line[]
  hidden: ReadonlySet<string>
  onToggle: (name: string) => void
}) {
  return (
    <div className={css.legend}>
      {lines.map((line) => (
        <button
          key={line.name}
          type="button"
          className={css.key}
          aria-pressed={!hidden.has(line.name)}
          onClick={() => onToggle(line.name)}
        >
          <Stroke index={line.index} />
          {line.name}
        </button>
      ))}
    </div>
  )
}

/** A line's colour and dash as a small picture; also used in tables beside a run's name. */
export function Stroke({ index }: { index: number }) {
  const { colour, dash } = seriesStyle(index)
  return (
    <svg width="16" height="4" aria-hidden="true">
      <line x1="0" y1="2" x2="16" y2="2" stroke={colour} strokeWidth="2.5" strokeDasharray={dash.join(' ')} />
    </svg>
  )
}

function Hover({ tip, xLabel }: { tip: Tip; xLabel: string }) {
  const side = tip.left > tip.width / 2 ? { right: tip.width - tip.left + 20 } : { left: tip.left + 20 }
  return (
    <div className={css.tip} style={{ ...side, top: 44 }}>
      <span className="muted num">{`${xLabel === 'time' ? '' : `${xLabel} `}${tip.x}`}</span>
      {tip.rows.map((row) => (
        <span key={row.name} className={css.tipRow}>
          <span className="truncate">
            <Stroke index={row.index} /> {row.name}
          </span>
          <strong className="num" title={String(row.value)}>
            {formatNumber(row.value)}
          </strong>
        </span>
      ))}
    </div>
  )
}
