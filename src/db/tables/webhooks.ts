export type WebhooksTable = {
  id: string
  project_id: string
  name: string
  description: string
  url: string
  /** AES-256-GCM (lib/sealed.ts) under the server's secret key; null: deliveries are not signed. */
  sealed_secret: string | null
  status: 'ACTIVE' | 'DISABLED'
  /** Why the server disabled it by itself. */
  status_reason: string | null
  /** Attempts that failed since the last one that did not. */
  failed_in_a_row: number
  /** While it fails, nothing is sent to it before this time. */
  paused_until_ms: number | null
  created_by: string
  created_at_ms: number
  updated_at_ms: number
}

export type WebhookEventsTable = {
  webhook_id: string
  /** In the order in which they were given. */
  position: number
  /** `model_version.created` */
  event: string
}

export type WebhookDeliveriesTable = {
  /** UUID: the `X-MLflow-Delivery-Id` of every attempt. */
  id: string
  webhook_id: string
  event: string
  /** The JSON text that is sent and signed. */
  payload: string
  state: 'waiting' | 'delivered' | 'failed'
  attempts: number
  created_at_ms: number
  /** The last attempt. */
  attempted_at_ms: number | null
  next_attempt_at_ms: number | null
  response_status: number | null
  error: string | null
  duration_ms: number | null
}
