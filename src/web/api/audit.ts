import { infiniteQueryOptions } from '@tanstack/react-query'
import type { Scope } from '../paths.ts'
import { client, ok } from './client.ts'
import { key } from './query.ts'
import type { Ok } from './schema-types.ts'

type AuditPage = Ok<'/api/v1/projects/{owner}/{project}/audit'>
export type AuditRow = AuditPage['rows'][number]
export type AuditFilter = { actor?: string; kind?: string; result?: AuditRow['result'] }

/** The audit log of a project, newest first. */
export function auditQuery(scope: Scope, filter: AuditFilter) {
  return infiniteQueryOptions({
    queryKey: key(scope, 'events', 'audit', filter),
    queryFn: ({ pageParam }) =>
      ok(
        client.GET('/api/v1/projects/{owner}/{project}/audit', {
          params: {
            path: { owner: scope.owner, project: scope.project },
            query: { ...filter, ...(pageParam === null ? {} : { before: pageParam }) },
          },
        }),
      ),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => page.next_before,
  })
}
