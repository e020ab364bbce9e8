import {
  type ColumnDef,
  columnVisibilityFeature,
  createSortedRowModel,
  rowSortingFeature,
  tableFeatures,
  useTable,
} from '@tanstack/react-table'
import { type ReactNode, useMemo } from 'react'
import { type ChosenColumns, isShown } from './chosen-columns.ts'

/** A column of a DataTable. The first one is the identity: pinned, never hidden, the title of a row on a phone. */
export type Column<T> = {
  id: string
  header: string
  cell: (row: T) => ReactNode
  /** What to sort by; without it the column cannot be sorted. Null always comes last. */
  value?: (row: T) => string | number | null
  align?: 'right'
  /** Pixels; default 140, identity 260. */
  width?: number
  /** Not shown until chosen in the column chooser. */
  hidden?: boolean
  /** Heading of its group in the column chooser, such as "Metrics". */
  group?: string
  /** One of the (at most three) facts that a phone shows. */
  phone?: boolean
}

const features = tableFeatures({
  rowSortingFeature,
  columnVisibilityFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: {},
})
export type Features = typeof features

export type ModelOptions<T> = {
  columns: Column<T>[]
  rows: T[]
  rowKey: (row: T) => string
  /** `name` or `-name`. */
  sort: string
  /** The rows come sorted (by the server). */
  manualSort: boolean
  chosen: ChosenColumns
}

/** The rows in order and the columns that are shown. */
export function useTableModel<T extends object>({ columns, rows, rowKey, sort, manualSort, chosen }: ModelOptions<T>) {
  const defs = useMemo(() => columns.map((column) => definition(column)), [columns])
  const sorting = useMemo(
    () => (sort === '' ? [] : [{ id: sort.replace(/^-/, ''), desc: sort.startsWith('-') }]),
    [sort],
  )
  const columnVisibility = useMemo(
    () => Object.fromEntries(columns.map((column, index) => [column.id, index === 0 || isShown(column, chosen)])),
    [columns, chosen],
  )
  const table = useTable<Features, T>({
    features,
    columns: defs,
    data: rows,
    getRowId: rowKey,
    manualSorting: manualSort,
    state: { sorting, columnVisibility },
  })
  const byId = useMemo(() => new Map(columns.map((column) => [column.id, column])), [columns])
  const shown = table
    .getVisibleLeafColumns()
    .map((column) => byId.get(column.id))
    .filter((column): column is Column<T> => column !== undefined)
  return { shown, rows: table.getRowModel().rows.map((row) => ({ id: row.id, data: row.original })) }
}

function definition<T extends object>(column: Column<T>): ColumnDef<Features, T> {
  return {
    id: column.id,
    accessorFn: (row: T) => column.value?.(row) ?? undefined,
    enableSorting: column.value !== undefined,
    sortUndefined: 'last',
    sortFn: (a, b, id) => compare(a.getValue(id), b.getValue(id)),
  } as ColumnDef<Features, T>
}

const words = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return words.compare(String(a), String(b))
}
