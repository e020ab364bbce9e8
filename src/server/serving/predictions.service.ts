import type { Context } from '../../context.ts'
import { badRequest } from '../../lib/errors.ts'
import type { Endpoint } from './endpoints.service.ts'
import * as store from './predictions.store.ts'

export type Prediction = {
  id: string
  version: number
  inputs: Record<string, unknown>
  value: unknown
  scores: Record<string, number> | null
  latencyMs: number
  createdAtMs: number
  /** `truth`: the true outcome, null when only `correct` is known. */
  feedback: { truth: unknown; correct: boolean; createdAtMs: number } | null
}

export type EndpointStats = { total: number; lastDay: number; p50Ms: number | null; p99Ms: number | null }

const DAY_MS = 24 * 3600_000
/** Older than this, nothing is still on its way to being committed. */
const SETTLED_MS = 60_000
const STATS_WINDOW = 1_000

/** A page of an endpoint's recorded predictions, newest first. @throws AppError bad_request for an unknown `before` */
export async function listPredictions(
  ctx: Context,
  endpoint: Endpoint,
  before: string | null,
  limit: number,
): Promise<{ predictions: Prediction[]; nextBefore: string | null }> {
  const cursor = before === null ? null : ((await store.findPrediction(ctx.db, endpoint.id, before)) ?? null)
  if (before !== null && cursor === null) throw badRequest('before is no prediction of this endpoint.', 'before')
  const rows = await store.listPredictions(ctx.db, endpoint.id, cursor, limit)
  const predictions = rows.map(
    (row): Prediction => ({
      id: row.id,
      version: row.version,
      inputs: JSON.parse(row.inputs) as Record<string, unknown>,
      value: JSON.parse(row.output) as unknown,
      scores: row.scores === null ? null : (JSON.parse(row.scores) as Record<string, number>),
      latencyMs: row.latency_us / 1000,
      createdAtMs: row.created_at_ms,
      feedback:
        row.correct === null || row.feedback_at_ms === null
          ? null
          : {
              truth: row.truth === null ? null : (JSON.parse(row.truth) as unknown),
              correct: row.correct === 1,
              createdAtMs: row.feedback_at_ms,
            },
    }),
  )
  return { predictions, nextBefore: predictions.length === limit ? (predictions.at(-1)?.id ?? null) : null }
}

/** How many predictions were made up to a time that only goes forward: each call counts only what is new since the last. */
async function countUpTo(ctx: Context, endpoint: Endpoint, purpose: string, upToMs: number): Promise<number> {
  const key = `${endpoint.id} ${purpose}`
  const known = ctx.models.counts.get(key) ?? { upToMs: -1, total: 0 }
  if (upToMs <= known.upToMs) return known.total
  const total = known.total + (await store.countPredictions(ctx.db, endpoint.id, known.upToMs, upToMs))
  ctx.models.counts.set(key, { upToMs, total })
  return total
}

/** How often an endpoint was asked, and how fast it answered the last 1000 rows. */
export async function endpointStats(ctx: Context, endpoint: Endpoint): Promise<EndpointStats> {
  const now = ctx.now()
  const settled = await countUpTo(ctx, endpoint, 'settled', now - SETTLED_MS)
  const total = settled + (await store.countPredictions(ctx.db, endpoint.id, now - SETTLED_MS, Number.MAX_SAFE_INTEGER))
  const lastDay = total - (await countUpTo(ctx, endpoint, 'older than a day', now - DAY_MS))
  const latencies = (await store.latestLatencies(ctx.db, endpoint.id, STATS_WINDOW)).sort((a, b) => a - b)
  const quantile = (share: number) =>
    latencies.length === 0
      ? null
      : latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))]! / 1000
  return { total, lastDay, p50Ms: quantile(0.5), p99Ms: quantile(0.99) }
}
