import { badRequest } from '../../../lib/errors.ts'
import { parseForeignJson } from '../../../lib/json-text.ts'
import { type AnyValue, type KeyValue, plainValue, type Span } from '../../traces/spans.ts'

/**
 * OpenTelemetry's export request, from protobuf or from its JSON, as the spans that are kept. The fields' numbers are those of
 * opentelemetry-proto 1.x (`collector/trace/v1`, `trace/v1`, `common/v1`); unknown fields are left out.
 */

type Scalar = 'text' | 'id' | 'bytes' | 'bool' | 'int64' | 'nanoseconds' | 'double' | 'enum'
type Field = { name: string; type: Scalar | (() => Shape); many?: boolean }
type Shape = Readonly<Record<number, Field>>

const anyValue = (): Shape => ANY_VALUE
const keyValue = (): Shape => KEY_VALUE
const ATTRIBUTES: Field = { name: 'attributes', type: keyValue, many: true }
const ANY_VALUE: Shape = {
  1: { name: 'string_value', type: 'text' },
  2: { name: 'bool_value', type: 'bool' },
  3: { name: 'int_value', type: 'int64' },
  4: { name: 'double_value', type: 'double' },
  5: { name: 'array_value', type: () => ({ 1: { name: 'values', type: anyValue, many: true } }) },
  6: { name: 'kvlist_value', type: () => ({ 1: { name: 'values', type: keyValue, many: true } }) },
  7: { name: 'bytes_value', type: 'bytes' },
}
const KEY_VALUE: Shape = { 1: { name: 'key', type: 'text' }, 2: { name: 'value', type: anyValue } }
const EVENT: Shape = {
  1: { name: 'time_unix_nano', type: 'nanoseconds' },
  2: { name: 'name', type: 'text' },
  3: ATTRIBUTES,
}
const LINK: Shape = { 1: { name: 'trace_id', type: 'id' }, 2: { name: 'span_id', type: 'id' }, 4: ATTRIBUTES }
const SPAN: Shape = {
  1: { name: 'trace_id', type: 'id' },
  2: { name: 'span_id', type: 'id' },
  4: { name: 'parent_span_id', type: 'id' },
  5: { name: 'name', type: 'text' },
  6: { name: 'kind', type: 'enum' },
  7: { name: 'start_time_unix_nano', type: 'nanoseconds' },
  8: { name: 'end_time_unix_nano', type: 'nanoseconds' },
  9: ATTRIBUTES,
  11: { name: 'events', type: () => EVENT, many: true },
  13: { name: 'links', type: () => LINK, many: true },
  15: { name: 'status', type: () => ({ 2: { name: 'message', type: 'text' }, 3: { name: 'code', type: 'enum' } }) },
}
const REQUEST: Shape = {
  1: {
    name: 'resource_spans',
    type: () => ({
      1: { name: 'resource', type: () => ({ 1: ATTRIBUTES }) },
      2: { name: 'scope_spans', type: () => ({ 2: { name: 'spans', type: () => SPAN, many: true } }), many: true },
    }),
    many: true,
  },
}

type Request = {
  resource_spans?: { resource?: { attributes?: KeyValue[] }; scope_spans?: { spans?: Span[] }[] }[]
}

/** Deeper than any attribute that a client writes; a client's own reader takes a hundred levels of JSON. */
const MAX_DEPTH = 40
/** Messages (spans, attributes, values) of one request: a second of work. */
const MAX_MESSAGES = 300_000

/** @throws AppError bad_request when it is no such message */
export async function readProtobuf(bytes: Buffer): Promise<ReturnType<typeof spansOfRequest>> {
  // Loaded with the first span: most servers never see one.
  const { BinaryReader, WireType } = await import('@bufbuild/protobuf/wire')
  type Reader = InstanceType<typeof BinaryReader>
  let messages = 0

  const read = (reader: Reader, shape: Shape, end: number, depth: number): Record<string, unknown> => {
    messages += 1
    if (depth > MAX_DEPTH || messages > MAX_MESSAGES) throw tooLarge()
    const message: Record<string, unknown> = {}
    while (reader.pos < end) {
      const [number, wireType] = reader.tag()
      const field = shape[number]
      if (field === undefined) {
        reader.skip(wireType, number)
        continue
      }
      if (wireType !== wireTypeOf(field)) throw new Error(`field ${number} has the wire type ${wireType}`)
      const value =
        typeof field.type === 'function'
          ? read(reader, field.type(), reader.uint32() + reader.pos, depth + 1)
          : scalar(reader, field.type)
      if (field.many !== true) message[field.name] = value
      else if (Array.isArray(message[field.name])) (message[field.name] as unknown[]).push(value)
      else message[field.name] = [value]
    }
    if (reader.pos !== end) throw new Error('a message is longer than its frame')
    return message
  }
  const wireTypeOf = ({ type }: Field) => {
    if (type === 'bool' || type === 'int64' || type === 'enum') return WireType.Varint
    return type === 'nanoseconds' || type === 'double' ? WireType.Bit64 : WireType.LengthDelimited
  }
  const scalar = (reader: Reader, type: Scalar): unknown => {
    switch (type) {
      case 'text':
        return reader.string()
      case 'id':
      case 'bytes':
        return Buffer.from(reader.bytes()).toString('base64')
      case 'bool':
        return reader.bool()
      case 'int64':
        return String(reader.int64())
      case 'nanoseconds':
        return String(reader.fixed64())
      case 'double':
        return doubleOf(reader.double())
      case 'enum':
        return reader.int32()
    }
  }
  try {
    return spansOfRequest(read(new BinaryReader(bytes), REQUEST, bytes.length, 0))
  } catch (error) {
    if (error instanceof Error && error.name === 'AppError') throw error
    throw badRequest('Invalid OpenTelemetry format: the body is no ExportTraceServiceRequest.')
  }
}

/** The JSON of the same message: names in camel case, ids in hexadecimal. @throws AppError bad_request */
export function readJson(bytes: Buffer): ReturnType<typeof spansOfRequest> {
  let value: unknown
  try {
    value = parseForeignJson(bytes)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw badRequest('Invalid OpenTelemetry format: the body is not JSON.')
  }
  return spansOfRequest(fromJson(value, REQUEST))
}

function fromJson(value: unknown, shape: Shape): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest('Invalid OpenTelemetry format: an object is expected.')
  const message: Record<string, unknown> = {}
  for (const { name, type, many } of Object.values(shape)) {
    const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    const fields = value as Record<string, unknown>
    const field = fields[camel] ?? fields[name]
    if (field === undefined || field === null) continue
    const one = (item: unknown) =>
      typeof type === 'function' ? fromJson(item, type()) : scalarOfJson(item, type, camel)
    if (many !== true) message[name] = one(field)
    else if (Array.isArray(field)) message[name] = field.map(one)
    else throw badRequest(`Invalid OpenTelemetry format: ${camel} must be a list.`, camel)
  }
  return message
}

function scalarOfJson(value: unknown, type: Scalar, name: string): unknown {
  const fail = () => badRequest(`Invalid OpenTelemetry format: the value of ${name} is not understood.`, name)
  if (type === 'text' || type === 'bytes') {
    if (typeof value !== 'string') throw fail()
    return value
  }
  if (type === 'id') {
    if (typeof value !== 'string' || !/^(?:[0-9a-fA-F]{2}){0,16}$/.test(value)) throw fail()
    return Buffer.from(value, 'hex').toString('base64')
  }
  if (type === 'bool') {
    if (typeof value !== 'boolean') throw fail()
    return value
  }
  if (type === 'double') {
    const number = typeof value === 'string' ? Number(value) : value
    if (typeof number !== 'number') throw fail()
    return doubleOf(number)
  }
  const whole = String(value)
  if (!/^-?\d{1,20}$/.test(whole) || (typeof value !== 'string' && typeof value !== 'number')) throw fail()
  if (type === 'enum') return Number(whole)
  const [least, most] = type === 'int64' ? [-(2n ** 63n), 2n ** 63n - 1n] : [0n, 2n ** 64n - 1n]
  if (BigInt(whole) < least || BigInt(whole) > most) throw fail()
  return BigInt(whole).toString()
}

/** JSON has no words for these. */
function doubleOf(number: number): number | string {
  return Number.isFinite(number) ? number : String(number)
}

function tooLarge(): Error {
  return badRequest(
    `The spans hold more than ${MAX_MESSAGES} values, or values nested deeper than ${MAX_DEPTH} levels; send fewer at once.`,
  )
}

function spansOfRequest(message: Record<string, unknown>): { span: Span; resource: Record<string, string> }[] {
  const { resource_spans = [] } = message as Request
  return resource_spans.flatMap(({ resource, scope_spans = [] }) => {
    const attributes = Object.fromEntries(
      (resource?.attributes ?? []).map(({ key = '', value }) => [key, resourceText(value)]),
    )
    return scope_spans.flatMap(({ spans = [] }) => spans.map((span) => ({ span, resource: attributes })))
  })
}

function resourceText(value: AnyValue | undefined): string {
  const plain = plainValue(value)
  return typeof plain === 'string' ? plain : JSON.stringify(plain)
}
