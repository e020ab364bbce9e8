import { useQueries } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useMemo, useRef } from 'react'
import { ROWS_PAGE, rowsQuery } from '../../api/data.ts'
import type { DatasetVersion, FileProfile, Rows } from '../../api/types.ts'
import { formatCell } from '../../format.ts'
import { useScope } from '../../frame/project-context.ts'
import { ColumnHead } from './ColumnHead.tsx'
import css from './TableTab.module.css'

const ROW_PX = 28
const COLUMN_PX = 168
const INDEX_PX = 72
/** Browsers cannot scroll further than some 33 million pixels: later rows are reached by sorting or by a recipe. */
const MAX_ROWS = 1_000_000

type Props = {
  version: DatasetVersion
  file: string
  profile: FileProfile | null
  first: Rows
  sort: string
  onSort: (sort: string | null) => void
}

/** All rows of a file in one scroll, of which only those in sight are fetched and drawn. */
export function RowsGrid({ version, file, profile, first, sort, onSort }: Props) {
  const box = useRef<HTMLElement>(null)
  const total = Math.min(first.total, MAX_ROWS)
  const virtualizer = useVirtualizer({
    count: total,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
    initialRect: { width: 1000, height: 700 },
  })
  const items = virtualizer.getVirtualItems()
  const rowAt = useRows(version, file, sort, items[0]?.index ?? 0, items.at(-1)?.index ?? 0)
  const stats = useMemo(() => new Map(profile?.columns.map((column) => [column.name, column])), [profile])
  const kinds = first.columns.map((column) => stats.get(column.name)?.kind)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section ref={box} className={css.wrap} tabIndex={0} aria-label={`Rows of ${file}`}>
      <table
        className={css.grid}
        aria-rowcount={first.total}
        style={{ width: INDEX_PX + first.columns.length * COLUMN_PX }}
      >
        <colgroup>
          <col style={{ width: INDEX_PX }} />
          {first.columns.map((column) => (
            <col key={column.name} style={{ width: COLUMN_PX }} />
          ))}
        </colgroup>
        <thead>
          <tr>
            <th className={css.index} scope="col">
              <span className="visually-hidden">Row</span>
            </th>
            {first.columns.map((column) => (
              <ColumnHead
                key={column.name}
                name={column.name}
                type={column.type}
                stats={stats.get(column.name)}
                rows={profile?.row_count ?? first.total}
                sort={sort}
                onSort={onSort}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          <Pad px={items[0]?.start ?? 0} columns={first.columns.length + 1} />
          {items.map((item) => (
            <tr key={item.index} aria-rowindex={item.index + 1}>
              <td className={css.index}>{item.index + 1}</td>
              {first.columns.map((column, at) => (
                <Cell key={column.name} row={rowAt(item.index)} at={at} kind={kinds[at]} />
              ))}
            </tr>
          ))}
          <Pad px={virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0)} columns={first.columns.length + 1} />
        </tbody>
      </table>
    </section>
  )
}

/** The pages that hold rows `from` to `to`, and a way to read a row once it is here. */
function useRows(
  version: DatasetVersion,
  file: string,
  sort: string,
  from: number,
  to: number,
): (index: number) => unknown[] | undefined {
  const scope = useScope()
  const firstPage = Math.floor(from / ROWS_PAGE)
  const count = Math.floor(to / ROWS_PAGE) - firstPage + 1
  const pages = useQueries({
    queries: Array.from({ length: count }, (_, index) =>
      rowsQuery(scope, version.dataset, version.version, file, sort, firstPage + index),
    ),
  })
  return (index) => pages[Math.floor(index / ROWS_PAGE) - firstPage]?.data?.rows[index % ROWS_PAGE]
}

function Cell({ row, at, kind }: { row: unknown[] | undefined; at: number; kind: string | undefined }) {
  if (row === undefined) {
    return (
      <td>
        <span className={css.ghost} />
      </td>
    )
  }
  const value = row[at]
  if (value === null || value === undefined) {
    return (
      <td data-kind={kind}>
        <span className={css.null}>null</span>
      </td>
    )
  }
  const text = formatCell(value)
  return (
    <td
      data-kind={kind ?? (typeof value === 'number' ? 'number' : undefined)}
      title={typeof value === 'object' ? text : String(value)}
    >
      {text}
    </td>
  )
}

function Pad({ px, columns }: { px: number; columns: number }) {
  if (px <= 0) return null
  return (
    <tr className={css.pad} aria-hidden>
      <td colSpan={columns} style={{ height: px }} />
    </tr>
  )
}
