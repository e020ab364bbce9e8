import type { Context } from '../../context.ts'
import { AppError, errorMessage } from '../../lib/errors.ts'
import { type ModelVersion, modelVersionById } from '../registry/versions.service.ts'
import { type Endpoint, servedVersion } from './endpoints.service.ts'
import type { Lease } from './loaded-models.ts'
import { lastVersionId } from './predictions.store.ts'
import type { Runtime } from './predictor.ts'
import type { Attempt, Rollout } from './rollouts.ts'

export type Answering = { version: ModelVersion; lease: Lease }

export type ServingState = {
  /** The version that answers now; null when none does. */
  version: number | null
  runtime: Runtime | null
  /** `converting`: the version the endpoint should serve is being made ready (an older one may answer meanwhile). */
  state: 'ready' | 'converting' | 'unavailable'
  /** Why what should be served is not, in a sentence; null when it is. */
  reason: string | null
}

/** How long a first request waits for a model to load before it is told to come back. */
const FIRST_LOAD_MS = 25_000
const RETRY_SOON_MS = 300
/** After a failure; doubled with each further one. */
const RETRY_BROKEN_MS = 15_000
const RETRY_BROKEN_MAX_MS = 10 * 60_000

/**
 * The version that answers a request now, loaded and held until its lease is released. An endpoint follows its alias
 * without dropping a request: the new version loads while the old one answers; requests end on the version they began
 * with; a version that cannot be loaded leaves the old one in place.
 * @throws AppError unavailable (being made ready, no version), unprocessable, forbidden: when nothing can answer
 */
export async function answeringVersion(ctx: Context, endpoint: Endpoint): Promise<Answering> {
  const target = await servedVersion(ctx, endpoint)
  const rollout = ctx.models.rollouts.of(endpoint.id)
  rollout.wanted = target.id
  if (rollout.answering?.id === target.id) return hold(ctx, target)
  const attempt = takeUp(ctx, rollout, target)
  const old = rollout.answering
  if (old !== null) {
    const held = await hold(ctx, old).catch(() => null)
    if (held !== null) return held
  }
  await within(FIRST_LOAD_MS, attempt.done)
  if (attempt.state === 'ready') return hold(ctx, target)
  const last = await lastGood(ctx, endpoint, rollout, target)
  if (last !== null) return last
  if (attempt.state === 'failed') throw attempt.error
  throw new AppError(
    'unavailable',
    `Version ${target.version} of ${target.name} is still being loaded; send the request again in a moment.`,
    { retryAfterSeconds: 5 },
  )
}

async function hold(ctx: Context, version: ModelVersion): Promise<Answering> {
  return { version, lease: await ctx.models.lease(ctx, version) }
}

/** The running attempt to serve `target`, or a new one; a failed one is left alone until its time has come. */
function takeUp(ctx: Context, rollout: Rollout, target: ModelVersion): Attempt {
  rollout.wanted = target.id
  const known = rollout.attempt
  if (
    known?.version.id === target.id &&
    known.state !== 'ready' &&
    (known.state === 'loading' || ctx.now() < known.retryAtMs)
  )
    return known
  const failures = known?.version.id === target.id ? known.failures : 0
  const attempt: Attempt = {
    version: target,
    done: Promise.resolve(),
    state: 'loading',
    error: null,
    failures,
    retryAtMs: 0,
  }
  rollout.attempt = attempt
  attempt.done = ctx.models.lease(ctx, target).then(
    (lease) => {
      lease.release()
      attempt.state = 'ready'
      // The alias may have moved on, or back, meanwhile: then this is not what should answer any more.
      if (rollout.wanted === target.id) Object.assign(rollout, { answering: target, runtime: lease.predictor.runtime })
    },
    (error) => {
      attempt.state = 'failed'
      attempt.error = error
      const soon = isSoon(error)
      if (!soon) attempt.failures++
      const pause = soon ? RETRY_SOON_MS : Math.min(RETRY_BROKEN_MAX_MS, RETRY_BROKEN_MS * 2 ** (attempt.failures - 1))
      attempt.retryAtMs = ctx.now() + pause
      if (!soon) ctx.log.warn({ err: error, model: target.name, version: target.version }, 'a version cannot be served')
    },
  )
  return attempt
}

function isSoon(error: unknown): boolean {
  return error instanceof AppError && error.code === 'unavailable'
}

/** After a restart nothing answers yet: the version that answered the last recorded prediction is the old one. */
async function lastGood(
  ctx: Context,
  endpoint: Endpoint,
  rollout: Rollout,
  target: ModelVersion,
): Promise<Answering | null> {
  if (rollout.answering !== null) return hold(ctx, rollout.answering).catch(() => null)
  const id = await lastVersionId(ctx.db, endpoint.id)
  if (id === null || id === target.id) return null
  const version = await modelVersionById(ctx, id).catch(() => null)
  if (version === null || version.deletedAtMs !== null || version.modelId !== endpoint.modelId) return null
  const held = await hold(ctx, version).catch(() => null)
  if (held !== null && rollout.answering === null)
    Object.assign(rollout, { answering: held.version, runtime: held.lease.predictor.runtime })
  return held
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}

/** Begins to load what the endpoint serves, so that its first request need not wait. Failures show in `servingState`. */
export function warmUp(ctx: Context, endpoint: Endpoint): void {
  void servedVersion(ctx, endpoint)
    .then((target) => {
      const rollout = ctx.models.rollouts.of(endpoint.id)
      if (rollout.answering?.id !== target.id) takeUp(ctx, rollout, target)
    })
    .catch(() => {})
}

/** The version that answers now, or, before the first answer of this process, the one that should. */
export async function currentVersion(ctx: Context, endpoint: Endpoint): Promise<ModelVersion> {
  const target = await servedVersion(ctx, endpoint)
  return ctx.models.rollouts.peek(endpoint.id)?.answering ?? target
}

/** What answers now and, when it is not what should, why. Looking makes the endpoint move on, as a request would. */
export async function servingState(ctx: Context, endpoint: Endpoint): Promise<ServingState> {
  const rollout = ctx.models.rollouts.of(endpoint.id)
  let target: ModelVersion
  try {
    target = await servedVersion(ctx, endpoint)
  } catch (error) {
    return { version: null, runtime: null, state: 'unavailable', reason: errorMessage(error) }
  }
  if (rollout.answering?.id !== target.id) {
    const attempt = takeUp(ctx, rollout, target)
    await within(RETRY_SOON_MS, attempt.done)
    if (attempt.state === 'failed' && rollout.answering === null)
      (await lastGood(ctx, endpoint, rollout, target))?.lease.release()
  } else {
    rollout.wanted = target.id
  }
  const old = rollout.answering
  const runtime = old === null ? null : (ctx.models.loaded(old.id)?.runtime ?? rollout.runtime)
  if (old?.id === target.id) return { version: target.version, runtime, state: 'ready', reason: null }
  const attempt = rollout.attempt
  const why =
    attempt?.state === 'failed'
      ? errorMessage(attempt.error)
      : `Version ${target.version} of ${target.name} is being loaded.`
  const soon = attempt?.state !== 'failed' || isSoon(attempt.error)
  if (old !== null) {
    return {
      version: old.version,
      runtime,
      state: soon ? 'converting' : 'ready',
      reason: `${why} Version ${old.version} answers meanwhile.`,
    }
  }
  return { version: null, runtime: null, state: soon ? 'converting' : 'unavailable', reason: why }
}
