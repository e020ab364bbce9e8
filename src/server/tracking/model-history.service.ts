import { type Context, inTransaction } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { badRequest } from '../../lib/errors.ts'
import type { Project } from '../projects/projects.service.ts'
import { LIMITS } from './limits.ts'
import { runTags, setTag } from './run-data.service.ts'

const HISTORY_TAG = 'mlflow.log-model.history'
const MANDATORY = ['artifact_path', 'flavors', 'utc_time_created', 'run_id'] as const

/**
 * MLflow 2 clients say so which model they saved below a run: the description is added to the list in the run's tag
 * `mlflow.log-model.history`. The oldest ones leave when the tag would be longer than a tag may be.
 * @throws AppError bad_request (no JSON object with the mandatory fields, deleted run), not_found, forbidden
 */
export async function recordLoggedModel(
  ctx: Context,
  actor: Actor,
  project: Project,
  runId: string,
  modelJson: string,
): Promise<void> {
  const model = objectOf(modelJson)
  await inTransaction(ctx, async (tx) => {
    const known = listOf((await runTags(tx, project.id, runId))[HISTORY_TAG])
    const entries = [...known, model]
    while (entries.length > 1 && JSON.stringify(entries).length > LIMITS.tagValue) entries.shift()
    await setTag(tx, actor, project, runId, { key: HISTORY_TAG, value: JSON.stringify(entries) })
  })
}

function objectOf(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw badRequest('Malformed model info: it is no JSON.', 'model_json')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest('Malformed model info: it is no JSON object.', 'model_json')
  }
  const given = value as Record<string, unknown>
  const missing = MANDATORY.filter((field) => !(field in given))
  if (missing.length > 0) {
    throw badRequest(`Model json is missing mandatory fields: ${missing.join(', ')}.`, 'model_json')
  }
  // As MLflow's own server keeps it: what tells which model it was, without its signature and requirements.
  const model = {
    run_id: given.run_id,
    artifact_path: given.artifact_path,
    utc_time_created: given.utc_time_created,
    model_uuid: given.model_uuid ?? null,
    flavors: withoutConfigs(given.flavors),
  }
  if (JSON.stringify([model]).length > LIMITS.tagValue) {
    throw badRequest(
      `The model's description is longer than a tag may be (${LIMITS.tagValue} characters).`,
      'model_json',
    )
  }
  return model
}

function withoutConfigs(flavors: unknown): unknown {
  if (typeof flavors !== 'object' || flavors === null) return flavors
  return Object.fromEntries(
    Object.entries(flavors).map(([flavor, given]: [string, unknown]) => {
      if (typeof given !== 'object' || given === null || Array.isArray(given)) return [flavor, given]
      const { config: _config, ...rest } = given as Record<string, unknown>
      return [flavor, rest]
    }),
  )
}

function listOf(text: string | undefined): unknown[] {
  try {
    const list: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(list) ? list : []
  } catch {
    return []
  }
}
