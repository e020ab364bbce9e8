import { queryOptions } from '@tanstack/react-query'
import type { Scope } from '../paths.ts'
import { client, ok, projectPath } from './client.ts'
import { key, POLL_MS } from './query.ts'
import type { Body } from './schema-types.ts'
import type { DatasetVersion } from './types.ts'

const VERSION = '/api/v1/projects/{owner}/{project}/datasets/{name}/versions/{version}'

export function datasetsQuery(scope: Scope) {
  return queryOptions({
    queryKey: key(scope, 'datasets', 'list'),
    queryFn: async () =>
      (await ok(client.GET('/api/v1/projects/{owner}/{project}/datasets', { params: { path: scope } }))).datasets,
  })
}

export function datasetQuery(scope: Scope, name: string) {
  return queryOptions({
    queryKey: key(scope, 'datasets', 'one', name),
    queryFn: () =>
      ok(client.GET('/api/v1/projects/{owner}/{project}/datasets/{name}', { params: { path: { ...scope, name } } })),
  })
}

/** Into the recycle bin, with all versions. */
export async function deleteDataset(scope: Scope, name: string): Promise<void> {
  await ok(
    client.DELETE('/api/v1/projects/{owner}/{project}/datasets/{name}', { params: { path: { ...scope, name } } }),
  )
}

/** Into the recycle bin. */
export async function deleteDatasetVersion(scope: Scope, name: string, version: number): Promise<void> {
  await ok(client.DELETE(VERSION, { params: { path: { ...scope, name, version: String(version) } } }))
}

/** A version with its profile; asked again while it is still being profiled. `version`: a number or `latest`. */
export function datasetVersionQuery(scope: Scope, name: string, version: string) {
  return queryOptions({
    queryKey: key(scope, 'datasets', 'version', name, version),
    queryFn: () => ok(client.GET(VERSION, { params: { path: { ...scope, name, version } } })),
    refetchInterval: (query) => (query.state.data?.profile_state === 'queued' ? POLL_MS : false),
  })
}

/** Rows are asked for in pages of this many, as they come into sight. */
export const ROWS_PAGE = 200

/** The n-th page of rows of one file. A version never changes, so no page is asked for twice. */
export function rowsQuery(scope: Scope, name: string, version: number, file: string, orderBy: string, page: number) {
  return queryOptions({
    queryKey: key(scope, 'datasets', 'rows', name, version, file, orderBy, page),
    queryFn: () =>
      ok(
        client.GET(`${VERSION}/rows`, {
          params: {
            path: { ...scope, name, version: String(version) },
            query: {
              file,
              offset: page * ROWS_PAGE,
              limit: ROWS_PAGE,
              ...(orderBy === '' ? {} : { order_by: orderBy }),
            },
          },
        }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
  })
}

export function fileContentPath(scope: Scope, name: string, version: number, path: string): string {
  return `${projectPath(scope, 'datasets', name, 'versions', version, 'files', 'content')}?path=${encodeURIComponent(path)}`
}

/** Which of these contents the project does not have yet. */
export async function missingBlobs(scope: Scope, sha256: string[]): Promise<string[]> {
  return (
    await ok(
      client.POST('/api/v1/projects/{owner}/{project}/blobs/missing', { params: { path: scope }, body: { sha256 } }),
    )
  ).missing
}

export function blobPath(scope: Scope, sha256: string): string {
  return projectPath(scope, 'blobs', sha256)
}

type NewVersion = Body<'/api/v1/projects/{owner}/{project}/datasets/{name}/versions'>

/** Makes a version of contents that the project has; makes the dataset when there is none of this name. */
export async function publishVersion(scope: Scope, name: string, body: NewVersion): Promise<DatasetVersion> {
  return ok(
    client.POST('/api/v1/projects/{owner}/{project}/datasets/{name}/versions', {
      params: { path: { ...scope, name } },
      body,
    }),
  )
}
