import type { FastifyReply, FastifyRequest } from 'fastify'
import { logFailure, toAppError } from '../../../http/errors.ts'
import { AppError, badRequest, type ErrorCode } from '../../../lib/errors.ts'
import { parseExact, stringifyMessage } from '../../../lib/json.ts'
import { parseForeignJson } from '../../../lib/json-text.ts'

/** A decoded request message: snake_case field names, values as JSON has them (query fields are strings or lists of strings). */
export type Message = Record<string, unknown>

/** An answer that needs one of MLflow's own error names, where our table has none or another. */
export class MlflowError extends Error {
  readonly errorCode: string
  readonly status: number

  constructor(status: number, errorCode: string, message: string) {
    super(message)
    this.name = 'MlflowError'
    this.status = status
    this.errorCode = errorCode
  }
}

/**
 * Our errors in MLflow's words. The client retries 408, 429 and every 5xx for minutes, so a mistake of the caller is
 * never one of these; and it looks for RESOURCE_ALREADY_EXISTS by name, with status 400.
 */
const WIRE_ERRORS: Record<ErrorCode, { status: number; errorCode: string }> = {
  bad_request: { status: 400, errorCode: 'INVALID_PARAMETER_VALUE' },
  unprocessable: { status: 400, errorCode: 'INVALID_PARAMETER_VALUE' },
  unsupported_media_type: { status: 400, errorCode: 'INVALID_PARAMETER_VALUE' },
  misdirected_request: { status: 421, errorCode: 'BAD_REQUEST' },
  conflict: { status: 400, errorCode: 'RESOURCE_ALREADY_EXISTS' },
  unauthenticated: { status: 401, errorCode: 'UNAUTHENTICATED' },
  forbidden: { status: 403, errorCode: 'PERMISSION_DENIED' },
  not_found: { status: 404, errorCode: 'RESOURCE_DOES_NOT_EXIST' },
  payload_too_large: { status: 413, errorCode: 'INVALID_PARAMETER_VALUE' },
  storage_full: { status: 507, errorCode: 'RESOURCE_EXHAUSTED' },
  too_many_requests: { status: 429, errorCode: 'REQUEST_LIMIT_EXCEEDED' },
  internal: { status: 500, errorCode: 'INTERNAL_ERROR' },
  unavailable: { status: 503, errorCode: 'TEMPORARILY_UNAVAILABLE' },
  timeout: { status: 504, errorCode: 'DEADLINE_EXCEEDED' },
}

/** Answers whatever was thrown in MLflow's shape; what is a bug is logged whole and answered without a word of it. */
export function sendWireError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof MlflowError) {
    return reply
      .code(error.status)
      .type('application/json')
      .send(stringifyMessage({ error_code: error.errorCode, message: error.message }))
  }
  const known = toAppError(error)
  const { status, errorCode } = WIRE_ERRORS[known.code]
  logFailure(request, known, error)
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="trainyard", Basic realm="trainyard"')
  if (known.retryAfterSeconds !== undefined) reply.header('retry-after', String(known.retryAfterSeconds))
  return reply
    .code(status)
    .type('application/json')
    .send(stringifyMessage({ error_code: errorCode, message: known.message }))
}

/** The JSON text of an answer, see `stringifyMessage`. */
export function encode(message: object): string {
  return stringifyMessage(message)
}

/**
 * The request's message: the query of a GET, nothing for a HEAD (as MLflow, whose answer is that to an empty message), else
 * the JSON body. Malformed JSON counts as `{}`, and JSON inside a JSON
 * string is read (very old clients), both as MLflow does.
 * @throws AppError bad_request for a POST or PUT that is not declared as JSON, for a field in two spellings, for NUL
 */
export function decodeRequest(request: FastifyRequest): Message {
  if (request.method === 'HEAD') return {}
  if (request.method === 'GET') {
    const message = decodeMessage(request.query)
    queries.add(message)
    return message
  }
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if ((request.method === 'POST' || request.method === 'PUT') && type !== 'application/json') {
    throw badRequest(
      `Bad Request. Content-Type should be one of ['application/json'], but got ${type === undefined ? 'none' : `'${type.slice(0, 100)}'`}.`,
    )
  }
  return decodeMessage(parseBody(typeof request.body === 'string' ? request.body : ''))
}

/** Messages that came as a query, which has no types: one value may be a list of one, and an empty text is unset. */
const queries = new WeakSet<Message>()

/** The largest message, a batch of a thousand metrics, has some ten thousand fields. */
const MESSAGE = { parse: parseExact, limits: { fields: 50_000, lists: 50_000, values: 100_000 } }

function parseBody(text: string): unknown {
  try {
    const value = parseForeignJson(text.replace(/^\uFEFF/, ''), MESSAGE)
    return typeof value === 'string' ? parseForeignJson(value, MESSAGE) : value
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

/** Field names in snake_case at every depth; `run_uuid` stands for `run_id`. Not an object: `{}`. */
export function decodeMessage(value: unknown): Message {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {}
  const message = snakeCased(value) as Message
  if ((message.run_id === undefined || message.run_id === '') && message.run_uuid !== undefined)
    message.run_id = message.run_uuid
  return message
}

function snakeCased(value: unknown): unknown {
  if (typeof value === 'string') {
    // PostgreSQL text cannot hold it: refused here for every field at once, on both engines alike.
    if (value.includes('\0')) throw badRequest('Invalid value: text must not hold a NUL character.')
    return value
  }
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(snakeCased)
  const message: Message = {}
  for (const [key, field] of Object.entries(value)) {
    const name = /[A-Z]/.test(key) ? key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : key
    if (name === '__proto__') continue
    if (Object.hasOwn(message, name))
      throw badRequest(`Field '${name.slice(0, 100)}' is given twice, in two spellings.`)
    message[name] = snakeCased(field)
  }
  return message
}

function missing(path: string): AppError {
  return new AppError(
    'bad_request',
    `Missing value for required parameter '${path}'. See the API docs for more information about request parameters.`,
    { field: path },
  )
}

const PYTHON_TYPES: Record<string, string> = { number: 'int', bigint: 'int', boolean: 'bool', string: 'str' }

function invalid(value: unknown, path: string): AppError {
  const type = Array.isArray(value) ? 'list' : (PYTHON_TYPES[typeof value] ?? 'dict')
  const shown = (stringifyMessage({ value }).slice(9, -1) || 'null').slice(0, 200)
  return new AppError(
    'bad_request',
    `Invalid value ${shown} for parameter '${path}' supplied. Hint: Value was of type '${type}'. See the API docs for more information about request parameters.`,
    { field: path },
  )
}

function isUnset(value: unknown): value is null | undefined {
  return value === undefined || value === null
}

/**
 * A required text field. `path` names it in a list (`metrics[0].key`).
 * @throws AppError bad_request in MLflow's words when it is missing, empty or no text
 */
export function requiredString(message: Message, name: string, path: string = name): string {
  const value = message[name]
  if (isUnset(value) || value === '') throw missing(path)
  if (typeof value !== 'string') throw invalid(value, path)
  return value
}

/** The value of a required field of any type. @throws AppError bad_request in MLflow's words when it is unset */
export function required<T>(value: T | undefined, path: string): T {
  if (value === undefined) throw missing(path)
  return value
}

/** A text field that may be unset (`undefined`) or empty. @throws AppError bad_request when it is no text */
export function optionalString(message: Message, name: string, path: string = name): string | undefined {
  const value = message[name]
  if (isUnset(value)) return undefined
  if (typeof value !== 'string') throw invalid(value, path)
  return value
}

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** An int64 (number or decimal string); a bigint only beyond 2^53. @throws AppError bad_request */
export function optionalInt64(message: Message, name: string, path: string = name): number | bigint | undefined {
  const value = message[name]
  if (isUnset(value) || (value === '' && queries.has(message))) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  let whole: bigint
  if (typeof value === 'bigint') whole = value
  else if (typeof value === 'number' && Number.isInteger(value)) whole = BigInt(value)
  else if (typeof value === 'string' && /^[+-]?\d{1,20}$/.test(value)) whole = BigInt(value.replace('+', ''))
  else throw invalid(value, path)
  if (whole < INT64_MIN || whole > INT64_MAX) throw invalid(value, path)
  return whole >= BigInt(Number.MIN_SAFE_INTEGER) && whole <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(whole) : whole
}

/** An integer that a JavaScript number holds exactly (page sizes, times). @throws AppError bad_request */
export function optionalInt(message: Message, name: string, path: string = name): number | undefined {
  const value = optionalInt64(message, name, path)
  if (typeof value === 'bigint') throw invalid(value, path)
  return value
}

/** A double; `"NaN"`, `"Infinity"`, `"-Infinity"` and numbers in text are read too. @throws AppError bad_request */
export function optionalDouble(message: Message, name: string, path: string = name): number | undefined {
  const value = message[name]
  if (isUnset(value) || value === '') return undefined
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'string') {
    if (/^[+-]?(NaN|Infinity)$/.test(value)) return Number(value.replace(/^[+-]NaN$/, 'NaN'))
    if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value)) return Number(value)
  }
  throw invalid(value, path)
}

/** A boolean; `true`/`false` as text too, in a query in any case (Python writes `True`). @throws AppError bad_request */
export function optionalBoolean(message: Message, name: string, path: string = name): boolean | undefined {
  const value = message[name]
  if (isUnset(value)) return undefined
  if (typeof value === 'boolean') return value
  const text = typeof value === 'string' && queries.has(message) ? value.toLowerCase() : value
  if (text === 'true' || text === 'false') return text === 'true'
  throw invalid(value, path)
}

/** A repeated text field; one value of a query counts as a list of one. @throws AppError bad_request */
export function stringList(message: Message, name: string): string[] {
  const value = message[name]
  if (isUnset(value)) return []
  if (typeof value === 'string' && queries.has(message)) return [value]
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string')) throw invalid(value, name)
  return value as string[]
}

/** A repeated message field. @throws AppError bad_request */
export function messageList(message: Message, name: string, path: string = name): Message[] {
  const value = message[name]
  if (isUnset(value)) return []
  if (!Array.isArray(value)) throw invalid(value, path)
  value.forEach((item, index) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) throw invalid(item, `${path}[${index}]`)
  })
  return value as Message[]
}

/** A nested message; unset is `undefined`. @throws AppError bad_request */
export function optionalMessage(message: Message, name: string, path: string = name): Message | undefined {
  const value = message[name]
  if (isUnset(value)) return undefined
  if (typeof value !== 'object' || Array.isArray(value)) throw invalid(value, path)
  return value as Message
}

/** `key`/`value` pairs (tags, params): key required, value any text, also empty. @throws AppError bad_request */
export function keyValueList(message: Message, name: string, path: string = name): { key: string; value: string }[] {
  return messageList(message, name, path).map((item, index) => ({
    key: requiredString(item, 'key', `${path}[${index}].key`),
    value: optionalString(item, 'value', `${path}[${index}].value`) ?? '',
  }))
}

/** An enum by name or number; an unknown name is unset, as protobuf does. @throws AppError bad_request (unknown number) */
export function optionalEnum<T extends string>(
  message: Message,
  name: string,
  numbers: Readonly<Record<T, number>>,
): T | undefined {
  const value = message[name]
  const names = Object.keys(numbers) as T[]
  if (typeof value === 'string') {
    return names.find((known) => known === value || String(numbers[known]) === value)
  }
  const known = names.find((name) => numbers[name] === value)
  if (known === undefined && typeof value === 'number') throw invalid(value, name)
  return known
}
