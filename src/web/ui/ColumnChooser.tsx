import { Button, Checkbox, Popover, TextInput } from '@mantine/core'
import { IconColumns3 } from '@tabler/icons-react'
import { useState } from 'react'
import { formatCount } from '../format.ts'
import { type ChosenColumns, isShown } from './chosen-columns.ts'
import css from './DataTable.module.css'
import type { Column } from './table-model.ts'

/** Columns that come from the server when the reader looks for them: there may be thousands. */
export type ColumnSource = {
  /** The text that is searched; '' when the chooser opens, null when it closes. */
  onSearch: (text: string | null) => void
  isLoading: boolean
  /** The server has others, which a longer text finds. */
  isMore: boolean
}

type Props<T> = {
  columns: Column<T>[]
  chosen: ChosenColumns
  onChange: (column: Column<T>, shown: boolean) => void
  source?: ColumnSource | undefined
}

/** So many of a group are listed; a search finds the others. */
const LISTED = 100

/** Which columns a table shows, with a search because runs have hundreds of parameters. */
export function ColumnChooser<T>({ columns, chosen, onChange, source }: Props<T>) {
  const [search, setSearch] = useState('')
  const look = (text: string) => {
    setSearch(text)
    source?.onSearch(text)
  }
  const found = columns.slice(1).filter((column) => column.header.toLowerCase().includes(search.toLowerCase()))
  const groups = Map.groupBy(found, (column) => column.group ?? '')
  return (
    <Popover position="bottom-end" trapFocus onOpen={() => look('')} onClose={() => source?.onSearch(null)}>
      <Popover.Target>
        <Button leftSection={<IconColumns3 size={15} stroke={1.75} />}>Columns</Button>
      </Popover.Target>
      <Popover.Dropdown>
        <div className={css.chooser}>
          <TextInput
            placeholder="Search columns"
            aria-label="Search columns"
            value={search}
            onChange={(event) => look(event.currentTarget.value)}
            data-autofocus
          />
          <div className={css.choices} aria-busy={source?.isLoading}>
            {[...groups].map(([group, members]) => (
              <div key={group}>
                {group !== '' && <div className={css.group}>{group}</div>}
                {members.slice(0, LISTED).map((column) => (
                  <Checkbox
                    key={column.id}
                    className={css.choice}
                    size="xs"
                    label={column.header}
                    checked={isShown(column, chosen)}
                    onChange={(event) => onChange(column, event.currentTarget.checked)}
                  />
                ))}
                {members.length > LISTED && (
                  <div className={css.hint}>
                    {formatCount(members.length - LISTED)} more: search for a part of the name.
                  </div>
                )}
              </div>
            ))}
            {found.length === 0 && (
              <div className={css.none}>{source?.isLoading ? 'Searching…' : 'No column is called that.'}</div>
            )}
          </div>
          {source?.isMore === true && (
            <div className={css.hint}>Not all names are listed: search for a part of the name.</div>
          )}
        </div>
      </Popover.Dropdown>
    </Popover>
  )
}
