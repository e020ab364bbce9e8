import type { Selectable } from 'kysely'
import type { Context } from '../../context.ts'
import type { TracesTable } from '../../db/tables/traces.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, badRequest, notFound } from '../../lib/errors.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { checkKey, truncated } from '../tracking/limits.ts'
import { assertRunWritable } from '../tracking/runs.service.ts'
import { holdTrace } from './traces.store.ts'

/** Lengths in characters, as MLflow's store has them; previews are what clients make of inputs and outputs. */
export const TRACE_LIMITS = {
  key: 250,
  tagValue: 8_000,
  metadataValue: 8_000,
  preview: 10_000,
  clientRequestId: 50,
  values: 1_000,
} as const

/** Tags that say how a trace is stored: the server answers them, no client writes them. */
export const LOCATION_TAG = 'mlflow.artifactLocation'
export const SPANS_TAG = 'mlflow.trace.spansLocation'
export const NAME_TAG = 'mlflow.traceName'
export const SOURCE_RUN = 'mlflow.sourceRun'

/** A row whose trace is not known yet. */
export const EMPTY_TRACE = {
  name: null,
  client_request_id: null,
  request_preview: null,
  response_preview: null,
  run_id: null,
  finalized: 0,
  chunk_count: 0,
  span_count: 0,
  span_bytes: 0,
} as const

export function traceNotFound(traceId: string): AppError {
  return notFound(`Trace with ID '${traceId.slice(0, 100)}' not found.`)
}

/** Ids are the client's; they become a part of a path. @throws AppError bad_request */
export function checkTraceId(traceId: string): string {
  if (!/^(?!\.)[\w.:-]{1,64}$/.test(traceId)) {
    throw badRequest(
      'Invalid trace_id: up to 64 letters, digits, "_", "-", "." and ":", as in tr-0123456789abcdef0123456789abcdef.',
      'trace_id',
    )
  }
  return traceId
}

/** The row of a trace that this actor may change, held until the transaction ends. @throws AppError not_found, forbidden */
export async function holdWritableTrace(
  tx: Context,
  actor: Actor,
  project: Project,
  traceId: string,
): Promise<Selectable<TracesTable>> {
  const row = await holdTrace(tx.db, project.id, traceId)
  if (row === undefined) throw traceNotFound(traceId)
  await assertTraceWritable(tx, actor, row.run_id)
  return row
}

/** A job's token writes traces of its own run and its children only. @throws AppError forbidden */
export async function assertTraceWritable(tx: Context, actor: Actor, runId: string | null): Promise<void> {
  if (actor.run === null) return
  if (runId === null) {
    throw new AppError(
      'forbidden',
      `This token belongs to run ${actor.run.runId} and may write traces of that run only.`,
    )
  }
  await assertRunWritable(tx, actor, { id: runId })
}

/** Tags or metadata by key, checked and cut; at most so many. @throws AppError bad_request naming the field */
export function checkedPairs(
  pairs: Iterable<readonly [string, string]>,
  field: string,
  valueLimit: number,
): Map<string, string> {
  const values = new Map<string, string>()
  for (const [key, value] of pairs) values.set(checkKey(key, field), truncated(value, field, valueLimit))
  if (values.size > TRACE_LIMITS.values)
    throw badRequest(`A trace may have at most ${TRACE_LIMITS.values} ${field}.`, field)
  return values
}

/** One audit row of a change of a trace, in its transaction. */
export async function traceChanged(
  tx: Context,
  actor: Actor,
  project: Project,
  traceId: string,
  verb: 'created' | 'updated' | 'deleted',
  detail: Record<string, unknown> = {},
): Promise<void> {
  await recordEvent(tx, actor, { projectId: project.id, verb, kind: 'trace', subject: traceId, detail })
}
