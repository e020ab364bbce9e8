import { AppError, badRequest } from '../../../lib/errors.ts'
import { parseForeignJson, utf8Text } from '../../../lib/json-text.ts'
import { MAX_ROWS } from '../../serving/predict.service.ts'
import type { InputColumn, InputSignature } from '../../serving/signature.ts'
import { readCsv } from './csv.ts'

type Row = Record<string, unknown>

const FIELDS = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const

/**
 * The rows in a body of MLflow's scoring protocol. As there, columns that the model does not know are left out and
 * `params` is ignored; values are not coerced but for CSV, which is all text.
 * @throws AppError unsupported_media_type; bad_request for what is none of MLflow's input forms
 */
export function scoringRows(contentType: string | undefined, body: Buffer, signature: InputSignature): Row[] {
  const kind = mediaType(contentType)
  if (kind === 'application/json') return jsonRows(parseJson(body), signature)
  const { columns, rows } = readCsv(utf8Text(body), MAX_ROWS)
  return tableRows(columns, rows, signature).map((row) => fromText(row, signature.columns))
}

/** Checks the content type before the body is looked at. @throws AppError unsupported_media_type */
export function mediaType(contentType: string | undefined): 'application/json' | 'text/csv' {
  const [kind = '', ...parameters] = (contentType ?? '').split(';').map((part) => part.trim().toLowerCase())
  if (kind !== 'application/json' && kind !== 'text/csv') {
    throw new AppError(
      'unsupported_media_type',
      `This predictor only supports the following content types: application/json, text/csv. Got ${kind === '' ? 'none' : `"${kind.slice(0, 100)}"`}.`,
    )
  }
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice('charset='.length)
    .replaceAll('"', '')
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8')
    throw new AppError('unsupported_media_type', 'The scoring server only supports UTF-8')
  return kind
}

export function parseJson(body: Buffer): Row {
  let value: unknown
  try {
    value = parseForeignJson(body)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw badRequest('Invalid input. Ensure that input is a valid JSON formatted string.')
  }
  if (!isRecord(value))
    throw badRequest(
      `Invalid input. The input must be a JSON dictionary with exactly one of the input fields ${FIELDS.join(', ')}.`,
    )
  return value
}

function jsonRows(payload: Row, signature: InputSignature): Row[] {
  const given = FIELDS.filter((field) => Object.hasOwn(payload, field))
  const [field] = given
  if (field === undefined || given.length > 1) {
    throw badRequest(
      `Invalid input. The input must be a JSON dictionary with exactly one of the input fields ${FIELDS.join(', ')}. Received ${given.length === 0 ? 'none' : given.join(', ')}.`,
    )
  }
  const value = payload[field]
  if (field === 'dataframe_split') return splitRows(value, signature)
  if (field === 'inputs' && isRecord(value)) return columnRows(value, signature)
  if (!Array.isArray(value)) throw badRequest(`Invalid input. ${field} must be a list.`, field)
  if (value.every(isRecord)) return value.map((row) => known(row, signature))
  if (field === 'dataframe_records')
    throw badRequest('Invalid input. dataframe_records must be a list of JSON records.', field)
  if (signature.layout === 'frame') {
    const names = signature.columns.map((column) => column.name).join(', ')
    throw badRequest(
      `Failed to enforce schema of data with schema [${names}]: lists have no column names. Send records, or dataframe_split.`,
      field,
    )
  }
  return value.map((row: unknown, i) => positional(row, i, signature))
}

function splitRows(value: unknown, signature: InputSignature): Row[] {
  if (!isRecord(value) || !Array.isArray(value.data))
    throw badRequest('Invalid input. dataframe_split must be {"columns": […], "data": [[…], …]}.', 'dataframe_split')
  const data = value.data as unknown[]
  const columns =
    value.columns === undefined && signature.layout === 'matrix'
      ? signature.columns.map((column) => column.name)
      : value.columns
  if (!Array.isArray(columns) || columns.some((name) => typeof name !== 'string' && typeof name !== 'number')) {
    throw badRequest(
      'Invalid input. dataframe_split.columns must be a list of column names.',
      'dataframe_split.columns',
    )
  }
  const rows = data.map((row, i) => {
    if (Array.isArray(row) && row.length === columns.length) return row as unknown[]
    throw badRequest(
      `Invalid input. dataframe_split.data[${i}] must be a list of ${columns.length} values, one a column.`,
      `dataframe_split.data[${i}]`,
    )
  })
  return tableRows(columns.map(String), rows, signature)
}

/** `inputs: {column: [values]}`. */
function columnRows(value: Row, signature: InputSignature): Row[] {
  const lists = Object.entries(value).map(([name, list]) => {
    if (Array.isArray(list)) return [name, list as unknown[]] as const
    throw badRequest(`Invalid input. inputs.${name.slice(0, 100)} must be a list of values.`, 'inputs')
  })
  const lengths = new Set(lists.map(([, list]) => list.length))
  if (lengths.size !== 1) throw badRequest('Invalid input. The lists in inputs must have the same length.', 'inputs')
  const [count = 0] = lengths
  const columns = lists.map(([name]) => name)
  return tableRows(
    columns,
    Array.from({ length: count }, (_, r) => lists.map(([, list]) => list[r])),
    signature,
  )
}

/** Rows of a table with named columns: by name, or by place for a model that knows places only. */
function tableRows(columns: string[], rows: unknown[][], signature: InputSignature): Row[] {
  if (signature.layout === 'matrix') return rows.map((row, i) => positional(row, i, signature))
  const places = signature.columns
    .map((column) => [column.name, columns.indexOf(column.name)] as const)
    .filter(([, place]) => place >= 0)
  return rows.map((row) => Object.fromEntries(places.map(([name, place]) => [name, row[place]])))
}

function positional(row: unknown, index: number, signature: InputSignature): Row {
  const values = Array.isArray(row) ? row : [row]
  if (values.length !== signature.columns.length)
    throw badRequest(
      `Row ${index} has ${values.length} values; the model takes ${signature.columns.length}.`,
      `rows[${index}]`,
    )
  return Object.fromEntries(signature.columns.map((column, i) => [column.name, values[i]]))
}

function known(row: Row, signature: InputSignature): Row {
  return Object.fromEntries(
    signature.columns.filter(({ name }) => Object.hasOwn(row, name)).map(({ name }) => [name, row[name]]),
  )
}

/** CSV's texts as the signature's types; what does not read as one stays text, and is refused as such. */
function fromText(row: Row, columns: readonly InputColumn[]): Row {
  return Object.fromEntries(
    columns.filter(({ name }) => Object.hasOwn(row, name)).map(({ name, type }) => [name, typed(row[name], type)]),
  )
}

function typed(value: unknown, type: string): unknown {
  if (typeof value !== 'string') return value
  if (['long', 'integer', 'double', 'float'].includes(type)) {
    const number = value.trim() === '' ? Number.NaN : Number(value)
    return Number.isFinite(number) ? number : value
  }
  if (type === 'boolean') {
    const word = value.trim().toLowerCase()
    return word === 'true' ? true : word === 'false' ? false : value
  }
  return value
}

function isRecord(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
