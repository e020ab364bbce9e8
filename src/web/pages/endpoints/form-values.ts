import type { FormField, PredictionForm } from '../../api/endpoints.ts'
import { formatNumber } from '../../format.ts'

/** What is in the fields, as it was typed. */
export type Draft = Record<string, string>

/** A field's value for the model, and what to say about it. An error keeps the form from asking; a warning does not. */
export type Reading = { value: unknown; error: string | null; warning: string | null }

/** What is usual, so that one can change just what one knows. */
export function typicalDraft(form: PredictionForm): Draft {
  return draftOf(form, Object.fromEntries(form.fields.map((field) => [field.name, field.typical])))
}

/** Values (of an example, or of an earlier question) as they would have been typed. */
export function draftOf(form: PredictionForm, values: Record<string, unknown>): Draft {
  return Object.fromEntries(
    form.fields.map(({ name }) => {
      const value = values[name]
      return [name, value === null || value === undefined ? '' : String(value)]
    }),
  )
}

/** Reads one field as it was typed. */
export function readField(field: FormField, typed: string): Reading {
  const text = field.kind === 'text' || field.kind === 'choice' ? typed : typed.trim()
  if (text === '') {
    return field.required ? bad('This is needed.') : { value: undefined, error: null, warning: null }
  }
  if (field.kind === 'boolean') return good(text === 'true')
  if (field.kind === 'text' || field.kind === 'choice') return good(text)
  return readNumber(field, text)
}

function readNumber(field: FormField, text: string): Reading {
  if (!/^[-+−]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) {
    return bad(/^\S*\d,\d\S*$/.test(text) ? 'Write it with a point: 39.5' : 'This must be a number.')
  }
  const value = Number(text.replace('−', '-'))
  if (field.kind === 'integer' && !Number.isSafeInteger(value)) return bad('This must be a whole number.')
  if (!Number.isFinite(value)) return bad('This number is too large.')
  if (field.min !== null && value < field.min)
    return good(value, `Lower than all training data (at least ${formatNumber(field.min)}): do not rely on the answer.`)
  if (field.max !== null && value > field.max)
    return good(value, `Higher than all training data (at most ${formatNumber(field.max)}): do not rely on the answer.`)
  return good(value)
}

const good = (value: unknown, warning: string | null = null): Reading => ({ value, error: null, warning })
const bad = (error: string): Reading => ({ value: undefined, error, warning: null })

export type FormReading = {
  readings: Record<string, Reading>
  /** The row to ask about; null while a field is in error. */
  row: Record<string, unknown> | null
}

export function readForm(form: PredictionForm, draft: Draft): FormReading {
  const readings = Object.fromEntries(
    form.fields.map((field) => [field.name, readField(field, draft[field.name] ?? '')]),
  )
  const isGood = Object.values(readings).every((reading) => reading.error === null)
  const pairs = Object.entries(readings).filter(([, reading]) => reading.value !== undefined)
  return { readings, row: isGood ? Object.fromEntries(pairs.map(([name, { value }]) => [name, value])) : null }
}
