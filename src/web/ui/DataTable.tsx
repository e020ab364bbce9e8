import { useMediaQuery } from '@mantine/hooks'
import { type ReactNode, useMemo } from 'react'
import { ColumnChooser, type ColumnSource } from './ColumnChooser.tsx'
import { chosenColumns, withColumn } from './chosen-columns.ts'
import css from './DataTable.module.css'
import { TableGrid } from './TableGrid.tsx'
import { type Column, useTableModel } from './table-model.ts'
import { useUrlParam } from './url-state.ts'

export type { Column } from './table-model.ts'

export type DataTableProps<T> = {
  /** What it lists, for assistive technology: "Runs". */
  label: string
  columns: Column<T>[]
  rows: T[]
  rowKey: (row: T) => string
  /** Where a row leads; a click anywhere in it goes there. The identity cell should hold the link itself. */
  rowTo?: (row: T) => string
  /** Sort when the address says none: `-created`. */
  defaultSort?: string
  /** The server sorts: read the same `sort` parameter of the address and pass rows in order. */
  manualSort?: boolean
  /** Left part of the line above: search, filters. */
  toolbar?: ReactNode
  /** The column chooser; with a source when the server has more columns than the table was given. */
  chooser?: boolean | ColumnSource
  /** Takes the rest of the page's height and scrolls inside. Else as high as its rows. */
  fill?: boolean
  selected?: ReadonlySet<string>
  /** Shown in place of rows when there are none (a filter that matches nothing). */
  none?: ReactNode
  /** Prefix of its parameters in the address, when a page has two tables. */
  urlPrefix?: string
}

/**
 * A table that keeps its sort and columns in the address, pins its identity column, draws only the rows in sight when there
 * are many, and becomes a list of the facts that matter on a phone.
 */
export function DataTable<T extends object>(props: DataTableProps<T>) {
  const { columns, rows, rowKey, defaultSort = '', manualSort = false, urlPrefix = '' } = props
  const [sort, setSort] = useUrlParam(`${urlPrefix}sort`, defaultSort)
  const [columnsText, setColumnsText] = useUrlParam(`${urlPrefix}columns`)
  const chosen = useMemo(() => chosenColumns(columnsText), [columnsText])
  const model = useTableModel({ columns, rows, rowKey, sort, manualSort, chosen })
  const phone = useMediaQuery('(max-width: 720px)', undefined, { getInitialValueInEffect: false })
  const { chooser = false } = props
  const hasBar = props.toolbar !== undefined || chooser !== false
  return (
    <div className={css.outer} data-fill={(props.fill === true && phone !== true) || undefined}>
      {hasBar && (
        <div className={css.toolbar}>
          {props.toolbar}
          <span className={css.spring} />
          {chooser !== false && phone !== true && (
            <ColumnChooser
              columns={columns}
              chosen={chosen}
              onChange={(column, shown) => setColumnsText(withColumn(chosen, column, shown))}
              source={chooser === true ? undefined : chooser}
            />
          )}
        </div>
      )}
      {phone === true ? (
        <PhoneList {...props} rows={model.rows} />
      ) : (
        <TableGrid {...props} shown={model.shown} rows={model.rows} sort={sort} onSort={setSort} />
      )}
    </div>
  )
}

type PhoneProps<T> = Pick<DataTableProps<T>, 'label' | 'columns' | 'none'> & { rows: { id: string; data: T }[] }

function PhoneList<T>({ label, columns, rows, none }: PhoneProps<T>) {
  const identity = columns[0]
  const facts = columns.slice(1).filter((column) => column.phone === true)
  if (rows.length === 0) return <div className={css.none}>{none ?? 'Nothing here.'}</div>
  return (
    <ul className={css.list} aria-label={label}>
      {rows.map((row) => (
        <li key={row.id} className={css.entry}>
          <div className="truncate">{identity?.cell(row.data)}</div>
          <div className={css.facts}>
            {facts.map((column) => (
              <span key={column.id} title={column.header}>
                {column.align === 'right' && `${column.header} `}
                {column.cell(row.data)}
              </span>
            ))}
          </div>
        </li>
      ))}
    </ul>
  )
}
