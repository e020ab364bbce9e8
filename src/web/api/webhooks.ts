import { queryOptions } from '@tanstack/react-query'
import type { Scope } from '../paths.ts'
import { client, ok } from './client.ts'
import { key, POLL_MS } from './query.ts'
import type { Body, Ok } from './schema-types.ts'

const ALL = '/api/v1/projects/{owner}/{project}/webhooks' as const
const AT = '/api/v1/projects/{owner}/{project}/webhooks/{webhook}' as const

export type Webhook = Ok<typeof AT>
export type NewWebhook = Body<typeof ALL>
export type WebhookChange = Body<typeof AT, 'patch'>
export type WebhookEvent = Webhook['events'][number]
export type Delivery = Ok<`${typeof AT}/deliveries`>['deliveries'][number]
export type TestResult = Ok<`${typeof AT}/test`, 'post'>

const at = (scope: Scope, webhook: string) => ({ params: { path: { ...scope, webhook } } })

export function webhooksQuery(scope: Scope) {
  return queryOptions({
    queryKey: key(scope, 'webhooks'),
    queryFn: async () => (await ok(client.GET(ALL, { params: { path: scope } }))).webhooks,
  })
}

/** Attempts write no events: looked at again and again while somebody looks. */
export function deliveriesQuery(scope: Scope, webhook: string) {
  return queryOptions({
    queryKey: key(scope, 'webhooks', webhook, 'deliveries'),
    queryFn: async () => (await ok(client.GET(`${AT}/deliveries`, at(scope, webhook)))).deliveries,
    refetchInterval: POLL_MS,
  })
}

export async function makeWebhook(scope: Scope, body: NewWebhook): Promise<Webhook> {
  return ok(client.POST(ALL, { params: { path: scope }, body }))
}

export async function changeWebhook(scope: Scope, webhook: string, body: WebhookChange): Promise<Webhook> {
  return ok(client.PATCH(AT, { ...at(scope, webhook), body }))
}

export async function deleteWebhook(scope: Scope, webhook: string): Promise<void> {
  await ok(client.DELETE(AT, at(scope, webhook)))
}

export async function testWebhook(scope: Scope, webhook: string): Promise<TestResult> {
  return ok(client.POST(`${AT}/test`, { ...at(scope, webhook), body: {} }))
}

export async function redeliver(scope: Scope, webhook: string, delivery: string): Promise<Delivery> {
  return ok(client.POST(`${AT}/deliveries/{delivery}/redeliver`, { params: { path: { ...scope, webhook, delivery } } }))
}
