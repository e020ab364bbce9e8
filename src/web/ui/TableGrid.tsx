import { IconArrowDown, IconArrowUp } from '@tabler/icons-react'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type MouseEvent, useRef, useState } from 'react'
import { useGo } from './AppLink.tsx'
import css from './DataTable.module.css'
import type { DataTableProps } from './DataTable.tsx'
import type { Column } from './table-model.ts'

const ROW_PX = 32
/** From here on only the rows in sight are drawn. */
const VIRTUAL_FROM = 80

type Row<T> = { id: string; data: T }
type Props<T> = Omit<DataTableProps<T>, 'rows'> & {
  shown: Column<T>[]
  rows: Row<T>[]
  sort: string
  onSort: (sort: string | null) => void
}

/** The table itself on a wide screen. */
export function TableGrid<T>({ label, shown, rows, rowTo, sort, onSort, selected, none, fill }: Props<T>) {
  const wrap = useRef<HTMLDivElement>(null)
  const [scrolled, setScrolled] = useState(false)
  const virtual = fill === true && rows.length > VIRTUAL_FROM
  const virtualizer = useVirtualizer({
    count: virtual ? rows.length : 0,
    getScrollElement: () => wrap.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  })
  const items = virtualizer.getVirtualItems()
  const visible = virtual ? items.map((item) => rows[item.index]!) : rows
  const before = virtual ? (items[0]?.start ?? 0) : 0
  const after = virtual ? virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0) : 0
  const widths = shown.map((column, index) => column.width ?? (index === 0 ? 260 : 140))
  return (
    <div
      ref={wrap}
      className={css.wrap}
      data-scrolled={scrolled || undefined}
      onScroll={(event) => setScrolled(event.currentTarget.scrollLeft > 0)}
    >
      <table
        className={css.table}
        aria-label={label}
        aria-rowcount={rows.length}
        style={{ minWidth: widths.reduce((sum, width) => sum + width, 0) }}
      >
        <colgroup>
          {shown.map((column, index) => (
            <col key={column.id} style={{ width: widths[index] }} />
          ))}
        </colgroup>
        <thead>
          <tr>
            {shown.map((column) => (
              <HeaderCell key={column.id} column={column} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && <Pad px={before} columns={shown.length} />}
          {visible.map((row) => (
            <BodyRow
              key={row.id}
              row={row}
              shown={shown}
              to={rowTo?.(row.data)}
              selected={selected?.has(row.id) === true}
            />
          ))}
          {after > 0 && <Pad px={after} columns={shown.length} />}
        </tbody>
      </table>
      {rows.length === 0 && <div className={css.none}>{none ?? 'Nothing here.'}</div>}
    </div>
  )
}

function HeaderCell<T>({
  column,
  sort,
  onSort,
}: {
  column: Column<T>
  sort: string
  onSort: (sort: string | null) => void
}) {
  const direction = sort === column.id ? 'ascending' : sort === `-${column.id}` ? 'descending' : undefined
  const Arrow = direction === 'ascending' ? IconArrowUp : IconArrowDown
  const inside = (
    <>
      <span className="truncate">{column.header}</span>
      {direction !== undefined && <Arrow size={13} aria-hidden />}
    </>
  )
  // First click: numbers from the largest, words from A.
  const next =
    direction === undefined
      ? column.align === 'right'
        ? `-${column.id}`
        : column.id
      : direction === 'ascending'
        ? `-${column.id}`
        : column.id
  return (
    <th scope="col" data-align={column.align} aria-sort={direction} title={column.header}>
      {column.value === undefined ? (
        <span className={css.plain}>{inside}</span>
      ) : (
        <button type="button" className={css.sort} onClick={() => onSort(next)}>
          {inside}
        </button>
      )}
    </th>
  )
}

function BodyRow<T>({
  row,
  shown,
  to,
  selected,
}: {
  row: Row<T>
  shown: Column<T>[]
  to: string | undefined
  selected: boolean
}) {
  const go = useGo()
  const click = (event: MouseEvent<HTMLTableRowElement>) => {
    const target = event.target as HTMLElement
    // Links and buttons act for themselves, and selecting text is not a click.
    if (
      to === undefined ||
      event.defaultPrevented ||
      target.closest('a,button,input,label') !== null ||
      window.getSelection()?.isCollapsed === false
    )
      return
    go(to)
  }
  return (
    <tr
      className={css.row}
      data-link={to !== undefined || undefined}
      data-selected={selected || undefined}
      onClick={click}
    >
      {shown.map((column) => (
        <td key={column.id} data-align={column.align}>
          {column.cell(row.data)}
        </td>
      ))}
    </tr>
  )
}

function Pad({ px, columns }: { px: number; columns: number }) {
  return (
    <tr className={css.pad} aria-hidden>
      <td colSpan={columns} style={{ height: px }} />
    </tr>
  )
}
