import { queryOptions } from '@tanstack/react-query'
import type { Scope } from '../paths.ts'
import { client, ok } from './client.ts'
import { key } from './query.ts'
import type { Body, Ok } from './schema-types.ts'

export type Project = Ok<'/api/v1/projects/{owner}/{project}'>
export type Member = Ok<'/api/v1/projects/{owner}/{project}/members'>['members'][number]
export type ProjectEvent = Ok<'/api/v1/projects/{owner}/{project}/events'>['events'][number]
export type NewProject = Body<'/api/v1/projects'>
export type ProjectChange = Body<'/api/v1/projects/{owner}/{project}', 'patch'>

const at = (scope: Scope) => ({ params: { path: { owner: scope.owner, project: scope.project } } })

export const projectsQuery = queryOptions({
  queryKey: ['projects'],
  queryFn: async () => (await ok(client.GET('/api/v1/projects'))).projects,
})

export function projectQuery(scope: Scope) {
  return queryOptions({
    queryKey: key(scope, 'project'),
    queryFn: () => ok(client.GET('/api/v1/projects/{owner}/{project}', at(scope))),
    staleTime: 60_000,
  })
}

export function membersQuery(scope: Scope) {
  return queryOptions({
    queryKey: key(scope, 'members'),
    queryFn: async () => (await ok(client.GET('/api/v1/projects/{owner}/{project}/members', at(scope)))).members,
  })
}

export function eventsQuery(scope: Scope, limit = 50) {
  return queryOptions({
    queryKey: key(scope, 'events', limit),
    queryFn: async () =>
      (
        await ok(
          client.GET('/api/v1/projects/{owner}/{project}/events', {
            params: { ...at(scope).params, query: { limit } },
          }),
        )
      ).events,
  })
}

export async function makeProject(body: NewProject): Promise<Project> {
  return ok(client.POST('/api/v1/projects', { body }))
}

export async function changeProject(scope: Scope, body: ProjectChange): Promise<Project> {
  return ok(client.PATCH('/api/v1/projects/{owner}/{project}', { ...at(scope), body }))
}

export async function setMember(scope: Scope, user: string, role: Member['role']): Promise<void> {
  await ok(
    client.PUT('/api/v1/projects/{owner}/{project}/members/{user}', {
      params: { path: { ...scope, user } },
      body: { role },
    }),
  )
}

export async function removeMember(scope: Scope, user: string): Promise<void> {
  await ok(client.DELETE('/api/v1/projects/{owner}/{project}/members/{user}', { params: { path: { ...scope, user } } }))
}
