import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { Scope } from '../paths.ts'
import type { FileSource } from '../ui/FileBrowser.tsx'
import { client, ok, projectPath } from './client.ts'
import { key, POLL_MS } from './query.ts'
import type { Run } from './types.ts'

export type RunsFilter = { experiment: string; filter: string; orderBy: string; view: 'active' | 'deleted' }

const PAGE = 200

export function experimentsQuery(scope: Scope) {
  return queryOptions({
    queryKey: key(scope, 'experiments'),
    queryFn: async () =>
      (await ok(client.GET('/api/v1/projects/{owner}/{project}/experiments', { params: { path: scope } }))).experiments,
  })
}

/** Runs page by page; asked again every 2 s while one of them runs. */
export function runsQuery(scope: Scope, { experiment, filter, orderBy, view }: RunsFilter) {
  return infiniteQueryOptions({
    queryKey: key(scope, 'runs', 'list', experiment, filter, orderBy, view),
    queryFn: ({ pageParam }) =>
      ok(
        client.GET('/api/v1/projects/{owner}/{project}/runs', {
          params: {
            path: scope,
            query: {
              limit: PAGE,
              view,
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
    refetchInterval: (query) =>
      query.state.data?.pages.some((page) => page.runs.some(isRunning)) === true ? POLL_MS : false,
  })
}

/** Metrics, params and tags of all runs of an experiment ('' for all), also of those not loaded; `search`: part of a name. */
export function runColumnsQuery(scope: Scope, experiment: string, search: string) {
  return queryOptions({
    queryKey: key(scope, 'runs', 'columns', experiment, search),
    queryFn: () =>
      ok(
        client.GET('/api/v1/projects/{owner}/{project}/runs/columns', {
          params: {
            path: scope,
            query: {
              ...(experiment === '' ? {} : { experiment_id: experiment }),
              ...(search === '' ? {} : { search }),
            },
          },
        }),
      ),
  })
}

export function runCountQuery(scope: Scope, { experiment, filter, view }: Omit<RunsFilter, 'orderBy'>) {
  return queryOptions({
    queryKey: key(scope, 'runs', 'count', experiment, filter, view),
    queryFn: () =>
      ok(
        client.GET('/api/v1/projects/{owner}/{project}/runs/count', {
          params: {
            path: scope,
            query: {
              view,
              ...(experiment === '' ? {} : { experiment_id: experiment }),
              ...(filter.trim() === '' ? {} : { filter }),
            },
          },
        }),
      ),
  })
}

export function isRunning(run: { status: string }): boolean {
  return run.status === 'RUNNING' || run.status === 'SCHEDULED'
}

const one = (scope: Scope, run: string) => ({ params: { path: { ...scope, run } } })

export function runQuery(scope: Scope, run: string) {
  return queryOptions({
    queryKey: key(scope, 'runs', 'one', run),
    queryFn: () => ok(client.GET('/api/v1/projects/{owner}/{project}/runs/{run}', one(scope, run))),
    refetchInterval: (query) => (query.state.data !== undefined && isRunning(query.state.data) ? POLL_MS : false),
  })
}

/** A metric's points; of more than 2,000 the server keeps the extremes of each stretch. */
export function historyQuery(scope: Scope, run: string, metric: string, running: boolean) {
  return queryOptions({
    queryKey: key(scope, 'runs', 'history', run, metric),
    queryFn: () =>
      ok(
        client.GET('/api/v1/projects/{owner}/{project}/runs/{run}/history', {
          params: { path: { ...scope, run }, query: { key: metric, max_points: 2000 } },
        }),
      ),
    refetchInterval: running ? POLL_MS : false,
  })
}

export function runFiles(scope: Scope, run: string): FileSource {
  return {
    listKey: (path) => key(scope, 'runs', 'files', run, path),
    list: async (path) =>
      (
        await ok(
          client.GET('/api/v1/projects/{owner}/{project}/runs/{run}/artifacts', {
            params: { path: { ...scope, run }, query: { path } },
          }),
        )
      ).entries,
    contentPath: (path) =>
      `${projectPath(scope, 'runs', run, 'artifacts', 'content')}?path=${encodeURIComponent(path)}`,
    archivePath: (path) =>
      `${projectPath(scope, 'runs', run, 'artifacts', 'archive')}?path=${encodeURIComponent(path)}`,
  }
}

export function loggedModelFiles(scope: Scope, model: string): FileSource {
  return {
    listKey: (path) => key(scope, 'runs', 'model-files', model, path),
    list: async (path) =>
      (
        await ok(
          client.GET('/api/v1/projects/{owner}/{project}/logged-models/{model}/artifacts', {
            params: { path: { ...scope, model }, query: { path } },
          }),
        )
      ).entries,
    contentPath: (path) =>
      `${projectPath(scope, 'logged-models', model, 'artifacts', 'content')}?path=${encodeURIComponent(path)}`,
    archivePath: (path) =>
      `${projectPath(scope, 'logged-models', model, 'artifacts', 'archive')}?path=${encodeURIComponent(path)}`,
  }
}

export async function renameRun(scope: Scope, run: string, name: string): Promise<Run> {
  return ok(client.PATCH('/api/v1/projects/{owner}/{project}/runs/{run}', { ...one(scope, run), body: { name } }))
}

export async function deleteRun(scope: Scope, run: string): Promise<void> {
  await ok(client.POST('/api/v1/projects/{owner}/{project}/runs/{run}/delete', one(scope, run)))
}

export async function restoreRun(scope: Scope, run: string): Promise<void> {
  await ok(client.POST('/api/v1/projects/{owner}/{project}/runs/{run}/restore', one(scope, run)))
}

/** Registers a logged model as a version; makes the registered model when there is none of this name. */
export async function registerModel(
  scope: Scope,
  name: string,
  body: { source: string; run_id: string },
): Promise<{ name: string; version: number }> {
  return ok(
    client.POST('/api/v1/projects/{owner}/{project}/models/{name}/versions', {
      params: { path: { ...scope, name } },
      body,
    }),
  )
}
