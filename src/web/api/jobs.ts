import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { Scope } from '../paths.ts'
import { client, ok } from './client.ts'
import { key, POLL_MS } from './query.ts'
import type { Job } from './types.ts'

export function isJobActive(job: { state: string }): boolean {
  return job.state === 'queued' || job.state === 'preparing' || job.state === 'running'
}

export type JobsFilter = { state: Job['state'] | ''; kind: Job['kind'] | '' }

const PAGE = 100

/** Jobs page by page, newest first; asked again every 2 s while one of them may change. */
export function jobsQuery(scope: Scope, { state, kind }: JobsFilter) {
  return infiniteQueryOptions({
    queryKey: key(scope, 'jobs', 'list', state, kind),
    queryFn: ({ pageParam }) =>
      ok(
        client.GET('/api/v1/projects/{owner}/{project}/jobs', {
          params: {
            path: scope,
            query: {
              limit: PAGE,
              ...(state === '' ? {} : { state }),
              ...(kind === '' ? {} : { kind }),
              ...(pageParam === '' ? {} : { before: pageParam }),
            },
          },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (page) => page.next_before,
    refetchInterval: (query) =>
      query.state.data?.pages.some((page) => page.jobs.some(isJobActive)) === true ? POLL_MS : false,
  })
}

export function jobQuery(scope: Scope, job: string) {
  return queryOptions({
    queryKey: key(scope, 'jobs', 'one', job),
    queryFn: () =>
      ok(client.GET('/api/v1/projects/{owner}/{project}/jobs/{job}', { params: { path: { ...scope, job } } })),
    refetchInterval: (query) => (query.state.data !== undefined && isJobActive(query.state.data) ? POLL_MS : false),
  })
}

export async function cancelJob(scope: Scope, job: string): Promise<Job> {
  return ok(
    client.POST('/api/v1/projects/{owner}/{project}/jobs/{job}/cancel', { params: { path: { ...scope, job } } }),
  )
}

/** Starts the same again as a new job. */
export async function retryJob(scope: Scope, job: string): Promise<Job> {
  return ok(client.POST('/api/v1/projects/{owner}/{project}/jobs/{job}/retry', { params: { path: { ...scope, job } } }))
}
