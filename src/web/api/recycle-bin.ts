import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { Scope } from '../paths.ts'
import { client, ok } from './client.ts'
import { key, queryClient } from './query.ts'
import type { Ok } from './schema-types.ts'

export type BinItem = Ok<'/api/v1/projects/{owner}/{project}/recycle-bin'>['items'][number]
export type BinKind = BinItem['kind']

const at = (scope: Scope) => ({ owner: scope.owner, project: scope.project })

/** What was deleted, the latest first; `kind` null: everything. */
export function binQuery(scope: Scope, kind: BinKind | null) {
  return infiniteQueryOptions({
    queryKey: key(scope, 'recycle-bin', kind),
    queryFn: ({ pageParam }) =>
      ok(
        client.GET('/api/v1/projects/{owner}/{project}/recycle-bin', {
          params: {
            path: at(scope),
            query: { ...(kind === null ? {} : { kind }), ...(pageParam === null ? {} : { page_token: pageParam }) },
          },
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_page_token,
  })
}

/** One thing of the bin, with what needs it. */
export function binItemQuery(scope: Scope, item: Pick<BinItem, 'kind' | 'id'>) {
  return queryOptions({
    queryKey: key(scope, 'recycle-bin', item.kind, item.id),
    queryFn: () =>
      ok(
        client.GET('/api/v1/projects/{owner}/{project}/recycle-bin/{kind}/{id}', {
          params: { path: { ...at(scope), kind: item.kind, id: item.id } },
        }),
      ),
  })
}

export async function restoreItem(scope: Scope, { kind, id }: Pick<BinItem, 'kind' | 'id'>): Promise<void> {
  await ok(
    client.POST('/api/v1/projects/{owner}/{project}/recycle-bin/{kind}/{id}/restore', {
      params: { path: { ...at(scope), kind, id } },
    }),
  )
  await queryClient.invalidateQueries({ queryKey: key(scope, 'recycle-bin') })
}

export async function deleteForEver(scope: Scope, { kind, id }: Pick<BinItem, 'kind' | 'id'>): Promise<void> {
  await ok(
    client.DELETE('/api/v1/projects/{owner}/{project}/recycle-bin/{kind}/{id}', {
      params: { path: { ...at(scope), kind, id } },
    }),
  )
  await queryClient.invalidateQueries({ queryKey: key(scope, 'recycle-bin') })
}
