import { AppError, badRequest } from '../../lib/errors.ts'
import type { ModelVersion } from '../registry/versions.service.ts'

/** One value a model takes: a column of its data frame, or one place of its matrix (then the name is the place). */
export type InputColumn = { name: string; type: string; required: boolean }

/** `frame`: named columns, as a pandas data frame. `matrix`: one unnamed array of numbers, columns named `0`, `1`, … */
export type InputSignature = { layout: 'frame' | 'matrix'; columns: InputColumn[] }

const MAX_TEXT_LENGTH = 100_000
const MAX_MATRIX_WIDTH = 10_000
const FLOAT32_MAX = 3.4028234663852886e38
const INT32_MAX = 2 ** 31 - 1

const TYPE_OF_DTYPE: Record<string, string> = {
  float64: 'double',
  float32: 'float',
  float16: 'float',
  int64: 'long',
  int32: 'integer',
  int16: 'integer',
  int8: 'integer',
  uint8: 'integer',
  uint16: 'integer',
  uint32: 'long',
  bool: 'boolean',
  str: 'string',
  object: 'string',
}

/**
 * What a version takes, from its signature.
 * @throws AppError unprocessable when it was logged without one, or takes what rows of values cannot say (images, …)
 */
export function inputSignature(version: ModelVersion): InputSignature {
  const inputs = version.mlmodel?.signature?.inputs ?? []
  const what = `Version ${version.version} of ${version.name}`
  if (inputs.length === 0) {
    throw new AppError(
      'unprocessable',
      `${what} was logged without a signature, so nobody can say what it takes. Log it again with one: mlflow.<flavor>.log_model(…, signature=infer_signature(X, y)), or with input_example=.`,
    )
  }
  const tensors = inputs.filter((column) => column.type === 'tensor')
  if (tensors.length === 0) {
    const named = inputs.every((column) => column.name !== null)
    const columns = inputs.map((column, i) => ({
      name: column.name ?? String(i),
      type: column.type,
      required: column.required,
    }))
    return { layout: named ? 'frame' : 'matrix', columns }
  }
  const [tensor] = tensors
  const rank = tensor?.shape?.length ?? 0
  const width = rank === 2 ? (tensor?.shape?.[1] ?? -1) : rank === 1 ? 1 : -1
  const type = TYPE_OF_DTYPE[tensor?.dtype ?? '']
  if (inputs.length !== 1 || type === undefined || width < 1 || width > MAX_MATRIX_WIDTH) {
    const shapes = inputs.map(
      (column) => `${column.name ?? 'unnamed'} ${column.dtype ?? column.type} [${column.shape?.join(', ') ?? ''}]`,
    )
    throw new AppError(
      'unprocessable',
      `${what} takes tensors (${shapes.join('; ')}); rows of values can only feed one matrix of fixed width.`,
    )
  }
  return {
    layout: 'matrix',
    columns: Array.from({ length: width }, (_, i) => ({ name: String(i), type, required: true })),
  }
}

/** MLflow's type of what a version predicts (`string`, `long` …); undefined when its signature does not say. */
export function outputType(version: ModelVersion): string | undefined {
  const output = version.mlmodel?.signature?.outputs[0]
  return output?.type === 'tensor' ? TYPE_OF_DTYPE[output.dtype ?? ''] : output?.type
}

/** Whether the type's values are numbers without a fraction. */
export function isWholeType(type: string): boolean {
  return type === 'long' || type === 'integer'
}

export function isNumberType(type: string): boolean {
  return isWholeType(type) || type === 'double' || type === 'float'
}

/**
 * Checks rows against a signature and turns them into columns (`result[column][row]`, null where an optional value is
 * absent). Nothing is coerced but whole numbers into fractions: "39" is not a number, 1 is not true.
 * @throws AppError bad_request naming the value at fault (`rows[0].age`)
 */
export function checkRows(signature: InputSignature, rows: readonly Record<string, unknown>[]): unknown[][] {
  const { columns } = signature
  const values: unknown[][] = columns.map(() => new Array<unknown>(rows.length))
  for (const [r, row] of rows.entries()) {
    let present = 0
    for (const [c, column] of columns.entries()) {
      const given = Object.hasOwn(row, column.name)
      if (given) present++
      const value = given ? row[column.name] : undefined
      if (value === undefined || value === null) {
        if (column.required) throw missing(r, column, given)
        values[c]![r] = null
        continue
      }
      const problem = problemOf(column.type, value)
      if (problem !== null)
        throw badRequest(`${place(r, column.name)} must be ${problem}, not ${shown(value)}.`, place(r, column.name))
      values[c]![r] = value
    }
    if (present !== Object.keys(row).length) throw unknownColumn(r, row, columns)
  }
  return values
}

function place(row: number, column: string): string {
  return `rows[${row}].${column}`
}

function missing(row: number, column: InputColumn, given: boolean): AppError {
  const field = place(row, column.name)
  return badRequest(`${field} is ${given ? 'null' : 'missing'}; the model needs it (${column.type}).`, field)
}

function unknownColumn(row: number, given: Record<string, unknown>, columns: readonly InputColumn[]): AppError {
  const known = new Set(columns.map((column) => column.name))
  const name = Object.keys(given).find((key) => !known.has(key)) ?? ''
  const names = columns.slice(0, 50).map((column) => column.name)
  const field = place(row, name.slice(0, 100))
  return badRequest(
    `${field} is not a column of the model. Its columns: ${names.join(', ')}${columns.length > 50 ? ', …' : ''}.`,
    field,
  )
}

/** What a value of this type must be, when `value` is not; null when it is. */
function problemOf(type: string, value: unknown): string | null {
  switch (type) {
    case 'long':
      return Number.isSafeInteger(value) ? null : 'a whole number (long)'
    case 'integer':
      return Number.isInteger(value) && Math.abs(value as number) <= INT32_MAX
        ? null
        : 'a whole number of 32 bits (integer)'
    case 'double':
      return Number.isFinite(value) ? null : 'a number (double)'
    case 'float':
      return Number.isFinite(value) && Math.abs(value as number) <= FLOAT32_MAX ? null : 'a number of 32 bits (float)'
    case 'boolean':
      return typeof value === 'boolean' ? null : 'true or false (boolean)'
    case 'string':
      return typeof value === 'string' && value.length <= MAX_TEXT_LENGTH
        ? null
        : `text of at most ${MAX_TEXT_LENGTH} characters (string)`
    case 'datetime':
      return typeof value === 'string' && value.length <= 64 && !Number.isNaN(Date.parse(value))
        ? null
        : 'a date or time like 2026-11-22T10:00:00 (datetime)'
    case 'binary':
      return typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value) ? null : 'bytes in base64 (binary)'
    case 'array':
      return Array.isArray(value) ? null : 'a list (array)'
    case 'object':
    case 'map':
      return typeof value === 'object' && !Array.isArray(value) ? null : `an object (${type})`
    default:
      return null // a type newer than we: the model itself checks it
  }
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `the text "${value.slice(0, 60)}${value.length > 60 ? '…' : ''}"`
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : String(value)
}
