import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { Scope } from '../paths.ts'
import { client, ok } from './client.ts'
import { key, POLL_MS } from './query.ts'

const PAGE = 100

export type TracesFilter = { experiment: string; filter: string; orderBy: string }

/** Traces page by page. */
export function tracesQuery(scope: Scope, { experiment, filter, orderBy }: TracesFilter) {
  return infiniteQueryOptions({
    queryKey: key(scope, 'traces', 'list', experiment, filter, orderBy),
    queryFn: ({ pageParam }) =>
      ok(
        client.GET('/api/v1/projects/{owner}/{project}/traces', {
          params: {
            path: scope,
            query: {
              limit: PAGE,
              ...(experiment === '' ? {} : { experiment_id: experiment }),
              ...(filter.trim() === '' ? {} : { filter }),
              ...(orderBy === '' ? {} : { order_by: [orderBy] }),
              ...(pageParam === '' ? {} : { page_token: pageParam }),
            },
          },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (page) => page.next_page_token,
  })
}

/** One trace with its spans; asked again while it goes on. */
export function traceQuery(scope: Scope, trace: string) {
  return queryOptions({
    queryKey: key(scope, 'traces', 'one', trace),
    queryFn: () =>
      ok(client.GET('/api/v1/projects/{owner}/{project}/traces/{trace}', { params: { path: { ...scope, trace } } })),
    refetchInterval: (query) => (query.state.data?.status === 'IN_PROGRESS' ? POLL_MS : false),
  })
}
