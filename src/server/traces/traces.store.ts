import { type Selectable, sql } from 'kysely'
import { type Db, inChunks } from '../../db/dialect.ts'
import type { TraceSpanKindsTable, TracesTable, TraceValueKind, TraceValuesTable } from '../../db/tables/traces.ts'

/** A trace with what its experiment adds to it. */
export type TraceRow = Selectable<TracesTable> & {
  is_default: number
  wire_id: string | null
  artifact_location: string
}
export type NewTraceRow = Omit<Selectable<TracesTable>, 'id'>

export function selectTraces(db: Db, projectId: string) {
  return db
    .selectFrom('traces')
    .innerJoin('experiments', 'experiments.id', 'traces.experiment_id')
    .selectAll('traces')
    .select(['experiments.is_default', 'experiments.wire_id', 'experiments.artifact_location'])
    .where('traces.project_id', '=', projectId)
}

/** Those of these traces that the project has. */
export async function tracesByIds(db: Db, projectId: string, traceIds: readonly string[]): Promise<TraceRow[]> {
  if (traceIds.length === 0) return []
  return selectTraces(db, projectId).where('traces.trace_id', 'in', traceIds).execute()
}

export async function traceById(db: Db, projectId: string, traceId: string): Promise<TraceRow | undefined> {
  return selectTraces(db, projectId).where('traces.trace_id', '=', traceId).executeTakeFirst()
}

/** Adds a trace unless the project has one of this id. */
export async function insertTrace(db: Db, row: NewTraceRow): Promise<boolean> {
  const done = await db
    .insertInto('traces')
    .values(row)
    .onConflict((conflict) => conflict.columns(['project_id', 'trace_id']).doNothing())
    .executeTakeFirst()
  return (done.numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** The row, held by this transaction until its end: writers of one trace come one after the other. */
export async function holdTrace(
  db: Db,
  projectId: string,
  traceId: string,
): Promise<Selectable<TracesTable> | undefined> {
  return db
    .updateTable('traces')
    .set({ finalized: sql.ref('finalized') })
    .where('project_id', '=', projectId)
    .where('trace_id', '=', traceId)
    .returningAll()
    .executeTakeFirst()
}

export async function updateTrace(db: Db, id: number, change: Partial<NewTraceRow>): Promise<void> {
  if (Object.keys(change).length > 0) await db.updateTable('traces').set(change).where('id', '=', id).execute()
}

export async function putValues(
  db: Db,
  trace: number,
  kind: TraceValueKind,
  values: ReadonlyMap<string, string>,
): Promise<void> {
  const rows = [...values].map(([key, value]) => ({ trace, kind, key, value }))
  rows.sort((a, b) => (a.key < b.key ? -1 : 1))
  await inChunks(rows, 4, async (chunk) => {
    await db
      .insertInto('trace_values')
      .values(chunk)
      .onConflict((conflict) =>
        conflict.columns(['trace', 'kind', 'key']).doUpdateSet((eb) => ({ value: eb.ref('excluded.value') })),
      )
      .execute()
  })
}

export async function deleteValue(db: Db, trace: number, kind: TraceValueKind, key: string): Promise<boolean> {
  const done = await db
    .deleteFrom('trace_values')
    .where('trace', '=', trace)
    .where('kind', '=', kind)
    .where('key', '=', key)
    .executeTakeFirst()
  return done.numDeletedRows > 0n
}

export async function valuesOfTraces(db: Db, traces: readonly number[]): Promise<TraceValuesTable[]> {
  if (traces.length === 0) return []
  return db.selectFrom('trace_values').selectAll().where('trace', 'in', traces).orderBy('key').execute()
}

export async function putLinks(
  db: Db,
  traces: readonly number[],
  kind: 'run' | 'prompt',
  targets: readonly string[],
): Promise<void> {
  const rows = traces.flatMap((trace) => targets.map((target) => ({ trace, kind, target })))
  await inChunks(rows, 3, async (chunk) => {
    await db
      .insertInto('trace_links')
      .values(chunk)
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  })
}

export async function putSpanKinds(db: Db, rows: readonly TraceSpanKindsTable[]): Promise<void> {
  await inChunks(rows, 4, async (chunk) => {
    await db
      .insertInto('trace_span_kinds')
      .values(chunk)
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  })
}

export async function insertChunk(db: Db, trace: number, seq: number, content: Uint8Array): Promise<void> {
  await db.insertInto('trace_span_chunks').values({ trace, seq, content }).execute()
}

/** Puts one chunk in the place of all, unless another has come since they were read. */
export async function replaceChunks(
  db: Db,
  trace: number,
  seen: number,
  chunk: { content: Uint8Array; bytes: number; spans: number },
): Promise<void> {
  const held = await db
    .updateTable('traces')
    .set({ chunk_count: seen + 1, span_count: chunk.spans, span_bytes: chunk.bytes })
    .where('id', '=', trace)
    .where('chunk_count', '=', seen)
    .executeTakeFirst()
  if (held.numUpdatedRows === 0n) return
  await db.deleteFrom('trace_span_chunks').where('trace', '=', trace).execute()
  await insertChunk(db, trace, seen, chunk.content)
}

export async function chunksOfTraces(db: Db, traces: readonly number[]) {
  if (traces.length === 0) return []
  return db.selectFrom('trace_span_chunks').selectAll().where('trace', 'in', traces).orderBy('seq').execute()
}

export type TraceSelection = { olderThanMs?: number; traceIds?: readonly string[]; limit: number }

/** Traces of an experiment that a deletion means, the oldest first. */
export async function tracesToDelete(
  db: Db,
  projectId: string,
  experimentRowId: number,
  selection: TraceSelection,
): Promise<{ id: number; trace_id: string }[]> {
  let query = db
    .selectFrom('traces')
    .select(['id', 'trace_id'])
    .where('project_id', '=', projectId)
    .where('experiment_id', '=', experimentRowId)
  if (selection.olderThanMs !== undefined) query = query.where('started_at_ms', '<=', selection.olderThanMs)
  if (selection.traceIds !== undefined) query = query.where('trace_id', 'in', selection.traceIds)
  return query.orderBy('started_at_ms').orderBy('trace_id').limit(selection.limit).execute()
}

export async function deleteTraceRows(db: Db, ids: readonly number[]): Promise<void> {
  await inChunks(ids, 1, async (chunk) => {
    await db.deleteFrom('traces').where('id', 'in', chunk).execute()
  })
}
