import { useComputedColorScheme } from '@mantine/core'
import { useElementSize, useMergedRef } from '@mantine/hooks'
import { type RefCallback, useEffect, useMemo, useRef } from 'react'
import uPlot from 'uplot'
import { chartOptions, FEW_POINTS, type Tip } from './chart-options.ts'
import type { Line, Mark, Rule } from './LineChart.tsx'

type Input = {
  lines: Line[]
  rules: Rule[]
  marks: Mark[]
  log: boolean
  x: 'step' | 'time'
  height: number
  yRange: [number, number] | undefined
  group: string | undefined
  onTip: (tip: Tip | null) => void
}

/** Keeps a uPlot in the element that takes the returned ref: made anew when its shape changes, else only given data and size. */
export function usePlot(input: Input): RefCallback<HTMLDivElement> {
  const { lines, rules, marks, log, x, height, yRange, group, onTip } = input
  const host = useRef<HTMLDivElement>(null)
  const { ref, width } = useElementSize<HTMLDivElement>()
  const place = useMergedRef(ref, host)
  const colorScheme = useComputedColorScheme()
  const plot = useRef<uPlot | null>(null)
  const data = useMemo(() => align(lines), [lines])
  const shape = JSON.stringify([
    lines.map((line) => [line.name, line.index, line.band !== undefined, line.x.length <= FEW_POINTS]),
    rules,
    marks,
    yRange,
    log,
    x,
    group,
    colorScheme,
    height,
  ])

  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` says when the plot itself must be made anew; data and width are given to it below
  useEffect(() => {
    if (host.current === null) return
    const made = new uPlot(
      chartOptions({
        lines,
        rules,
        marks,
        log,
        x,
        height,
        width: Math.max(width, 50),
        onTip,
        ...(yRange && { yRange }),
        ...(group && { group }),
      }),
      data,
      host.current,
    )
    plot.current = made
    return () => {
      plot.current = null
      made.destroy()
    }
  }, [shape])
  useEffect(() => plot.current?.setData(data), [data])
  useEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height })
  }, [width, height])

  return place
}

/** uPlot's data: all x values once, every line (and band) with null where it has no point. */
function align(lines: Line[]): uPlot.AlignedData {
  const tables = lines.flatMap((line): uPlot.AlignedData[] => [
    [line.x, line.y] as uPlot.AlignedData,
    ...(line.band === undefined
      ? []
      : ([
          [line.x, line.band.low],
          [line.x, line.band.high],
        ] as uPlot.AlignedData[])),
  ])
  if (tables.length === 0) return [[]]
  return tables.length === 1 ? tables[0]! : uPlot.join(tables)
}
