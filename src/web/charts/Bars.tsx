import { formatCount, formatNumber, formatShare } from '../format.ts'
import css from './Bars.module.css'

export type Bin = { from: number; to: number; count: number }

/** A distribution of numbers, small: one bar a bin, exact bounds and count on hover. */
export function Histogram({ bins, height = 32 }: { bins: Bin[]; height?: number }) {
  const most = Math.max(1, ...bins.map((bin) => bin.count))
  const width = 100 / Math.max(1, bins.length)
  return (
    <svg
      className={css.histogram}
      height={height}
      viewBox={`0 0 100 ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`Distribution in ${bins.length} bins`}
    >
      {bins.map((bin, index) => {
        const size = bin.count === 0 ? 0 : Math.max(1, (bin.count / most) * height)
        return (
          <rect key={bin.from} x={index * width + width * 0.06} y={height - size} width={width * 0.88} height={size}>
            <title>{`${formatNumber(bin.from)} – ${formatNumber(bin.to)}: ${formatCount(bin.count)}`}</title>
          </rect>
        )
      })}
    </svg>
  )
}

export type Bar = { label: string; value: number; title?: string; strong?: boolean }

/** Shares of a whole as horizontal bars, with the label and the share written on them. */
export function Bars({ bars, total }: { bars: Bar[]; total: number }) {
  return (
    <div className={css.bars}>
      {bars.map((bar) => (
        <div
          key={bar.label}
          className={css.bar}
          data-strong={bar.strong || undefined}
          title={bar.title ?? `${bar.label}: ${formatNumber(bar.value)}`}
        >
          <span className={css.fill} style={{ width: `${total === 0 ? 0 : (bar.value / total) * 100}%` }} />
          <span className={`${css.label} truncate`}>{bar.label}</span>
          <span className={`${css.share} num`}>{formatShare(total === 0 ? 0 : bar.value / total)}</span>
        </div>
      ))}
    </div>
  )
}
