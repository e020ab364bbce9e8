import { queryOptions } from '@tanstack/react-query'
import type { Scope } from '../paths.ts'
import { client, ok } from './client.ts'
import { isNotFound } from './errors.ts'
import { key, POLL_MS } from './query.ts'
import type { Body, Ok } from './schema-types.ts'

const POLICY = '/api/v1/projects/{owner}/{project}/endpoints/{endpoint}/policy' as const

export type Performance = Ok<'/api/v1/projects/{owner}/{project}/endpoints/{endpoint}/performance'>
export type Policy = Ok<typeof POLICY>
export type PolicyChange = Body<typeof POLICY, 'put'>
export type Decision = Ok<'/api/v1/projects/{owner}/{project}/decisions/{decision}'>

/** A decision that the platform is still working on; `waiting` waits for people. */
export const OPEN_STATES: readonly string[] = ['retraining', 'converting', 'comparing']

export function performanceQuery(scope: Scope, endpoint: string, window?: number) {
  return queryOptions({
    queryKey: key(scope, 'monitoring', endpoint, 'performance', window ?? null),
    queryFn: async () =>
      (await ok(
        client.GET('/api/v1/projects/{owner}/{project}/endpoints/{endpoint}/performance', {
          params: { path: { ...scope, endpoint }, query: { buckets: 40, ...(window === undefined ? {} : { window }) } },
        }),
      )) as Performance,
  })
}

/** The endpoint's policy, or null when it has none. */
export function policyQuery(scope: Scope, endpoint: string) {
  return queryOptions({
    queryKey: key(scope, 'monitoring', endpoint, 'policy'),
    queryFn: async (): Promise<Policy | null> => {
      try {
        return await ok(client.GET(POLICY, { params: { path: { ...scope, endpoint } } }))
      } catch (error) {
        if (isNotFound(error)) return null
        throw error
      }
    },
  })
}

export async function putPolicy(scope: Scope, endpoint: string, body: PolicyChange): Promise<Policy> {
  return ok(client.PUT(POLICY, { params: { path: { ...scope, endpoint } }, body }))
}

/** Looks now whether there is something to decide; the decision's id when there is. */
export async function evaluatePolicy(scope: Scope, endpoint: string): Promise<string | null> {
  const answer = await ok(
    client.POST('/api/v1/projects/{owner}/{project}/endpoints/{endpoint}/policy/evaluate', {
      params: { path: { ...scope, endpoint } },
    }),
  )
  return answer.decision_id
}

export function decisionsQuery(scope: Scope, endpoint?: string) {
  return queryOptions({
    queryKey: key(scope, 'decisions', 'of', endpoint ?? null),
    queryFn: async () => {
      const query = endpoint === undefined ? {} : { endpoint }
      const answer = await ok(
        client.GET('/api/v1/projects/{owner}/{project}/decisions', { params: { path: scope, query } }),
      )
      return answer.decisions as Decision[]
    },
  })
}

export function decisionQuery(scope: Scope, decision: string) {
  return queryOptions({
    queryKey: key(scope, 'decisions', decision),
    queryFn: async () =>
      (await ok(
        client.GET('/api/v1/projects/{owner}/{project}/decisions/{decision}', {
          params: { path: { ...scope, decision } },
        }),
      )) as Decision,
    refetchInterval: (query) => (OPEN_STATES.includes(query.state.data?.state ?? '') ? POLL_MS : false),
  })
}

/** Agrees to a promotion that waits for it. */
export async function approveDecision(scope: Scope, decision: string): Promise<void> {
  await ok(
    client.POST('/api/v1/projects/{owner}/{project}/decisions/{decision}/approve', {
      params: { path: { ...scope, decision } },
    }),
  )
}

/** Takes a promotion back, or refuses one that waits. */
export async function undoDecision(scope: Scope, decision: string): Promise<void> {
  await ok(
    client.POST('/api/v1/projects/{owner}/{project}/decisions/{decision}/undo', {
      params: { path: { ...scope, decision } },
    }),
  )
}
