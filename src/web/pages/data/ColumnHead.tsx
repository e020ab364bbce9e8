import {
  IconAbc,
  IconArrowDown,
  IconArrowUp,
  IconCalendar,
  IconNumbers,
  IconQuestionMark,
  IconToggleLeft,
} from '@tabler/icons-react'
import type { ProfileColumn } from '../../api/types.ts'
import { Bars, Histogram } from '../../charts/Bars.tsx'
import { formatCount, formatNumber, formatShare } from '../../format.ts'
import css from './TableTab.module.css'

const ICONS = {
  number: IconNumbers,
  string: IconAbc,
  boolean: IconToggleLeft,
  datetime: IconCalendar,
  other: IconQuestionMark,
}

type Props = {
  name: string
  type: string
  stats: ProfileColumn | undefined
  rows: number
  sort: string
  onSort: (sort: string | null) => void
}

/** A column's head: name, type, how much is missing, and what it holds at a glance. A click sorts. */
export function ColumnHead({ name, type, stats, rows, sort, onSort }: Props) {
  const direction = sort === name ? 'ascending' : sort === `-${name}` ? 'descending' : undefined
  const Icon = stats === undefined ? null : ICONS[stats.kind]
  const missing = stats === undefined || rows === 0 ? 0 : stats.null_count / rows
  // Up, down, as stored.
  const next = direction === undefined ? name : direction === 'ascending' ? `-${name}` : null
  return (
    <th scope="col" aria-sort={direction}>
      <div className={css.head}>
        <button type="button" className={css.name} onClick={() => onSort(next)} title={`Sort by ${name}`}>
          {Icon !== null && <Icon size={14} stroke={1.75} aria-hidden />}
          <span className="truncate">{name}</span>
          {direction === 'ascending' && <IconArrowUp size={13} aria-hidden />}
          {direction === 'descending' && <IconArrowDown size={13} aria-hidden />}
        </button>
        <span className={css.type}>
          <span className="truncate">{type.toLowerCase()}</span>
          {missing > 0 && (
            <span
              className={css.missing}
              title={`${formatCount(stats?.null_count ?? 0)} of ${formatCount(rows)} are missing`}
            >
              {formatShare(missing)} missing
            </span>
          )}
        </span>
        {stats !== undefined && (
          <div className={css.summary}>
            <Summary stats={stats} rows={rows} />
          </div>
        )}
      </div>
    </th>
  )
}

function Summary({ stats, rows }: { stats: ProfileColumn; rows: number }) {
  if (stats.histogram !== null && stats.histogram.length > 0) {
    return (
      <>
        <Histogram bins={stats.histogram} height={38} />
        <span className={`${css.range} num`}>
          <span>{endText(stats.min)}</span>
          <span>{endText(stats.max)}</span>
        </span>
      </>
    )
  }
  if (stats.top !== null && stats.top.length > 0 && stats.top[0]!.count > 1) {
    const shown = stats.top.slice(0, stats.distinct_count > 3 ? 2 : 3)
    return (
      <>
        <Bars total={rows} bars={shown.map((entry) => ({ label: String(entry.value), value: entry.count }))} />
        {stats.distinct_count > shown.length && (
          <span className={css.range}>{formatCount(stats.distinct_count - shown.length)} more values</span>
        )}
      </>
    )
  }
  return <span className={css.range}>{formatCount(stats.distinct_count)} distinct values</span>
}

function endText(value: unknown): string {
  return typeof value === 'number' ? formatNumber(value) : String(value ?? '').slice(0, 10)
}
