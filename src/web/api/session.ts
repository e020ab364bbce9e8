import { queryOptions } from '@tanstack/react-query'
import { client, ok } from './client.ts'
import type { Body, Ok } from './schema-types.ts'

export type Me = Ok<'/api/v1/me'>
export type Token = Ok<'/api/v1/tokens'>['tokens'][number]
export type NewToken = Body<'/api/v1/tokens'>
export type User = Ok<'/api/v1/users'>['users'][number]

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: () => ok(client.GET('/api/v1/me')),
  staleTime: 60_000,
})
export const configQuery = queryOptions({
  queryKey: ['config'],
  queryFn: () => ok(client.GET('/api/config/')),
  staleTime: 60_000,
})
export const tokensQuery = queryOptions({
  queryKey: ['tokens'],
  queryFn: async () => (await ok(client.GET('/api/v1/tokens'))).tokens,
})
export const usersQuery = queryOptions({
  queryKey: ['users'],
  queryFn: async () => (await ok(client.GET('/api/v1/users'))).users,
})

export async function signIn(name: string, password: string): Promise<Me> {
  return ok(client.POST('/api/v1/session', { body: { name, password } }))
}

export async function signOut(): Promise<void> {
  await ok(client.DELETE('/api/v1/session'))
}

/** Makes a token; its text is in this answer and never again. */
export async function makeToken(body: NewToken) {
  return ok(client.POST('/api/v1/tokens', { body }))
}

export async function revokeToken(id: string): Promise<void> {
  await ok(client.DELETE('/api/v1/tokens/{id}', { params: { path: { id } } }))
}

export async function addUser(body: Body<'/api/v1/users'>): Promise<User> {
  return ok(client.POST('/api/v1/users', { body }))
}
