import { QueryClient } from '@tanstack/react-query'
import type { Scope } from '../paths.ts'
import { ApiError } from './errors.ts'

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      // Our own errors say what is wrong; asking again does not change the answer. Only "no answer" is worth another try.
      retry: (count, error) => count < 2 && (!(error instanceof ApiError) || error.status === 0 || error.status >= 502),
      refetchOnWindowFocus: true,
    },
  },
})

/** What a project's cached answers are about. Live events invalidate by these (api/live.ts). */
export type Topic =
  | 'project'
  | 'members'
  | 'events'
  | 'experiments'
  | 'runs'
  | 'traces'
  | 'datasets'
  | 'jobs'
  | 'models'
  | 'endpoints'
  | 'monitoring'
  | 'decisions'
  | 'catalogue'
  | 'webhooks'
  | 'recycle-bin'

/** The cache key of something in a project: `['p', owner, project, topic, …]`. */
export function key(scope: Scope, topic: Topic, ...rest: unknown[]): readonly unknown[] {
  return ['p', scope.owner, scope.project, topic, ...rest]
}

/** How often to ask again while something runs; what changes without events (metrics, predictions) is seen through this. */
export const POLL_MS = 2_000
