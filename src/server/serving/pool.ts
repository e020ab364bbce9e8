import type { Config } from '../../config.ts'
import type { Context } from '../../context.ts'
import { AppError } from '../../lib/errors.ts'
import type { ModelVersion } from '../registry/versions.service.ts'
import type { VersionForm } from './form.service.ts'
import { createFreshCache, type FreshCache } from './fresh-cache.ts'
import { createLoadedModels, type Lease } from './loaded-models.ts'
import type { Predictor } from './predictor.ts'
import { createRollouts, type Rollouts } from './rollouts.ts'

/** What serving keeps in the memory of this process. */
export type ModelPool = {
  /**
   * The version's model, loaded when it is not. Requests that come while it loads wait for the same load.
   * @throws AppError unavailable while its ONNX form is being made; unprocessable when it cannot be served; forbidden
   */
  lease(ctx: Context, version: ModelVersion): Promise<Lease>
  /** The model of a version, when it is loaded now. */
  loaded(versionId: string): Pick<Predictor, 'runtime' | 'labels'> | null
  /** Which version each endpoint answers with (rollout.service.ts). */
  readonly rollouts: Rollouts
  /** What each endpoint's alias points at, at most 200 ms old (endpoints.service.ts). */
  readonly targets: FreshCache<ModelVersion>
  /** What the forms of versions ask, at most 10 s old (form.service.ts). */
  readonly forms: FreshCache<VersionForm>
  /** Predictions counted so far, by endpoint and purpose (predictions.service.ts). */
  readonly counts: Map<string, { upToMs: number; total: number }>
  /** Forgets what may have changed: aliases, and forms that could not be loaded. Subscribed to the bus at the first call. */
  watch(ctx: Context): void
  close(): Promise<void>
}

const TARGET_TTL_MS = 200
const FORM_TTL_MS = 10_000
/** Kinds of events after which an endpoint may have to answer with something else. */
const WATCHED = new Set(['alias', 'model', 'model_version', 'form', 'endpoint'])

export function createModelPool(config: Pick<Config, 'modelMemory'>): ModelPool {
  let watched: Context | null = null
  let unsubscribe: (() => void) | undefined
  const closing = new AbortController()
  const models = createLoadedModels(config.modelMemory, (error) =>
    watched?.log.warn({ err: error }, 'a model could not be closed'),
  )
  const targets = createFreshCache<ModelVersion>(TARGET_TTL_MS, Date.now)
  const forms = createFreshCache<VersionForm>(FORM_TTL_MS, Date.now)
  const rollouts = createRollouts()

  return {
    lease: (ctx, version) => models.lease(version.id, () => loadLate(ctx, version, closing.signal)),
    loaded: (versionId) => models.peek(versionId),
    rollouts,
    targets,
    forms,
    counts: new Map(),
    watch(ctx) {
      watched ??= ctx
      unsubscribe ??= ctx.bus.subscribe((event) => {
        if (!WATCHED.has(event.kind)) return
        targets.clear()
        forms.clear()
        rollouts.retryAll()
        // A form that became ready replaces the Python child that stood in for it.
        if (event.kind === 'form' && event.verb === 'ready') models.evict(({ runtime }) => runtime === 'python')
      })
    },
    async close() {
      unsubscribe?.()
      closing.abort(new AppError('unavailable', 'The server is stopping.', { retryAfterSeconds: 5 }))
      await models.close()
    },
  }
}

/** Loaded with the first model: a server that serves none need not start with it. */
async function loadLate(ctx: Context, version: ModelVersion, signal: AbortSignal): Promise<Predictor> {
  const { loadPredictor } = await import('./load.ts')
  return loadPredictor(ctx, version, signal)
}
