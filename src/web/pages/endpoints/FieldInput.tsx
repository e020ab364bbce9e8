import { SegmentedControl, Select, TextInput } from '@mantine/core'
import type { FormField } from '../../api/endpoints.ts'
import { formatShare } from '../../format.ts'
import css from './Form.module.css'

/** Choices are buttons while all of them fit in one line, in characters. */
const LINE_CHARACTERS = 34
const SEARCH_FROM = 9

type Props = {
  field: FormField
  typed: string
  error: string | null
  warning: string | null
  onChange: (typed: string) => void
}

/** One question: its label, what is usual, its input, and beside it what is wrong with what was typed. */
export function FieldInput({ field, typed, error, warning, onChange }: Props) {
  const id = `field-${field.name}`
  const inLine = isInLine(field)
  const notes = [field.help === null ? null : `${id}-help`, (error ?? warning) ? `${id}-note` : null]
  const described = notes.filter((note) => note !== null).join(' ') || undefined
  return (
    <div className={css.field} data-field={field.name}>
      <div className={css.labelLine}>
        {inLine ? (
          <span id={`${id}-label`} className={css.label}>
            {field.label}
          </span>
        ) : (
          <label htmlFor={id} className={css.label}>
            {field.label}
          </label>
        )}
        {!field.required && <span className={css.optional}>optional</span>}
        {field.help !== null && (
          <span id={`${id}-help`} className={css.help}>
            {field.help}
          </span>
        )}
      </div>
      <Control field={field} id={id} typed={typed} described={described} invalid={error !== null} onChange={onChange} />
      {(error ?? warning) !== null && (
        <p
          id={`${id}-note`}
          className={error !== null ? css.error : css.warning}
          role={error !== null ? 'alert' : undefined}
        >
          {error ?? warning}
        </p>
      )}
    </div>
  )
}

type ControlProps = {
  field: FormField
  id: string
  typed: string
  described: string | undefined
  invalid: boolean
  onChange: (typed: string) => void
}

function Control({ field, id, typed, described, invalid, onChange }: ControlProps) {
  if (isInLine(field)) {
    return (
      <SegmentedControl
        fullWidth
        size="sm"
        aria-labelledby={`${id}-label`}
        data={optionsOf(field)}
        value={typed}
        onChange={onChange}
      />
    )
  }
  if (field.kind === 'choice') {
    const shares = new Map((field.choices ?? []).map(({ value, share }) => [value, share]))
    return (
      <Select
        id={id}
        data={optionsOf(field)}
        value={typed === '' ? null : typed}
        onChange={(value) => onChange(value ?? '')}
        searchable={shares.size >= SEARCH_FROM}
        clearable={!field.required}
        nothingFoundMessage="The training data has no such value."
        maxDropdownHeight={320}
        error={invalid}
        aria-describedby={described}
        renderOption={({ option, checked }) => (
          <span className={css.option} data-checked={checked || undefined}>
            <span className="truncate">{option.label}</span>
            <span className={css.share}>{formatShare(shares.get(option.value))}</span>
          </span>
        )}
      />
    )
  }
  const number = field.kind === 'number' || field.kind === 'integer'
  return (
    <TextInput
      id={id}
      value={typed}
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={number ? (event) => step(event, field, typed, onChange) : undefined}
      inputMode={field.kind === 'integer' ? 'numeric' : number ? 'decimal' : 'text'}
      autoComplete="off"
      error={invalid}
      aria-describedby={described}
      {...(number ? { styles: { input: { fontVariantNumeric: 'tabular-nums' } } } : {})}
    />
  )
}

/** Arrow keys change a number by a step, as people expect of number inputs; text stays what was typed. */
function step(event: React.KeyboardEvent, field: FormField, typed: string, onChange: (typed: string) => void): void {
  const direction = event.key === 'ArrowUp' ? 1 : event.key === 'ArrowDown' ? -1 : 0
  const value = Number(typed)
  if (direction === 0 || typed.trim() === '' || Number.isNaN(value)) return
  event.preventDefault()
  const next = value + direction * (field.step ?? 1) * (event.shiftKey ? 10 : 1)
  onChange(String(Number(next.toPrecision(12))))
}

function isInLine(field: FormField): boolean {
  if (field.kind === 'boolean') return true
  const choices = field.choices ?? []
  const characters = choices.reduce((sum, { value }) => sum + value.length + 2, 0)
  return field.kind === 'choice' && field.required && choices.length <= 4 && characters <= LINE_CHARACTERS
}

function optionsOf(field: FormField): { value: string; label: string }[] {
  if (field.kind === 'boolean') {
    return [
      { value: 'true', label: 'Yes' },
      { value: 'false', label: 'No' },
    ]
  }
  return (field.choices ?? []).map(({ value }) => ({ value, label: value }))
}
