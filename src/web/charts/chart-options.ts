import type uPlot from 'uplot'
import { formatExact, formatNumber } from '../format.ts'
import type { Line, Mark, Rule } from './LineChart.tsx'
import { seriesStyle, token } from './palette.ts'

/** What is under the crosshair. `left` and `width` in CSS pixels of the plot. */
export type Tip = { left: number; width: number; x: string; rows: { name: string; index: number; value: number }[] }

type Input = {
  lines: Line[]
  rules: Rule[]
  marks: Mark[]
  log: boolean
  x: 'step' | 'time'
  width: number
  height: number
  yRange?: [number, number]
  group?: string
  onTip: (tip: Tip | null) => void
}

/** Up to here each point is drawn as a dot too. */
export const FEW_POINTS = 30
const FONT = '12px "Inter Variable", sans-serif'

/** uPlot's options for our look: hairline grid, muted axes, the roles of the current colour scheme. */
export function chartOptions(input: Input): uPlot.Options {
  const { lines, log, x, width, height, yRange, group } = input
  const axis: uPlot.Axis = {
    stroke: token('--muted'),
    font: FONT,
    grid: { stroke: token('--border'), width: 1 },
    ticks: { show: false },
    gap: 6,
  }
  return {
    width,
    height,
    ms: 1,
    padding: [8, 12, 0, 0],
    legend: { show: false },
    cursor: {
      points: { size: 6 },
      drag: { x: true, y: false },
      ...(group === undefined ? {} : { sync: { key: group } }),
    },
    scales: {
      x: { time: x === 'time' },
      y: { distr: log ? 3 : 1, ...(yRange === undefined || log ? {} : { range: yRange }) },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        // Times need a second line, for the day.
        size: x === 'time' ? 40 : 26,
        ...(x === 'time'
          ? {}
          : {
              values: (_plot: uPlot, ticks: number[]) =>
                ticks.map((tick) => (Number.isInteger(tick) ? formatNumber(tick) : '')),
            }),
      },
      { ...axis, size: 52, values: (_plot, ticks) => ticks.map((tick) => (tick === null ? '' : formatNumber(tick))) },
    ],
    series: [{}, ...lines.flatMap((line) => seriesOf(line))],
    bands: bandsOf(lines),
    hooks: {
      setCursor: [(plot) => input.onTip(tipOf(plot, lines, x))],
      draw: [(plot) => drawRules(plot, input.rules), (plot) => drawMarks(plot, input.marks)],
    },
  }
}

function seriesOf(line: Line): uPlot.Series[] {
  const { colour, dash } = seriesStyle(line.index)
  const alone = line.y.filter((value) => value !== null).length <= 1
  const own: uPlot.Series = {
    label: line.name,
    stroke: colour,
    width: 1.75,
    dash,
    spanGaps: true,
    points: { show: alone || line.x.length <= FEW_POINTS, size: 5, fill: colour },
  }
  if (line.band === undefined) return [own]
  const edge: uPlot.Series = { stroke: 'transparent', width: 0, points: { show: false }, spanGaps: true }
  return [own, { ...edge, label: `${line.name} low` }, { ...edge, label: `${line.name} high` }]
}

function bandsOf(lines: Line[]): uPlot.Band[] {
  const bands: uPlot.Band[] = []
  let at = 1
  for (const line of lines) {
    if (line.band !== undefined) bands.push({ series: [at + 2, at + 1], fill: `${seriesStyle(line.index).colour}2e` })
    at += line.band === undefined ? 1 : 3
  }
  return bands
}

function tipOf(plot: uPlot, lines: Line[], x: 'step' | 'time'): Tip | null {
  const at = plot.cursor.idx
  if (at === null || at === undefined || plot.cursor.left === undefined || plot.cursor.left < 0) return null
  const value = plot.data[0][at]
  if (value === undefined) return null
  let column = 1
  const rows: Tip['rows'] = []
  for (const line of lines) {
    const y = plot.data[column]?.[at]
    if (y !== null && y !== undefined) rows.push({ name: line.name, index: line.index, value: y })
    column += line.band === undefined ? 1 : 3
  }
  const offset = plot.bbox.left / devicePixelRatio
  return {
    left: plot.cursor.left + offset,
    width: plot.width,
    x: x === 'time' ? formatExact(value) : formatNumber(value),
    rows,
  }
}

function drawRules(plot: uPlot, rules: Rule[]): void {
  const { ctx, bbox } = plot
  ctx.save()
  for (const rule of rules) {
    const y = plot.valToPos(rule.value, 'y', true)
    if (y < bbox.top || y > bbox.top + bbox.height) continue
    ctx.strokeStyle = token('--danger')
    ctx.fillStyle = token('--danger')
    ctx.lineWidth = devicePixelRatio
    ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio])
    ctx.beginPath()
    ctx.moveTo(bbox.left, y)
    ctx.lineTo(bbox.left + bbox.width, y)
    ctx.stroke()
    ctx.font = `${12 * devicePixelRatio}px "Inter Variable", sans-serif`
    ctx.textAlign = 'right'
    const right = bbox.left + bbox.width - 4 * devicePixelRatio
    const width = ctx.measureText(rule.label).width
    // A ground of its own: the label often lies on a line or band.
    ctx.fillStyle = token('--raised')
    ctx.fillRect(
      right - width - 3 * devicePixelRatio,
      y - 17 * devicePixelRatio,
      width + 6 * devicePixelRatio,
      15 * devicePixelRatio,
    )
    ctx.fillStyle = token('--danger')
    ctx.fillText(rule.label, right, y - 5 * devicePixelRatio)
  }
  ctx.restore()
}

function drawMarks(plot: uPlot, marks: Mark[]): void {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.strokeStyle = token('--muted')
  ctx.fillStyle = token('--muted')
  ctx.lineWidth = devicePixelRatio
  ctx.font = `${11 * devicePixelRatio}px "Inter Variable", sans-serif`
  for (const mark of marks) {
    const x = plot.valToPos(mark.x, 'x', true)
    if (x < bbox.left || x > bbox.left + bbox.width) continue
    ctx.beginPath()
    ctx.moveTo(x, bbox.top)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
    // The label stays inside the plot: to the left of a mark near the right edge.
    const right = x > bbox.left + bbox.width * 0.8
    ctx.textAlign = right ? 'right' : 'left'
    ctx.fillText(mark.label, x + (right ? -5 : 5) * devicePixelRatio, bbox.top + 11 * devicePixelRatio)
  }
  ctx.restore()
}
