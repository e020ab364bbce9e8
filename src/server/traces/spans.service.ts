import { type Context, inTransaction } from '../../context.ts'
import { inBatch } from '../../db/batch.ts'
import type { TraceStatus } from '../../db/tables/traces.ts'
import { defineBatch, type Outcome } from '../../db/writes.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, badRequest } from '../../lib/errors.ts'
import type { Project } from '../projects/projects.service.ts'
import { assertActive, getExperiment } from '../tracking/experiments.service.ts'
import {
  attributeOf,
  hexOf,
  indexText,
  isRoot,
  mergeSpans,
  millisecondsOf,
  packSpans,
  plainValue,
  SPAN,
  SPAN_LIMITS,
  type Span,
  type SpanChunk,
  statusOf,
  textOf,
  typeOf,
  unpackSpans,
} from './spans.ts'
import {
  assertTraceWritable,
  checkedPairs,
  EMPTY_TRACE,
  NAME_TAG,
  TRACE_LIMITS,
  traceChanged,
} from './trace-rows.service.ts'
import * as store from './traces.store.ts'

/** Chunks of one trace from which on they are put together when the trace ends. */
const COMPACT_FROM = 4
/** Different spans of one trace that searches know. */
const MAX_KINDS = 1_000

/** What the spans of one request say about their trace. */
type Inferred = {
  traceId: string
  spans: Span[]
  chunk: SpanChunk
  startedAtMs: number
  endedAtMs: number | null
  root: Span | undefined
  tags: Map<string, string>
  metadata: Map<string, string>
}

export type SpanBatch = {
  experimentId: string
  spans: readonly { span: Span; resource: Readonly<Record<string, string>> }[]
}

/**
 * Stores spans, each with its trace, which is made from them when it is not there yet. All or nothing.
 * @returns ids of the traces whose root span was among them
 * @throws AppError bad_request (ids, deleted experiment), not_found (experiment), payload_too_large, forbidden
 */
export async function logSpans(ctx: Context, actor: Actor, project: Project, batch: SpanBatch): Promise<string[]> {
  if (batch.spans.length === 0) return []
  const experiment = await getExperiment(ctx, project.id, batch.experimentId)
  const inferred: Inferred[] = []
  const byTrace = Map.groupBy(batch.spans, ({ span }) => traceIdOf(span))
  for (const [traceId, spans] of [...byTrace].sort(([a], [b]) => (a < b ? -1 : 1)))
    inferred.push(await infer(traceId, spans))
  await inBatch(ctx, { actor, project, experiment, traces: inferred }, spanWrites)
  return inferred.filter((trace) => trace.root !== undefined).map((trace) => trace.traceId)
}

type Write = {
  actor: Actor
  project: Project
  experiment: Parameters<typeof assertActive>[0]
  traces: readonly Inferred[]
}

/** Exporters send every span by itself: what comes at the same time shares one commit. Always in the same order of locks. */
async function writeAll(tx: Context, writes: Write[]): Promise<Outcome<void>[]> {
  const order = (write: Write, trace: Inferred) => `${write.project.id} ${trace.traceId}`
  const all = writes.flatMap((write) => write.traces.map((trace) => ({ write, trace, key: order(write, trace) })))
  all.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  for (const { write, trace } of all) await addToTrace(tx, write.actor, write.project, write.experiment, trace)
  return writes.map(() => ({ value: undefined }))
}

const spanWrites = defineBatch(writeAll)

/** MLflow's id of a trace: its OpenTelemetry id behind `tr-`. @throws AppError bad_request */
function traceIdOf(span: Span): string {
  const [traceId, spanId] = [hexOf(span.trace_id), hexOf(span.span_id)]
  if (!/^(?!0{32})[0-9a-f]{32}$/.test(traceId)) throw badRequest('A span needs a trace_id of 16 bytes.', 'trace_id')
  if (!/^(?!0{16})[0-9a-f]{16}$/.test(spanId)) throw badRequest('A span needs a span_id of 8 bytes.', 'span_id')
  return `tr-${traceId}`
}

async function infer(traceId: string, sent: SpanBatch['spans']): Promise<Inferred> {
  const spans = sent.map(({ span }) => span)
  const starts = spans.map((span) => millisecondsOf(span.start_time_unix_nano)).filter((time) => time !== null)
  const ends = spans.map((span) => millisecondsOf(span.end_time_unix_nano)).filter((time) => time !== null)
  const root = spans.find(isRoot)
  const tags: [string, string][] = []
  for (const [key, value] of Object.entries(sent[0]?.resource ?? {})) {
    // What the SDK says about itself, and names that are the server's own.
    if (!key.startsWith('telemetry.sdk.') && !key.startsWith('mlflow.')) tags.push([key, value])
  }
  for (const { key = '', value } of root?.attributes ?? []) {
    if (key.startsWith(SPAN.tagPrefix)) tags.push([key.slice(SPAN.tagPrefix.length), textOf(value) ?? ''])
  }
  const first = (key: string) => spans.map((span) => textOf(attributeOf(span, key))).find((text) => text !== null)
  const metadata: [string, string][] = []
  const [session, user] = [first(SPAN.session), first(SPAN.user)]
  if (session !== undefined && session !== null) metadata.push(['mlflow.trace.session', session])
  if (user !== undefined && user !== null) metadata.push(['mlflow.trace.user', user])
  return {
    traceId,
    spans,
    chunk: await packSpans(spans),
    startedAtMs: starts.reduce((a, b) => Math.min(a, b), starts[0] ?? 0),
    endedAtMs: ends.length === 0 ? null : ends.reduce((a, b) => Math.max(a, b)),
    root,
    tags: storable(tags, TRACE_LIMITS.tagValue),
    metadata: storable(metadata, TRACE_LIMITS.metadataValue),
  }
}

/** Foreign attributes that can be tags; the others stay in the span. */
function storable(pairs: readonly [string, string][], limit: number): Map<string, string> {
  const fine = pairs.slice(0, 200).filter(([key]) => {
    try {
      return checkedPairs([[key, '']], 'tags', limit).size === 1
    } catch {
      return false
    }
  })
  return checkedPairs(
    fine.map(([key, value]) => [key, indexText(value, limit)] as const),
    'tags',
    limit,
  )
}

async function addToTrace(
  tx: Context,
  actor: Actor,
  project: Project,
  experiment: Write['experiment'],
  trace: Inferred,
): Promise<void> {
  const { traceId, chunk, spans } = trace
  const end = trace.endedAtMs
  const isNew = await store.insertTrace(tx.db, {
    ...EMPTY_TRACE,
    project_id: project.id,
    experiment_id: experiment.rowId,
    trace_id: traceId,
    status: 'IN_PROGRESS',
    started_at_ms: trace.startedAtMs,
    duration_ms: end === null ? null : Math.max(0, end - trace.startedAtMs),
    run_id: actor.run?.runId ?? null,
  })
  if (isNew) assertActive(experiment)
  const row = await store.holdTrace(tx.db, project.id, traceId)
  if (row === undefined) throw new AppError('internal', 'The trace could not be made.')
  await assertTraceWritable(tx, actor, row.run_id)
  if (row.span_count + spans.length > SPAN_LIMITS.spans || row.span_bytes + chunk.bytes > SPAN_LIMITS.bytes) {
    throw new AppError(
      'payload_too_large',
      `A trace may have at most ${SPAN_LIMITS.spans} spans and ${SPAN_LIMITS.bytes} bytes; ${traceId} would have more.`,
    )
  }
  await store.insertChunk(tx.db, row.id, row.chunk_count, chunk.content)
  await store.updateTrace(tx.db, row.id, {
    chunk_count: row.chunk_count + 1,
    span_count: row.span_count + spans.length,
    span_bytes: row.span_bytes + chunk.bytes,
    ...inferredChange(row, trace),
  })
  await store.putSpanKinds(tx.db, kindsOf(row.id, spans))
  await store.putValues(tx.db, row.id, 'tag', new Map([...trace.tags].filter(([key]) => key !== NAME_TAG)))
  if (row.finalized === 0) await store.putValues(tx.db, row.id, 'metadata', trace.metadata)
  if (isNew) {
    if (row.run_id !== null) await store.putLinks(tx.db, [row.id], 'run', [row.run_id])
    await traceChanged(tx, actor, project, traceId, 'created')
  }
}

/** What a trace that its client has not described yet takes from its spans. */
function inferredChange(
  row: NonNullable<Awaited<ReturnType<typeof store.holdTrace>>>,
  trace: Inferred,
): Partial<store.NewTraceRow> {
  const change: Partial<store.NewTraceRow> = {}
  if (row.finalized === 0) {
    const start = Math.min(row.started_at_ms, trace.startedAtMs)
    const ends = [row.duration_ms === null ? null : row.started_at_ms + row.duration_ms, trace.endedAtMs]
    const end = ends.reduce<number | null>((a, b) => (a === null ? b : b === null ? a : Math.max(a, b)), null)
    change.started_at_ms = start
    change.duration_ms = end === null ? null : Math.max(0, end - start)
  }
  const { root } = trace
  if (root === undefined) return change
  if (row.status === 'IN_PROGRESS' || row.status === 'STATE_UNSPECIFIED')
    change.status = (statusOf(root) === 'ERROR' ? 'ERROR' : 'OK') satisfies TraceStatus
  if (row.name === null) change.name = indexText(trace.tags.get(NAME_TAG) ?? root.name ?? '', TRACE_LIMITS.tagValue)
  if (row.request_preview === null) change.request_preview = previewOf(root, SPAN.inputs)
  if (row.response_preview === null) change.response_preview = previewOf(root, SPAN.outputs)
  return change
}

function previewOf(root: Span, attribute: string): string | null {
  const value = attributeOf(root, attribute)
  return value === undefined ? null : indexText(JSON.stringify(plainValue(value)), 1_000)
}

function kindsOf(trace: number, spans: readonly Span[]) {
  const kinds = new Map<string, { trace: number; name: string; type: string; status: string }>()
  for (const span of spans) {
    const kind = { trace, name: indexText(span.name ?? ''), type: indexText(typeOf(span), 100), status: statusOf(span) }
    kinds.set(JSON.stringify(kind), kind)
    if (kinds.size >= MAX_KINDS) break
  }
  return [...kinds.values()]
}

type Stored = { rowId: number; chunkCount: number }

/** The spans of traces, by row id; those of a trace without spans here are an empty list. @throws AppError payload_too_large */
export async function spansOf(ctx: Context, traces: readonly Stored[]): Promise<Map<number, Span[]>> {
  const spans = new Map<number, Span[]>(traces.map((trace) => [trace.rowId, []]))
  for (const { rowId, chunkCount } of traces) {
    if (chunkCount === 0) continue
    const rows = await store.chunksOfTraces(ctx.db, [rowId])
    const chunks: Span[][] = []
    for (const row of rows) chunks.push(await unpackSpans(row.content))
    spans.set(rowId, mergeSpans(chunks))
  }
  return spans
}

/** Puts the chunks of a trace that has ended together: one is smaller, and read at once. */
export async function compactSpans(ctx: Context, trace: Stored): Promise<void> {
  if (trace.chunkCount < COMPACT_FROM) return
  const merged = (await spansOf(ctx, [trace])).get(trace.rowId) ?? []
  const { content, bytes } = await packSpans(merged)
  await inTransaction(ctx, (tx) =>
    store.replaceChunks(tx.db, trace.rowId, trace.chunkCount, { content, bytes, spans: merged.length }),
  )
}
