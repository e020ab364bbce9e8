import { formatNumber } from '../format.ts'
import css from './LogMarks.module.css'

export type LogMark = { label: string; value: number }

type Props = { title: string; marks: LogMark[]; limit: { value: number; label: string } }

/** Small numbers of very different size on a logarithmic line, against a limit. Zero is drawn at the left end. */
export function LogMarks({ title, marks, limit }: Props) {
  const exponents = [...marks.map((mark) => mark.value), limit.value].filter((value) => value > 0).map(Math.log10)
  const low = Math.floor(Math.min(...exponents, -9))
  const high = Math.ceil(Math.max(...exponents, 0))
  const at = (value: number) => (value <= 0 ? 0 : ((Math.log10(value) - low) / (high - low)) * 100)
  const ticks = Array.from({ length: high - low + 1 }, (_, index) => low + index).filter(
    (tick) => (tick - low) % 3 === 0,
  )
  return (
    <figure className={css.chart} aria-label={title}>
      <figcaption className={css.title}>{title}</figcaption>
      <div className={css.rows}>
        {marks.map((mark) => (
          <div key={mark.label} className={css.row}>
            <span className={css.label}>{mark.label}</span>
            <span className={css.track}>
              <span className={css.limit} style={{ left: `${at(limit.value)}%` }} />
              <span
                className={css.bar}
                style={{ width: `${at(mark.value)}%` }}
                data-over={mark.value > limit.value || undefined}
              />
            </span>
            <span className={css.value} title={String(mark.value)}>
              {mark.value === 0 ? '0' : formatNumber(mark.value)}
            </span>
          </div>
        ))}
        <div className={css.row} aria-hidden>
          <span />
          <span className={css.axis}>
            {ticks.map((tick) => (
              <span key={tick} style={{ left: `${((tick - low) / (high - low)) * 100}%` }}>
                {tick === 0 ? '1' : `10${superscript(tick)}`}
              </span>
            ))}
          </span>
          <span />
        </div>
      </div>
      <p className={css.note}>
        Logarithmic: each mark below is a thousand times the one before. The line is the {limit.label}.
      </p>
    </figure>
  )
}

function superscript(power: number): string {
  return String(power).replace(/[-0-9]/g, (char) => (char === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(char)]!))
}
