/** What a webhook can be told, in MLflow's words (`entity.action`), each with the data of its test delivery. */
const named = (what: string) => ({
  name: `example_${what}`,
  tags: { example_key: 'example_value' },
  description: `An example ${what === 'model' ? 'registered model' : what}`,
})
const MODEL = { name: 'example_model', version: '1' }
const PROMPT = { name: 'example_prompt', version: '1' }
const TAG = { key: 'example_key', value: 'example_value' }

/** The data that MLflow's own test deliveries carry (mlflow/webhooks/types.py). */
export const WEBHOOK_EXAMPLES = {
  'registered_model.created': named('model'),
  'model_version.created': {
    ...MODEL,
    source: 'models:/123',
    run_id: 'abcd1234abcd5678',
    tags: { example_key: 'example_value' },
    description: 'An example model version',
  },
  'model_version_tag.set': { ...MODEL, ...TAG },
  'model_version_tag.deleted': { ...MODEL, key: TAG.key },
  'model_version_alias.created': { name: MODEL.name, alias: 'example_alias', version: '1' },
  'model_version_alias.deleted': { name: MODEL.name, alias: 'example_alias' },
  'prompt.created': named('prompt'),
  'prompt_version.created': {
    ...PROMPT,
    template: 'Hello {{name}}!',
    tags: { example_key: 'example_value' },
    description: 'An example prompt version',
  },
  'prompt_tag.set': { name: PROMPT.name, ...TAG },
  'prompt_tag.deleted': { name: PROMPT.name, key: TAG.key },
  'prompt_version_tag.set': { ...PROMPT, ...TAG },
  'prompt_version_tag.deleted': { ...PROMPT, key: TAG.key },
  'prompt_alias.created': { name: PROMPT.name, alias: 'example_alias', version: '1' },
  'prompt_alias.deleted': { name: PROMPT.name, alias: 'example_alias' },
  // Clients may ask for it; this server has no budgets, so none is ever exceeded.
  'budget_policy.exceeded': {
    budget_policy_id: 'bp-abc123',
    budget_unit: 'USD',
    budget_amount: 100,
    current_spend: 105.5,
    duration_unit: 'MONTHS',
    duration_value: 1,
    target_scope: 'ENDPOINT',
    workspace: 'default',
    target_value: 'ep-abc123',
    window_start: 1_704_067_200_000,
  },
} satisfies Record<string, Record<string, unknown>>

export type WebhookEvent = keyof typeof WEBHOOK_EXAMPLES

export const WEBHOOK_EVENTS = Object.keys(WEBHOOK_EXAMPLES) as WebhookEvent[]

export function isWebhookEvent(text: string): text is WebhookEvent {
  return Object.hasOwn(WEBHOOK_EXAMPLES, text)
}

/** A change that receivers are told about: `data` is what MLflow's receivers find under that name. */
export type Announcement = { event: WebhookEvent; data: Record<string, unknown> }

/** The JSON text that is sent: MLflow's envelope, its time as Python's `isoformat` writes it. */
export function webhookPayload(announcement: Announcement, workspace: string, atMs: number): string {
  const [entity, action] = announcement.event.split('.')
  return JSON.stringify({
    entity,
    action,
    timestamp: new Date(atMs).toISOString().replace('Z', '000+00:00'),
    data: announcement.data,
    workspace,
  })
}
