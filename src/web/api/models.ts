import { queryOptions } from '@tanstack/react-query'
import type { Scope } from '../paths.ts'
import { client, ok } from './client.ts'
import { key } from './query.ts'
import type { Ok } from './schema-types.ts'

export type Model = Ok<'/api/v1/projects/{owner}/{project}/models'>['models'][number]
export type ModelDetail = Ok<'/api/v1/projects/{owner}/{project}/models/{name}'>
export type VersionSummary = ModelDetail['versions'][number]
export type ModelVersion = Ok<'/api/v1/projects/{owner}/{project}/models/{name}/versions/{version}'>
export type ModelHistory = Ok<'/api/v1/projects/{owner}/{project}/models/{name}/history'>
export type ModelChange = ModelHistory['changes'][number]
export type OnnxForm = NonNullable<ModelVersion['onnx']>
export type ParityReport = NonNullable<OnnxForm['report']>

export function modelsQuery(scope: Scope) {
  return queryOptions({
    queryKey: key(scope, 'models'),
    queryFn: async () =>
      (await ok(client.GET('/api/v1/projects/{owner}/{project}/models', { params: { path: scope } }))).models,
  })
}

export function modelQuery(scope: Scope, name: string) {
  return queryOptions({
    queryKey: key(scope, 'models', name),
    queryFn: () =>
      ok(client.GET('/api/v1/projects/{owner}/{project}/models/{name}', { params: { path: { ...scope, name } } })),
  })
}

export function modelVersionQuery(scope: Scope, name: string, version: number) {
  return queryOptions({
    queryKey: key(scope, 'models', name, version),
    queryFn: () =>
      ok(
        client.GET('/api/v1/projects/{owner}/{project}/models/{name}/versions/{version}', {
          params: { path: { ...scope, name, version } },
        }),
      ),
  })
}

/** Points an alias of a model at a version; everything that follows the alias goes along. */
export async function setAlias(scope: Scope, name: string, alias: string, version: number): Promise<void> {
  await ok(
    client.PUT('/api/v1/projects/{owner}/{project}/models/{name}/aliases/{alias}', {
      params: { path: { ...scope, name, alias } },
      body: { version },
    }),
  )
}

export async function removeAlias(scope: Scope, name: string, alias: string): Promise<void> {
  await ok(
    client.DELETE('/api/v1/projects/{owner}/{project}/models/{name}/aliases/{alias}', {
      params: { path: { ...scope, name, alias } },
    }),
  )
}

export async function describeVersion(scope: Scope, name: string, version: number, description: string): Promise<void> {
  await ok(
    client.PATCH('/api/v1/projects/{owner}/{project}/models/{name}/versions/{version}', {
      params: { path: { ...scope, name, version } },
      body: { description },
    }),
  )
}

/** Who moved which alias or stage, newest first. */
export function modelHistoryQuery(scope: Scope, name: string, limit: number) {
  return queryOptions({
    queryKey: key(scope, 'models', name, 'history', limit),
    queryFn: () =>
      ok(
        client.GET('/api/v1/projects/{owner}/{project}/models/{name}/history', {
          params: { path: { ...scope, name }, query: { limit } },
        }),
      ),
  })
}

/** Copies a version of any project that one may read into a model of this one. */
export function copyVersion(
  scope: Scope,
  name: string,
  source: { project: string; model: string; version: number },
): Promise<ModelVersion> {
  return ok(
    client.POST('/api/v1/projects/{owner}/{project}/models/{name}/copies', {
      params: { path: { ...scope, name } },
      body: source,
    }),
  )
}

/** Into the recycle bin, with all versions. */
export async function deleteModel(scope: Scope, name: string): Promise<void> {
  await ok(client.DELETE('/api/v1/projects/{owner}/{project}/models/{name}', { params: { path: { ...scope, name } } }))
}

/** Into the recycle bin. */
export async function deleteVersion(scope: Scope, name: string, version: number): Promise<void> {
  await ok(
    client.DELETE('/api/v1/projects/{owner}/{project}/models/{name}/versions/{version}', {
      params: { path: { ...scope, name, version } },
    }),
  )
}

/** Asks for the ONNX form of a version, or for another try. */
export async function requestOnnx(scope: Scope, name: string, version: number): Promise<void> {
  await ok(
    client.POST('/api/v1/projects/{owner}/{project}/models/{name}/versions/{version}/onnx', {
      params: { path: { ...scope, name, version } },
    }),
  )
}

export async function versionFiles(scope: Scope, name: string, version: number, path: string) {
  const answer = await ok(
    client.GET('/api/v1/projects/{owner}/{project}/models/{name}/versions/{version}/files', {
      params: { path: { ...scope, name, version }, query: { path } },
    }),
  )
  return answer.entries
}

/** Route of a version below /api/v1, for what is fetched as bytes. */
export function versionPath({ owner, project }: Scope, name: string, version: number): string {
  return `/projects/${owner}/${project}/models/${encodeURIComponent(name)}/versions/${version}`
}
