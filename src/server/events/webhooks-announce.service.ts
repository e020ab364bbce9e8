import { randomUUID } from 'node:crypto'
import type { WriteTx } from '../../db/writes.ts'
import { enqueueTask } from './tasks.service.ts'
import { insertDelivery, subscribers } from './webhooks.store.ts'
import { type Announcement, webhookPayload } from './webhooks-events.ts'

/** The kind of task that makes one attempt of one delivery. */
export const DELIVER_TASK = 'webhook.deliver'

/**
 * Writes one delivery for each webhook of the project that wants to know, into the change's own transaction: what was
 * committed is delivered, what was rolled back is not.
 */
export async function announce(tx: WriteTx, projectId: string, announcement: Announcement): Promise<void> {
  const now = tx.now()
  for (const webhook of await subscribers(tx.db, projectId, announcement.event)) {
    const id = randomUUID()
    await insertDelivery(tx.db, {
      id,
      webhook_id: webhook.id,
      event: announcement.event,
      payload: webhookPayload(announcement, `${webhook.owner}--${webhook.project}`, now),
      state: 'waiting',
      attempts: 0,
      created_at_ms: now,
      attempted_at_ms: null,
      next_attempt_at_ms: now,
      response_status: null,
      error: null,
      duration_ms: null,
    })
    await enqueueTask(tx, { kind: DELIVER_TASK, payload: { delivery_id: id } })
  }
}
