import type { Selectable } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { WebhookDeliveriesTable, WebhooksTable } from '../../db/tables/webhooks.ts'

export type WebhookRow = Selectable<WebhooksTable>
export type DeliveryRow = Selectable<WebhookDeliveriesTable>

export async function insertWebhook(db: Db, row: WebhookRow, events: readonly string[]): Promise<void> {
  await db.insertInto('webhooks').values(row).execute()
  await putEvents(db, row.id, events)
}

/** Replaces what a webhook is told about. */
export async function putEvents(db: Db, webhookId: string, events: readonly string[]): Promise<void> {
  await db.deleteFrom('webhook_events').where('webhook_id', '=', webhookId).execute()
  await db
    .insertInto('webhook_events')
    .values(events.map((event, position) => ({ webhook_id: webhookId, position, event })))
    .execute()
}

export async function updateWebhook(db: Db, id: string, change: Partial<WebhookRow>): Promise<void> {
  await db.updateTable('webhooks').set(change).where('id', '=', id).execute()
}

/** Deletes a webhook with its deliveries. */
export async function deleteWebhook(db: Db, id: string): Promise<void> {
  await db.deleteFrom('webhooks').where('id', '=', id).execute()
}

export async function webhookById(db: Db, projectId: string, id: string): Promise<WebhookRow | undefined> {
  return db
    .selectFrom('webhooks')
    .selectAll()
    .where('id', '=', id)
    .where('project_id', '=', projectId)
    .executeTakeFirst()
}

/** A page of a project's webhooks, newest first. */
export async function webhooksOf(db: Db, projectId: string, limit: number, offset: number): Promise<WebhookRow[]> {
  return db
    .selectFrom('webhooks')
    .selectAll()
    .where('project_id', '=', projectId)
    .orderBy('created_at_ms', 'desc')
    .orderBy('id')
    .limit(limit)
    .offset(offset)
    .execute()
}

export async function countWebhooks(db: Db, projectId: string): Promise<number> {
  const row = await db
    .selectFrom('webhooks')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('project_id', '=', projectId)
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** What these webhooks are told about, in the order given. */
export async function eventsOf(
  db: Db,
  webhookIds: readonly string[],
): Promise<{ webhook_id: string; event: string }[]> {
  if (webhookIds.length === 0) return []
  return db
    .selectFrom('webhook_events')
    .select(['webhook_id', 'event'])
    .where('webhook_id', 'in', webhookIds)
    .orderBy('webhook_id')
    .orderBy('position')
    .execute()
}

/** The active webhooks of a project that want to know of an event, with the project's address. */
export async function subscribers(
  db: Db,
  projectId: string,
  event: string,
): Promise<{ id: string; owner: string; project: string }[]> {
  return db
    .selectFrom('webhooks')
    .innerJoin('webhook_events', 'webhook_events.webhook_id', 'webhooks.id')
    .innerJoin('projects', 'projects.id', 'webhooks.project_id')
    .select(['webhooks.id', 'projects.owner', 'projects.name as project'])
    .where('webhooks.project_id', '=', projectId)
    .where('webhooks.status', '=', 'ACTIVE')
    .where('webhook_events.event', '=', event)
    .execute()
}

export async function insertDelivery(db: Db, row: DeliveryRow): Promise<void> {
  await db.insertInto('webhook_deliveries').values(row).execute()
}

export async function updateDelivery(db: Db, id: string, change: Partial<DeliveryRow>): Promise<void> {
  await db.updateTable('webhook_deliveries').set(change).where('id', '=', id).execute()
}

export async function deliveryById(db: Db, id: string): Promise<DeliveryRow | undefined> {
  return db.selectFrom('webhook_deliveries').selectAll().where('id', '=', id).executeTakeFirst()
}

/** The webhook that a delivery goes to. */
export async function receiverOf(db: Db, webhookId: string): Promise<WebhookRow | undefined> {
  return db.selectFrom('webhooks').selectAll().where('id', '=', webhookId).executeTakeFirst()
}

/** A webhook's last deliveries, newest first. */
export async function deliveriesOf(db: Db, webhookId: string, limit: number): Promise<DeliveryRow[]> {
  return db
    .selectFrom('webhook_deliveries')
    .selectAll()
    .where('webhook_id', '=', webhookId)
    .orderBy('created_at_ms', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

/** Forgets what was settled long ago. */
export async function deleteSettled(db: Db, webhookId: string, beforeMs: number): Promise<void> {
  await db
    .deleteFrom('webhook_deliveries')
    .where('webhook_id', '=', webhookId)
    .where('created_at_ms', '<', beforeMs)
    .where('state', '!=', 'waiting')
    .execute()
}
