import { Button, Checkbox, Popover, TextInput } from '@mantine/core'
import { IconColumns3 } from '@tabler/icons-react'
import { useState } from 'react'
import css from './DataTable.module.css'
import type { Column } from './table-model.ts'

type Props<T> = { columns: Column<T>[]; toggled: ReadonlySet<string>; onToggle: (id: string) => void }

/** Which columns a table shows, with a search because runs have hundreds of parameters. */
export function ColumnChooser<T>({ columns, toggled, onToggle }: Props<T>) {
  const [search, setSearch] = useState('')
  const found = columns.slice(1).filter((column) => column.header.toLowerCase().includes(search.toLowerCase()))
  const groups = [...new Set(found.map((column) => column.group ?? ''))]
  return (
    <Popover position="bottom-end" trapFocus>
      <Popover.Target>
        <Button leftSection={<IconColumns3 size={15} stroke={1.75} />}>Columns</Button>
      </Popover.Target>
      <Popover.Dropdown>
        <div className={css.chooser}>
          <TextInput
            placeholder="Search columns"
            aria-label="Search columns"
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
            data-autofocus
          />
          <div className={css.choices}>
            {groups.map((group) => (
              <div key={group}>
                {group !== '' && <div className={css.group}>{group}</div>}
                {found
                  .filter((column) => (column.group ?? '') === group)
                  .map((column) => (
                    <Checkbox
                      key={column.id}
                      className={css.choice}
                      size="xs"
                      label={column.header}
                      checked={(column.hidden === true) === toggled.has(column.id)}
                      onChange={() => onToggle(column.id)}
                    />
                  ))}
              </div>
            ))}
            {found.length === 0 && <div className={css.none}>No column is called that.</div>}
          </div>
        </div>
      </Popover.Dropdown>
    </Popover>
  )
}
