import css from './DotWhisker.module.css'
import { Stroke } from './LineChart.tsx'

export type Dot = { name: string; index: number; value: number; interval: [low: number, high: number] }
export type DotGroup = { label: string; note: string; dots: Dot[] }

type Props = {
  title: string
  groups: DotGroup[]
  format: (value: number) => string
  /** A value that must be in sight and gets a line, such as 0 for differences. */
  origin?: number
}

/** Values with their intervals, one row each, on one shared axis. */
export function DotWhisker({ title, groups, format, origin }: Props) {
  const ends = groups.flatMap((group) => group.dots.flatMap((dot) => dot.interval))
  const all = origin === undefined ? ends : [...ends, origin]
  const ticks = niceTicks(Math.min(...all), Math.max(...all))
  const low = ticks[0]!
  const high = ticks.at(-1)!
  const at = (value: number) => `${((value - low) / (high - low)) * 100}%`
  const names = new Map(groups.flatMap((group) => group.dots.map((dot) => [dot.name, dot.index] as const)))
  return (
    <figure className={css.chart} aria-label={title}>
      <figcaption className={css.head}>
        <strong>{title}</strong>
        {[...names].map(([name, index]) => (
          <span key={name} className={css.key}>
            <Stroke index={index} />
            {name}
          </span>
        ))}
      </figcaption>
      {groups.map((group) => (
        <div key={group.label} className={css.group}>
          <div className={css.label}>
            {group.label} <span className="muted">{group.note}</span>
          </div>
          <div className={css.rows}>
            {group.dots.map((dot) => (
              <div
                key={dot.name}
                className={css.row}
                style={{ color: `var(--series-${(dot.index % 10) + 1})` }}
                title={`${dot.name}: ${format(dot.value)}, 95 % interval ${format(dot.interval[0])} to ${format(dot.interval[1])}`}
              >
                <span className={css.track}>
                  {ticks.map((tick) => (
                    <span
                      key={tick}
                      className={css.grid}
                      style={{ left: at(tick) }}
                      data-origin={tick === origin || undefined}
                    />
                  ))}
                  <span
                    className={css.whisker}
                    style={{
                      left: at(dot.interval[0]),
                      width: `calc(${at(dot.interval[1])} - ${at(dot.interval[0])})`,
                    }}
                  />
                  <span className={css.dot} style={{ left: at(dot.value) }} />
                </span>
                <span className={css.value}>{format(dot.value)}</span>
              </div>
            ))}
          </div>
        </div>
      ))}
      <div className={css.row} aria-hidden>
        <span className={css.axis}>
          {ticks.map((tick) => (
            <span key={tick} style={{ left: at(tick) }}>
              {format(tick)}
            </span>
          ))}
        </span>
        <span />
      </div>
    </figure>
  )
}

/** Round numbers around low … high: three to six of them. */
function niceTicks(low: number, high: number): number[] {
  const span = Math.max(high - low, 1e-6)
  const rough = span / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power
  const first = Math.floor(low / step)
  const last = Math.max(Math.ceil(high / step), first + 1)
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)))
}
