import type { ModelVersion } from '../registry/versions.service.ts'
import type { Runtime } from './predictor.ts'

/** The taking up of a new version by an endpoint. `done` never rejects; `error` says why it failed. */
export type Attempt = {
  version: ModelVersion
  done: Promise<void>
  state: 'loading' | 'ready' | 'failed'
  error: unknown
  /** How often this version failed in a row. */
  failures: number
  /** When a failed one may be tried again, milliseconds since the epoch. */
  retryAtMs: number
}

/** What one endpoint answers with in this process, and what it is moving to. */
export type Rollout = {
  answering: ModelVersion | null
  runtime: Runtime | null
  /** Id of the version that the endpoint should serve, as last read. */
  wanted: string | null
  attempt: Attempt | null
}

export type Rollouts = {
  of(endpointId: string): Rollout
  /** Null when this process has not answered for the endpoint yet. */
  peek(endpointId: string): Rollout | null
  /** Something changed that may make failed attempts succeed. */
  retryAll(): void
  forget(endpointId: string): void
}

export function createRollouts(): Rollouts {
  const rollouts = new Map<string, Rollout>()
  return {
    of(endpointId) {
      const known = rollouts.get(endpointId)
      if (known !== undefined) return known
      const fresh: Rollout = { answering: null, runtime: null, wanted: null, attempt: null }
      rollouts.set(endpointId, fresh)
      return fresh
    },
    peek: (endpointId) => rollouts.get(endpointId) ?? null,
    retryAll() {
      for (const { attempt } of rollouts.values()) if (attempt !== null) attempt.retryAtMs = 0
    },
    forget: (endpointId) => void rollouts.delete(endpointId),
  }
}
