import type { FastifyRequest } from 'fastify'
import { badRequest } from '../../../lib/errors.ts'
import { parseForeignJson } from '../../../lib/json-text.ts'
import { decodeRequest, type Message, optionalMessage } from './wire.ts'

/** A message of a trace: some ten thousand fields at most, its spans come by another way. */
const LIMITS = { fields: 50_000, lists: 50_000, values: 100_000 }

/** Maps and free values: their keys are the user's, and no spelling of a field's name. */
const OPAQUE = new Set(['trace_metadata', 'metadata', 'tags', 'value'])

/**
 * The request's message as `decodeRequest` of wire.ts gives it, but maps and JSON values stay what they are: there
 * `mlflow.sourceRun` would become `mlflow.source_run`.
 * @throws AppError bad_request
 */
export function decodeTraceRequest(request: FastifyRequest): Message {
  if (request.method === 'GET' || request.method === 'HEAD') return decodeRequest(request)
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (request.method === 'POST' && type !== 'application/json') {
    throw badRequest(
      `Bad Request. Content-Type should be one of ['application/json'], but got ${type === undefined ? 'none' : `'${type.slice(0, 100)}'`}.`,
    )
  }
  return fieldsOf(parse(typeof request.body === 'string' ? request.body : ''))
}

/** Malformed JSON counts as no fields, as MLflow has it. */
function parse(text: string): unknown {
  try {
    return parseForeignJson(text, { limits: LIMITS })
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

function fieldsOf(value: unknown): Message {
  const message = snakeCased(value)
  return typeof message === 'object' && message !== null && !Array.isArray(message) ? (message as Message) : {}
}

function snakeCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCased)
  if (typeof value !== 'object' || value === null) return value
  const message: Message = {}
  for (const [key, field] of Object.entries(value)) {
    const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    if (Object.hasOwn(message, name))
      throw badRequest(`Field '${name.slice(0, 100)}' is given twice, in two spellings.`)
    // Tags are a map here and a list of messages in the older protocol.
    message[name] = OPAQUE.has(name) && !Array.isArray(field) ? field : snakeCased(field)
  }
  return message
}

/** The JSON of an answer. Unset fields are undefined there; a null or an empty list inside a value is part of it. */
export function encodeTraceAnswer(message: object): string {
  return JSON.stringify(message)
}

/** A map of text to text; other values are written as JSON. @throws AppError bad_request when it is no object */
export function textMap(message: Message, name: string, path: string = name): Record<string, string> {
  const map = optionalMessage(message, name, path) ?? {}
  return Object.fromEntries(
    Object.entries(map).map(([key, value]) => [key, typeof value === 'string' ? value : (JSON.stringify(value) ?? '')]),
  )
}

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/
/** The end of year 9999: the last that a Timestamp of protobuf can say. */
const MAX_TIME_MS = 253_402_300_799_999

/** A Timestamp in protobuf's JSON (`2026-11-21T23:57:52.715Z`) as milliseconds. @throws AppError bad_request */
export function timestampMs(message: Message, name: string, path: string = name): number | undefined {
  const value = message[name]
  if (value === undefined || value === null) return undefined
  const time = typeof value === 'string' && TIMESTAMP.test(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(time))
    throw badRequest(`Invalid value for parameter '${path}': a time such as 2026-01-31T12:00:00Z.`, path)
  return checkTimeMs(time, path)
}

/** @throws AppError bad_request for a time that no answer could carry */
export function checkTimeMs(time: number, path: string): number {
  if (time < 0 || time > MAX_TIME_MS) throw badRequest(`Invalid value for parameter '${path}': it is no time.`, path)
  return time
}

/** A Duration in protobuf's JSON (`0.004s`) as whole milliseconds. @throws AppError bad_request */
export function durationMs(message: Message, name: string, path: string = name): number | undefined {
  const value = message[name]
  if (value === undefined || value === null) return undefined
  const seconds = typeof value === 'string' ? /^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(value)?.[1] : undefined
  if (seconds === undefined) throw badRequest(`Invalid value for parameter '${path}': a duration such as 0.25s.`, path)
  return Math.round(Number(seconds) * 1_000)
}
