import { Kbd, TextInput } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'

type Props = {
  value: string
  onChange: (value: string) => void
  placeholder: string
  width?: number
  mono?: boolean
  onEnter?: () => void
  invalid?: boolean
  /** For assistive technology, when the placeholder is an example. */
  label?: string
}

/** A page's search: `/` goes to it (frame/shortcuts.ts), Escape leaves it. */
export function SearchBox({
  value,
  onChange,
  placeholder,
  width = 260,
  mono = false,
  onEnter,
  invalid = false,
  label = placeholder,
}: Props) {
  return (
    <TextInput
      data-page-search
      type="search"
      aria-label={label}
      placeholder={placeholder}
      value={value}
      error={invalid}
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Escape') event.currentTarget.blur()
        if (event.key === 'Enter') onEnter?.()
      }}
      leftSection={<IconSearch size={14} aria-hidden />}
      rightSection={value === '' ? <Kbd size="xs">/</Kbd> : undefined}
      style={{ flex: `0 1 ${width}px` }}
      styles={mono ? { input: { fontFamily: 'var(--mono)', fontSize: 12 } } : undefined}
    />
  )
}
