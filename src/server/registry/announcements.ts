import type { Context } from '../../context.ts'
import type { Announcement } from '../events/webhooks-events.ts'
import { tagsOfModels } from './models.store.ts'
import { PROMPT_TAG } from './names.ts'

type Tags = readonly { key: string; value: string }[]

const PROMPT_TYPE_TAG = '_mlflow_prompt_type'
const PROMPT_TEXT_TAG = 'mlflow.prompt.text'

/** Whether these tags make a model or version a prompt: the last value of a key counts, as everywhere. */
function saysPrompt(tags: Tags): boolean {
  return tags.findLast((tag) => tag.key === PROMPT_TAG)?.value.toLowerCase() === 'true'
}

async function isPrompt(tx: Context, modelId: string): Promise<boolean> {
  return saysPrompt(await tagsOfModels(tx.db, [modelId]))
}

function asObject(tags: Tags, without: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(tags.filter((tag) => !without.includes(tag.key)).map((tag) => [tag.key, tag.value]))
}

/** What webhooks are told of a new model or prompt; the data is MLflow's (mlflow/webhooks/types.py). */
export function modelCreated(name: string, tags: Tags, description: string): Announcement {
  if (!saysPrompt(tags)) return { event: 'registered_model.created', data: { name, tags: asObject(tags), description } }
  return {
    event: 'prompt.created',
    data: { name, tags: asObject(tags, [PROMPT_TAG, PROMPT_TYPE_TAG]), description },
  }
}

/** Of a new version of a model or prompt. */
export function versionCreated(
  input: { name: string; tags?: Tags; description?: string },
  version: number,
  { source, runId }: { source: string; runId: string | null },
): Announcement {
  const which = { name: input.name, version: String(version) }
  const description = input.description || null
  const given = input.tags ?? []
  if (!saysPrompt(given)) {
    return {
      event: 'model_version.created',
      data: { ...which, source, run_id: runId, tags: asObject(given), description },
    }
  }
  const template = given.findLast((tag) => tag.key === PROMPT_TEXT_TAG)?.value ?? null
  const tags = asObject(given, [PROMPT_TAG, PROMPT_TYPE_TAG, PROMPT_TEXT_TAG])
  return { event: 'prompt_version.created', data: { ...which, template, tags, description } }
}

/** Of a tag of a model: MLflow tells of prompts' tags only. `value` null: it was removed. */
export async function modelTagChanged(
  tx: Context,
  model: { id: string; name: string },
  key: string,
  value: string | null,
): Promise<Announcement | undefined> {
  if (!(await isPrompt(tx, model.id))) return undefined
  const { name } = model
  if (value === null) return { event: 'prompt_tag.deleted', data: { name, key } }
  return { event: 'prompt_tag.set', data: { name, key, value } }
}

/** Of a tag of a version. `value` null: it was removed. */
export async function versionTagChanged(
  tx: Context,
  version: { model_id: string; name: string; version: number },
  key: string,
  value: string | null,
): Promise<Announcement> {
  const kind = (await isPrompt(tx, version.model_id)) ? 'prompt_version_tag' : 'model_version_tag'
  const which = { name: version.name, version: String(version.version), key }
  if (value === null) return { event: `${kind}.deleted`, data: which }
  return { event: `${kind}.set`, data: { ...which, value } }
}

/** Of an alias. `version` null: it was removed. */
export async function aliasChanged(
  tx: Context,
  model: { id: string; name: string },
  alias: string,
  version: number | null,
): Promise<Announcement> {
  const kind = (await isPrompt(tx, model.id)) ? 'prompt_alias' : 'model_version_alias'
  const { name } = model
  if (version === null) return { event: `${kind}.deleted`, data: { name, alias } }
  return { event: `${kind}.created`, data: { name, alias, version: String(version) } }
}
