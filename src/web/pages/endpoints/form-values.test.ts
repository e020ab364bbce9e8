import { expect, test } from 'vitest'
import type { FormField, PredictionForm } from '../../api/endpoints.ts'
import { draftOf, readField, readForm, typicalDraft } from './form-values.ts'

const field = (over: Partial<FormField>): FormField => ({
  name: 'age',
  label: 'Age',
  kind: 'integer',
  required: true,
  choices: null,
  min: 17,
  max: 90,
  step: 1,
  typical: 37,
  help: null,
  ...over,
})
const form: PredictionForm = {
  endpoint: 'income',
  model: 'adult',
  version: 1,
  target: { name: 'income', labels: ['<=50K', '>50K'] },
  fields: [
    field({}),
    field({ name: 'sex', kind: 'choice', typical: 'Male' }),
    field({ name: 'note', kind: 'text', required: false, typical: null }),
  ],
  examples: [],
  note: null,
}

test('numbers are read as typed, and what is wrong is said', () => {
  expect(readField(field({}), ' 52 ')).toEqual({ value: 52, error: null, warning: null })
  expect(readField(field({}), '39.5').error).toBe('This must be a whole number.')
  expect(readField(field({ kind: 'number' }), '39,5').error).toBe('Write it with a point: 39.5')
  expect(readField(field({ kind: 'number' }), '1e2').value).toBe(100)
  expect(readField(field({}), 'old').error).toBe('This must be a number.')
  expect(readField(field({}), '').error).toBe('This is needed.')
})

test('what the model has never seen may be asked, with a warning', () => {
  expect(readField(field({}), '-3')).toMatchObject({ value: -3, error: null, warning: /at least 17/ })
  expect(readField(field({}), '91').warning).toMatch(/at most 90/)
})

test('a form is a row only when every field is good; what is optional and empty is left out', () => {
  expect(readForm(form, typicalDraft(form)).row).toEqual({ age: 37, sex: 'Male' })
  expect(readForm(form, { ...typicalDraft(form), age: 'x' }).row).toBeNull()
  expect(draftOf(form, { age: 52, sex: 'Female' })).toEqual({ age: '52', sex: 'Female', note: '' })
})
