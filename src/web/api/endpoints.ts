import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { Scope } from '../paths.ts'
import { client, ok } from './client.ts'
import { key, POLL_MS } from './query.ts'
import type { Body, Ok } from './schema-types.ts'

const AT = '/api/v1/projects/{owner}/{project}/endpoints/{endpoint}' as const

export type Endpoint = Ok<typeof AT>
export type NewEndpoint = Body<'/api/v1/projects/{owner}/{project}/endpoints'>
export type EndpointChange = Body<typeof AT, 'patch'>
export type PredictionForm = Ok<'/api/v1/projects/{owner}/{project}/endpoints/{endpoint}/form'>
export type FormField = PredictionForm['fields'][number]
export type Answer = Ok<'/api/v1/projects/{owner}/{project}/endpoints/{endpoint}/predict', 'post'>
export type Prediction =
  Ok<'/api/v1/projects/{owner}/{project}/endpoints/{endpoint}/predictions'>['predictions'][number]
export type Feedback = Body<'/api/v1/projects/{owner}/{project}/endpoints/{endpoint}/feedback'>['feedback'][number]

/** Its figures change with every prediction, which write no events. */
const FIGURES_MS = 5_000
const PAGE = 50

export function endpointsQuery(scope: Scope) {
  return queryOptions({
    queryKey: key(scope, 'endpoints'),
    queryFn: async () =>
      (await ok(client.GET('/api/v1/projects/{owner}/{project}/endpoints', { params: { path: scope } }))).endpoints,
    refetchInterval: FIGURES_MS,
  })
}

export function endpointQuery(scope: Scope, endpoint: string) {
  return queryOptions({
    queryKey: key(scope, 'endpoints', endpoint),
    queryFn: () => ok(client.GET(AT, { params: { path: { ...scope, endpoint } } })),
    refetchInterval: (query) => (query.state.data?.serving.state === 'ready' ? FIGURES_MS : POLL_MS),
  })
}

/** What to ask to predict; asked again when another version serves. */
export function formQuery(scope: Scope, endpoint: string, version: number | null) {
  return queryOptions({
    queryKey: key(scope, 'endpoints', endpoint, 'form', version),
    queryFn: () =>
      ok(
        client.GET('/api/v1/projects/{owner}/{project}/endpoints/{endpoint}/form', {
          params: { path: { ...scope, endpoint } },
        }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
  })
}

/** Recorded predictions, newest first, a page at a time. The newest are asked for again while only they are shown. */
export function predictionsQuery(scope: Scope, endpoint: string) {
  return infiniteQueryOptions({
    queryKey: key(scope, 'endpoints', endpoint, 'predictions'),
    queryFn: ({ pageParam }) =>
      ok(
        client.GET('/api/v1/projects/{owner}/{project}/endpoints/{endpoint}/predictions', {
          params: {
            path: { ...scope, endpoint },
            query: { limit: PAGE, ...(pageParam === null ? {} : { before: pageParam }) },
          },
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_before,
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 1) <= 1 ? POLL_MS : false),
  })
}

export async function predict(scope: Scope, endpoint: string, row: Record<string, unknown>): Promise<Answer> {
  return ok(
    client.POST('/api/v1/projects/{owner}/{project}/endpoints/{endpoint}/predict', {
      params: { path: { ...scope, endpoint } },
      body: { rows: [row] },
    }),
  )
}

/** Says what a prediction turned out to be. */
export async function sendFeedback(scope: Scope, endpoint: string, feedback: Feedback): Promise<void> {
  await ok(
    client.POST('/api/v1/projects/{owner}/{project}/endpoints/{endpoint}/feedback', {
      params: { path: { ...scope, endpoint } },
      body: { feedback: [feedback] },
    }),
  )
}

export async function makeEndpoint(scope: Scope, body: NewEndpoint): Promise<Endpoint> {
  return ok(client.POST('/api/v1/projects/{owner}/{project}/endpoints', { params: { path: scope }, body }))
}

export async function changeEndpoint(scope: Scope, endpoint: string, body: EndpointChange): Promise<Endpoint> {
  return ok(client.PATCH(AT, { params: { path: { ...scope, endpoint } }, body }))
}

export async function removeEndpoint(scope: Scope, endpoint: string): Promise<void> {
  await ok(client.DELETE(AT, { params: { path: { ...scope, endpoint } } }))
}
