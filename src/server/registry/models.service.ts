import { type Context, inTransaction } from '../../context.ts'
import { isUniqueViolation } from '../../db/dialect.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, conflict, notFound } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { modelCreated, modelTagChanged } from './announcements.ts'
import * as store from './models.store.ts'
import { checkModelName, checkTag, checkTagKey, checkText, PROMPT_TAG } from './names.ts'
import { deleteVersionsOf, touchVersions } from './versions.store.ts'

export type RegisteredModel = {
  id: string
  projectId: string
  name: string
  description: string
  createdAtMs: number
  updatedAtMs: number
  tags: Record<string, string>
  aliases: { alias: string; version: number }[]
  versionCount: number
  /** Number of the newest version that was not deleted; null without any. */
  latestVersion: number | null
}

export type NewModel = { name: string; description?: string; tags?: { key: string; value: string }[] }

/** The models of these rows with their tags, aliases and counts, in the rows' order. For this room's services. */
export async function modelsFromRows(ctx: Context, rows: readonly store.ModelRow[]): Promise<RegisteredModel[]> {
  const ids = rows.map((row) => row.id)
  const tags = Map.groupBy(await store.tagsOfModels(ctx.db, ids), (tag) => tag.model_id)
  const aliases = Map.groupBy(await store.aliasesOfModels(ctx.db, ids), (alias) => alias.model_id)
  const counts = new Map((await store.countVersions(ctx.db, ids)).map((row) => [row.model_id, row]))
  return rows.map((row) => ({
    id: row.id,
    projectId: row.project_id,
    name: row.name,
    description: row.description,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    tags: Object.fromEntries((tags.get(row.id) ?? []).map((tag) => [tag.key, tag.value])),
    aliases: (aliases.get(row.id) ?? []).map(({ alias, version }) => ({ alias, version })),
    versionCount: counts.get(row.id)?.count ?? 0,
    latestVersion: counts.get(row.id)?.newest ?? null,
  }))
}

/** The row of an active model. For this room's services. @throws AppError not_found naming it */
export async function modelRow(ctx: Context, projectId: string, name: string): Promise<store.ModelRow> {
  const row = await store.modelByName(ctx.db, projectId, name)
  if (row === undefined) throw notFound(`Registered Model with name=${name.slice(0, 200)} not found`)
  return row
}

async function modelOfRow(ctx: Context, row: store.ModelRow): Promise<RegisteredModel> {
  const [model] = await modelsFromRows(ctx, [row])
  return model!
}

/** @throws AppError not_found */
export async function getModel(ctx: Context, projectId: string, name: string): Promise<RegisteredModel> {
  return modelOfRow(ctx, await modelRow(ctx, projectId, checkModelName(name)))
}

/** All active models of a project by name, prompts left out (they are registered models only in MLflow's eyes). */
export async function listModels(ctx: Context, projectId: string): Promise<RegisteredModel[]> {
  const models = await modelsFromRows(ctx, await store.modelsOf(ctx.db, projectId))
  return models.filter((model) => model.tags[PROMPT_TAG]?.toLowerCase() !== 'true')
}

export { PROMPT_TAG } from './names.ts'

/** @throws AppError bad_request, conflict when an active model has this name */
export async function createModel(
  ctx: Context,
  actor: Actor,
  project: Project,
  input: NewModel,
): Promise<RegisteredModel> {
  checkModelName(input.name)
  return inTransaction(ctx, async (tx) => {
    const row = await addModel(tx, actor, project, input)
    if (row === null) throw conflict(`Registered Model (name=${input.name}) already exists.`, 'name')
    return modelOfRow(tx, row)
  })
}

/** Adds a model in the caller's transaction; null when there is one of this name. For this room's services. */
export async function addModel(
  tx: Context,
  actor: Actor,
  project: Project,
  input: NewModel,
): Promise<store.ModelRow | null> {
  const now = tx.now()
  const row: store.ModelRow = {
    id: newId(now),
    project_id: project.id,
    name: checkModelName(input.name),
    description: checkText(input.description ?? '', 'description'),
    created_at_ms: now,
    updated_at_ms: now,
    deleted_at_ms: null,
    last_version: 0,
  }
  for (const tag of input.tags ?? []) checkTag(tag.key, tag.value)
  if (!(await store.insertModel(tx.db, row))) return null
  for (const tag of input.tags ?? []) await store.putModelTag(tx.db, row.id, tag.key, tag.value)
  await recordEvent(tx, actor, {
    projectId: project.id,
    verb: 'created',
    kind: 'model',
    subject: row.name,
    announcement: modelCreated(row.name, input.tags ?? [], row.description),
  })
  return row
}

/** Changes the description. @throws AppError not_found, bad_request */
export async function describeModel(
  ctx: Context,
  actor: Actor,
  project: Project,
  name: string,
  description: string,
): Promise<RegisteredModel> {
  checkText(description, 'description')
  return inTransaction(ctx, async (tx) => {
    const row = await modelRow(tx, project.id, checkModelName(name))
    await store.updateModel(tx.db, row.id, { description, updated_at_ms: tx.now() })
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'updated',
      kind: 'model',
      subject: name,
      detail: { changed: 'description' },
    })
    return modelOfRow(tx, await modelRow(tx, project.id, name))
  })
}

/**
 * Gives a model another name; versions, tags and aliases stay with it.
 * @throws AppError not_found, bad_request, conflict when the name is taken, forbidden for a job
 */
export async function renameModel(
  ctx: Context,
  actor: Actor,
  project: Project,
  name: string,
  newName: string,
): Promise<RegisteredModel> {
  checkModelName(newName, 'new_name')
  refuseJob(actor, 'rename a registered model')
  try {
    return await inTransaction(ctx, async (tx) => {
      const row = await modelRow(tx, project.id, name)
      await store.updateModel(tx.db, row.id, { name: newName, updated_at_ms: tx.now() })
      await touchVersions(tx.db, row.id, tx.now())
      await recordEvent(tx, actor, {
        projectId: project.id,
        verb: 'renamed',
        kind: 'model',
        subject: newName,
        detail: { from: name },
      })
      return modelOfRow(tx, await modelRow(tx, project.id, newName))
    })
  } catch (error) {
    if (isUniqueViolation(error)) throw conflict(`Registered Model (name=${newName}) already exists.`, 'new_name')
    throw error
  }
}

/**
 * Deletes a model with its versions and aliases. Nobody finds it by name any more and the name is free; the rows stay,
 * so that what a prediction or a decision refers to can still be told.
 * @throws AppError not_found, forbidden for a job
 */
export async function deleteModel(ctx: Context, actor: Actor, project: Project, name: string): Promise<void> {
  refuseJob(actor, 'delete a registered model')
  await inTransaction(ctx, async (tx) => {
    const row = await modelRow(tx, project.id, checkModelName(name))
    // One moment for all: versions that were deleted before are told from those that go with the model by it.
    const now = tx.now()
    await store.updateModel(tx.db, row.id, { deleted_at_ms: now, updated_at_ms: now })
    await store.deleteAliasesOfModel(tx.db, row.id)
    await deleteVersionsOf(tx.db, row.id, now)
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'deleted',
      kind: 'model',
      subject: name,
      detail: { versions_made: row.last_version },
    })
  })
}

/** @throws AppError not_found, bad_request */
export async function setModelTag(
  ctx: Context,
  actor: Actor,
  project: Project,
  name: string,
  key: string,
  value: string,
): Promise<void> {
  checkTag(key, value)
  await inTransaction(ctx, async (tx) => {
    const row = await modelRow(tx, project.id, name)
    await store.putModelTag(tx.db, row.id, key, value)
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'updated',
      kind: 'model',
      subject: name,
      detail: { tag: key },
      announcement: await modelTagChanged(tx, row, key, value),
    })
  })
}

/** Removes a tag; one that is not there is fine. @throws AppError not_found for the model */
export async function removeModelTag(
  ctx: Context,
  actor: Actor,
  project: Project,
  name: string,
  key: string,
): Promise<void> {
  checkTagKey(key)
  await inTransaction(ctx, async (tx) => {
    const row = await modelRow(tx, project.id, name)
    await store.deleteModelTag(tx.db, row.id, key)
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'updated',
      kind: 'model',
      subject: name,
      detail: { tag_removed: key },
      announcement: await modelTagChanged(tx, row, key, null),
    })
  })
}

/** A running job may add models and versions, and touch nothing that is not its own. */
function refuseJob(actor: Actor, what: string): void {
  if (actor.run !== null) throw new AppError('forbidden', `The token of a job may not ${what}.`)
}
