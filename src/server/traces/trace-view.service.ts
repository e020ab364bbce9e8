import type { Context } from '../../context.ts'
import { artifactPathOf, joinPath, readArtifactText } from '../artifacts/artifacts.service.ts'
import { spansOf } from './spans.service.ts'
import {
  attributeOf,
  hexOf,
  isRoot,
  plainValue,
  SPAN,
  SPAN_LIMITS,
  type Span,
  type SpanStatus,
  statusOf,
  typeOf,
} from './spans.ts'
import { LOCATION_TAG } from './trace-rows.service.ts'
import type { Trace } from './traces.service.ts'

/** Spans that a page is given; the rest is said in number. */
const SHOWN_SPANS = 2_000

/** A span as a page shows it. */
export type SpanView = {
  id: string
  parentId: string | null
  name: string
  type: string
  status: SpanStatus
  message: string | null
  /** Since the first span of the trace, in milliseconds with fractions. */
  startMs: number
  durationMs: number | null
  inputs: unknown
  outputs: unknown
  /** All other attributes. */
  attributes: Record<string, unknown>
  events: { name: string; atMs: number; attributes: Record<string, unknown> }[]
}

type Timed = Omit<SpanView, 'startMs' | 'durationMs' | 'events'> & {
  start: bigint
  end: bigint | null
  events: { name: string; at: bigint; attributes: Record<string, unknown> }[]
}

/** A trace's spans, in the order of their start; from the file in which clients before MLflow 3.4 put them when need be. */
export async function spanViews(ctx: Context, projectId: string, trace: Trace): Promise<SpanView[]> {
  const stored = (await spansOf(ctx, [trace])).get(trace.rowId) ?? []
  const timed = stored.length > 0 ? stored.map(timedSpan) : await spansOfFile(ctx, projectId, trace)
  timed.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))
  const first = timed[0]?.start ?? 0n
  const since = (time: bigint) => Number(time - first) / 1_000_000
  return timed.slice(0, SHOWN_SPANS).map(({ start, end, events, ...span }) => ({
    ...span,
    startMs: since(start),
    durationMs: end === null ? null : Number(end - start) / 1_000_000,
    events: events.map(({ at, ...event }) => ({ ...event, atMs: since(at) })),
  }))
}

function timedSpan(span: Span): Timed {
  const attributes = Object.fromEntries(
    (span.attributes ?? []).map(({ key = '', value }) => [key, plainValue(value)] as const),
  )
  return {
    id: hexOf(span.span_id),
    parentId: isRoot(span) ? null : hexOf(span.parent_span_id),
    name: span.name ?? '',
    type: typeOf(span),
    status: statusOf(span),
    message: span.status?.message ?? null,
    start: BigInt(span.start_time_unix_nano ?? 0),
    end: timeOf(span.end_time_unix_nano),
    inputs: plainValue(attributeOf(span, SPAN.inputs)),
    outputs: plainValue(attributeOf(span, SPAN.outputs)),
    attributes: othersOf(attributes),
    events: (span.events ?? []).map((event) => ({
      name: event.name ?? '',
      at: BigInt(event.time_unix_nano ?? 0),
      attributes: Object.fromEntries(
        (event.attributes ?? []).map(({ key = '', value }) => [key, plainValue(value)] as const),
      ),
    })),
  }
}

/** What a page shows on its own, or what only the client needs. */
const SHOWN = new Set<string>([SPAN.inputs, SPAN.outputs, SPAN.type, 'mlflow.traceRequestId'])

function othersOf(attributes: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(attributes).filter(([key]) => !SHOWN.has(key)))
}

function timeOf(value: unknown): bigint | null {
  return (typeof value === 'string' && /^\d{1,20}$/.test(value)) || Number.isSafeInteger(value)
    ? BigInt(value as string) || null
    : typeof value === 'number' && value > 0
      ? BigInt(Math.round(value))
      : null
}

/** `traces.json` among the trace's files: two shapes, attribute values are JSON text in both. What cannot be read is no span. */
async function spansOfFile(ctx: Context, projectId: string, trace: Trace): Promise<Timed[]> {
  const folder = artifactPathOf(trace.tags[LOCATION_TAG] ?? '')
  if (folder === null) return []
  const text = await readArtifactText(ctx, projectId, joinPath(folder, 'traces.json'), SPAN_LIMITS.bytes)
  if (text === null) return []
  try {
    const { spans } = JSON.parse(text) as { spans?: unknown }
    return Array.isArray(spans) ? spans.map((span) => fileSpan(asObject(span))) : []
  } catch {
    return []
  }
}

const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
const textOr = (value: unknown, otherwise: string) => (typeof value === 'string' ? value : otherwise)

function fileSpan(span: Record<string, unknown>): Timed {
  const context = asObject(span.context)
  const status = asObject(span.status)
  const code = textOr(span.status_code ?? status.code, 'UNSET').replace('STATUS_CODE_', '')
  const attributes = Object.fromEntries(
    Object.entries(asObject(span.attributes)).map(([key, value]) => [key, parsed(value)] as const),
  )
  const parent = textOr(span.parent_id ?? span.parent_span_id, '')
  return {
    id: textOr(context.span_id ?? span.span_id, ''),
    parentId: parent === '' ? null : parent,
    name: textOr(span.name, ''),
    type: textOr(attributes[SPAN.type], 'UNKNOWN'),
    status: code === 'OK' || code === 'ERROR' ? code : 'UNSET',
    message: textOr(span.status_message ?? status.message, '') || null,
    start: timeOf(span.start_time ?? span.start_time_unix_nano) ?? 0n,
    end: timeOf(span.end_time ?? span.end_time_unix_nano),
    inputs: attributes[SPAN.inputs] ?? null,
    outputs: attributes[SPAN.outputs] ?? null,
    attributes: othersOf(attributes),
    events: (Array.isArray(span.events) ? span.events : []).map(asObject).map((event) => ({
      name: textOr(event.name, ''),
      at: timeOf(event.timestamp ?? event.time_unix_nano) ?? 0n,
      attributes: asObject(event.attributes),
    })),
  }
}

function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}
