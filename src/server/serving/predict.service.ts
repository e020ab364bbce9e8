import type { Context } from '../../context.ts'
import { inBatch } from '../../db/batch.ts'
import { defineBatch, type Outcome, type WriteTx } from '../../db/writes.ts'
import { AppError, badRequest } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import type { ModelVersion } from '../registry/versions.service.ts'
import type { Endpoint } from './endpoints.service.ts'
import { insertPredictions, type PredictionRow } from './predictions.store.ts'
import type { Output, Predictor, Runtime } from './predictor.ts'
import { answeringVersion } from './rollout.service.ts'
import { checkRows, type InputSignature } from './signature.ts'

type Row = Record<string, unknown>

/** Most rows of one request to an endpoint. */
export const MAX_ROWS = 10_000
/** Rows that are checked and computed before others get their turn. */
const TURN_ROWS = 5_000
/** Rows of predictions: what one commit takes, and how many may wait for theirs. */
const LIMITS = { sizeOf: (rows: PredictionRow[]) => rows.length, perCommit: 5_000, maxWaiting: 50_000 }

/**
 * Predicts rows with one version, without recording anything.
 * @throws AppError bad_request naming the value at fault (`rows[0].age`); unavailable, unprocessable, forbidden as the pool's
 */
export async function predictRows(
  ctx: Context,
  version: ModelVersion,
  rows: Row[],
): Promise<{ runtime: Runtime; outputs: Output[] }> {
  const { predictor, release } = await ctx.models.lease(ctx, version)
  try {
    const outputs: Output[] = []
    for (let start = 0; start < rows.length; start += TURN_ROWS)
      outputs.push(...(await run(predictor, rows.slice(start, start + TURN_ROWS))))
    return { runtime: predictor.runtime, outputs }
  } finally {
    release()
  }
}

async function run(predictor: Predictor, rows: Row[]): Promise<Output[]> {
  return predictor.predict(checkRows(predictor.signature, rows), rows.length)
}

export type EndpointAnswer = {
  version: ModelVersion
  runtime: Runtime
  /** Checking and computing, in milliseconds; recording comes on top. */
  latencyMs: number
  predictions: ({ id: string } & Output)[]
}

export type EndpointRequest = {
  /** The rows, or what makes them from the signature of the version that answers (a door's own wire format). */
  rows: Row[] | ((signature: InputSignature, version: ModelVersion) => Row[])
  requestId: string
}

/**
 * Predicts rows with what an endpoint serves now, and records each: the answer is given after they are committed.
 * @throws AppError bad_request naming the value at fault; unavailable, unprocessable, forbidden; payload_too_large
 */
export async function predictOnEndpoint(
  ctx: Context,
  endpoint: Endpoint,
  request: EndpointRequest,
): Promise<EndpointAnswer> {
  const { version, lease } = await answeringVersion(ctx, endpoint)
  try {
    const started = performance.now()
    const rows = typeof request.rows === 'function' ? request.rows(lease.predictor.signature, version) : request.rows
    if (rows.length === 0) throw badRequest('There are no rows to predict.', 'rows')
    if (rows.length > MAX_ROWS)
      throw new AppError(
        'payload_too_large',
        `One request may have at most ${MAX_ROWS} rows; this one has ${rows.length}.`,
      )
    const outputs = await run(lease.predictor, rows)
    const latencyMs = performance.now() - started
    const predictions = await record(ctx, endpoint, version, request.requestId, rows, outputs, latencyMs)
    return { version, runtime: lease.predictor.runtime, latencyMs: Math.round(latencyMs * 1000) / 1000, predictions }
  } finally {
    lease.release()
  }
}

async function record(
  ctx: Context,
  endpoint: Endpoint,
  version: ModelVersion,
  requestId: string,
  rows: Row[],
  outputs: Output[],
  latencyMs: number,
) {
  const now = ctx.now()
  const ids = rows.map(() => newId(now)).sort() // so that one request's rows are listed in their order
  const shared = {
    endpoint_id: endpoint.id,
    project_id: endpoint.projectId,
    version_id: version.id,
    request_id: requestId,
    latency_us: Math.round(latencyMs * 1000),
    created_at_ms: now,
  }
  const recorded = rows.map((row, i): PredictionRow => {
    const { value, scores } = outputs[i]!
    return {
      ...shared,
      id: ids[i]!,
      inputs: JSON.stringify(row),
      output: JSON.stringify(value ?? null),
      scores: scores === null ? null : JSON.stringify(scores),
    }
  })
  await recordPredictions(ctx, recorded)
  return outputs.map((output, i) => ({ id: ids[i]!, ...output }))
}

/**
 * Resolves when the rows are committed; requests that arrive together share a commit.
 * @throws AppError unavailable when too many rows wait
 */
export function recordPredictions(ctx: Context, rows: PredictionRow[]): Promise<void> {
  return inBatch(ctx, rows, journal)
}

const journal = defineBatch(async (tx: WriteTx, requests: PredictionRow[][]): Promise<Outcome<void>[]> => {
  await insertPredictions(tx.db, requests.flat())
  return requests.map(() => ({ value: undefined }))
}, LIMITS)
