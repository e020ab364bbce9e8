import { type Lifecycle, RUN_STATUSES, type RunStatus, SourceError } from '../types.ts'

/** A value that a store gave, as the text, number or time it must be. Stores are foreign: nothing is taken for granted. */

export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value === null || value === undefined || typeof value === 'object' ? '' : String(value)
}

export function textOrNull(value: unknown): string | null {
  return value === null || value === undefined || value === '' ? null : textOf(value)
}

/** Milliseconds since the epoch; null when there is none or it is no whole number that a date can hold. */
export function timeOf(value: unknown): number | null {
  if (value === null || value === undefined || value === '') return null
  const number = Number(value)
  return Number.isSafeInteger(number) && number >= 0 ? number : null
}

/** @throws Error naming the field when it is no whole number of 64 bits */
export function int64Of(value: unknown, field: string): number | bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  const text = String(value)
  if (!/^[+-]?\d{1,19}$/.test(text)) throw new SourceError(`${field} "${text.slice(0, 40)}" is no whole number`)
  const number = BigInt(text)
  if (BigInt.asIntN(64, number) !== number) throw new SourceError(`${field} ${text} needs more than 64 bits`)
  return number >= Number.MIN_SAFE_INTEGER && number <= Number.MAX_SAFE_INTEGER ? Number(number) : number
}

/** Python's and JSON's words for numbers. @throws Error naming the field */
export function doubleOf(value: unknown, field: string): number {
  if (typeof value === 'number') return value
  const text = String(value).trim()
  if (/^[+-]?nan$/i.test(text)) return Number.NaN
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  const number = Number(text.replace(/_/g, ''))
  if (text === '' || Number.isNaN(number)) throw new SourceError(`${field} "${text.slice(0, 40)}" is no number`)
  return number
}

const STATUS_NUMBERS: Readonly<Record<string, RunStatus>> = {
  '1': 'RUNNING',
  '2': 'SCHEDULED',
  '3': 'FINISHED',
  '4': 'FAILED',
  '5': 'KILLED',
}

/** By name or number; a run without one is running, as MLflow has it. */
export function runStatusOf(value: unknown): RunStatus {
  const text = textOf(value)
  return RUN_STATUSES.find((status) => status === text) ?? STATUS_NUMBERS[text] ?? 'RUNNING'
}

export function lifecycleOf(value: unknown): Lifecycle {
  return textOf(value) === 'deleted' ? 'deleted' : 'active'
}

export function versionStatusOf(value: unknown): 'READY' | 'PENDING_REGISTRATION' | 'FAILED_REGISTRATION' {
  const text = textOf(value)
  return text === 'PENDING_REGISTRATION' || text === 'FAILED_REGISTRATION' ? text : 'READY'
}
