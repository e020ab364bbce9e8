import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import { AppError } from '../../lib/errors.ts'

/** OpenTelemetry's AnyValue in protobuf's JSON form; 64-bit integers are decimal text, bytes base64. */
export type AnyValue = {
  string_value?: string
  bool_value?: boolean
  int_value?: string
  double_value?: number | string
  bytes_value?: string
  array_value?: { values?: AnyValue[] }
  kvlist_value?: { values?: KeyValue[] }
}
export type KeyValue = { key?: string; value?: AnyValue }

/** A span as clients send and read it: OpenTelemetry's message in protobuf's JSON form, ids in base64. Kept so, unchanged. */
export type Span = {
  trace_id?: string
  span_id?: string
  parent_span_id?: string
  name?: string
  kind?: number
  start_time_unix_nano?: string
  end_time_unix_nano?: string
  attributes?: KeyValue[]
  events?: { time_unix_nano?: string; name?: string; attributes?: KeyValue[] }[]
  links?: { trace_id?: string; span_id?: string; attributes?: KeyValue[] }[]
  status?: { code?: number; message?: string }
}

export type SpanStatus = 'UNSET' | 'OK' | 'ERROR'
const STATUSES: readonly SpanStatus[] = ['UNSET', 'OK', 'ERROR']

/** Attributes that MLflow gives a meaning. */
export const SPAN = {
  type: 'mlflow.spanType',
  inputs: 'mlflow.spanInputs',
  outputs: 'mlflow.spanOutputs',
  session: 'session.id',
  user: 'user.id',
  tagPrefix: 'mlflow.traceTag.',
} as const

/** Most bytes of one trace's spans before compression, and most spans: what a client can be given back in one answer. */
export const SPAN_LIMITS = { bytes: 16 * 1024 * 1024, spans: 20_000 } as const

export function statusOf(span: Span): SpanStatus {
  return STATUSES[span.status?.code ?? 0] ?? 'UNSET'
}

/** base64 → lower-case hex, as ids are shown. */
export function hexOf(id: string | undefined): string {
  return id === undefined ? '' : Buffer.from(id, 'base64').toString('hex')
}

export function isRoot(span: Span): boolean {
  return /^0*$/.test(hexOf(span.parent_span_id))
}

export function attributeOf(span: Span, key: string): AnyValue | undefined {
  return span.attributes?.find((attribute) => attribute.key === key)?.value
}

/** The plain JSON value of an AnyValue. */
export function plainValue(value: AnyValue | undefined): unknown {
  if (value === undefined) return null
  if (value.string_value !== undefined) return value.string_value
  if (value.bool_value !== undefined) return value.bool_value
  if (value.int_value !== undefined) return Number(value.int_value)
  if (value.double_value !== undefined) return value.double_value
  if (value.bytes_value !== undefined) return value.bytes_value
  if (value.array_value !== undefined) return (value.array_value.values ?? []).map(plainValue)
  if (value.kvlist_value !== undefined) {
    return Object.fromEntries((value.kvlist_value.values ?? []).map((pair) => [pair.key ?? '', plainValue(pair.value)]))
  }
  return null
}

/** The text of an attribute; JSON for what is no text. */
export function textOf(value: AnyValue | undefined): string | null {
  const plain = plainValue(value)
  return plain === null ? null : typeof plain === 'string' ? plain : JSON.stringify(plain)
}

export function typeOf(span: Span): string {
  return textOf(attributeOf(span, SPAN.type)) ?? 'UNKNOWN'
}

/** Nanoseconds in text → whole milliseconds; null for none. */
export function millisecondsOf(nanoseconds: string | undefined): number | null {
  return nanoseconds === undefined || nanoseconds === '0' ? null : Number(BigInt(nanoseconds) / 1_000_000n)
}

/** A name or text for a column of the index: no NUL, which PostgreSQL cannot store, and not too long for a B-tree. */
export function indexText(text: string, length = 250): string {
  return text.replaceAll('\0', '\ufffd').slice(0, length).toWellFormed()
}

/** Spans of several chunks as one list: a span that came again replaces its earlier form; roots first, then by start. */
export function mergeSpans(chunks: readonly (readonly Span[])[]): Span[] {
  const byId = new Map<string, Span>()
  for (const span of chunks.flat()) byId.set(span.span_id ?? '', span)
  return [...byId.values()].sort((a, b) => {
    if (isRoot(a) !== isRoot(b)) return isRoot(a) ? -1 : 1
    const [x, y] = [BigInt(a.start_time_unix_nano ?? 0), BigInt(b.start_time_unix_nano ?? 0)]
    return x < y ? -1 : x > y ? 1 : 0
  })
}

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

export type SpanChunk = { content: Buffer; bytes: number }

/** Spans as they are stored. Not inside a transaction: the compression is awaited. */
export async function packSpans(spans: readonly Span[]): Promise<SpanChunk> {
  const text = Buffer.from(JSON.stringify(spans))
  return { content: await compress(text), bytes: text.length }
}

/** @throws AppError internal when what is stored is damaged */
export async function unpackSpans(content: Uint8Array): Promise<Span[]> {
  try {
    const text = await decompress(content, { maxOutputLength: SPAN_LIMITS.bytes * 2 })
    return JSON.parse(text.toString('utf8')) as Span[]
  } catch (cause) {
    throw new AppError('internal', 'The stored spans of this trace are damaged.', { cause })
  }
}
