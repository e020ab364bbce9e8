import type { WebhookEvent } from '../../api/webhooks.ts'

/** The events that happen here, in words. */
export const EVENT_GROUPS: { title: string; events: [WebhookEvent, string][] }[] = [
  {
    title: 'Models',
    events: [
      ['registered_model.created', 'Model made'],
      ['model_version.created', 'Version made'],
      ['model_version_alias.created', 'Alias set'],
      ['model_version_alias.deleted', 'Alias removed'],
      ['model_version_tag.set', 'Version tag set'],
      ['model_version_tag.deleted', 'Version tag removed'],
    ],
  },
  {
    title: 'Prompts',
    events: [
      ['prompt.created', 'Prompt made'],
      ['prompt_version.created', 'Prompt version made'],
      ['prompt_alias.created', 'Prompt alias set'],
      ['prompt_alias.deleted', 'Prompt alias removed'],
      ['prompt_tag.set', 'Prompt tag set'],
      ['prompt_tag.deleted', 'Prompt tag removed'],
      ['prompt_version_tag.set', 'Prompt version tag set'],
      ['prompt_version_tag.deleted', 'Prompt version tag removed'],
    ],
  },
]

const WORDS = new Map<string, string>(EVENT_GROUPS.flatMap((group) => group.events))

/** `model_version.created` → "Version made". */
export function eventWords(event: string): string {
  return WORDS.get(event) ?? event
}
