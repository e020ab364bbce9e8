import { type Context, inTransaction } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import * as store from './import.store.ts'
import { insertModel, modelByName, putAlias, putModelTag } from './models.store.ts'
import { checkNewAlias, checkTag, type Stage } from './names.ts'
import { type ResolvedSource, resolveSource } from './sources.service.ts'
import { insertVersion, putVersionTag, versionByAlias, versionById } from './versions.store.ts'

type Pair = { key: string; value: string }

export type ImportedModel = {
  name: string
  description: string
  createdAtMs: number
  updatedAtMs: number
  tags: readonly Pair[]
}

/**
 * Puts a registered model into a project; one of this name that is there already takes the versions in. `modelId`: what an
 * earlier import made of it. `done` joins the transaction.
 */
export async function importModel(
  ctx: Context,
  actor: Actor,
  project: Project,
  input: ImportedModel,
  modelId: string | null,
  done: (tx: Context, placed: { id: string; merged: boolean }) => Promise<void>,
): Promise<{ id: string; merged: boolean }> {
  return inTransaction(ctx, async (tx) => {
    const earlier = modelId === null ? undefined : await store.modelById(tx.db, project.id, modelId)
    const found = earlier ?? (await modelByName(tx.db, project.id, input.name))
    const id = found?.id ?? newId(tx.now())
    if (found === undefined) {
      await insertModel(tx.db, {
        id,
        project_id: project.id,
        name: input.name,
        description: input.description,
        created_at_ms: input.createdAtMs,
        updated_at_ms: input.updatedAtMs,
        deleted_at_ms: null,
        last_version: 0,
      })
      await recordEvent(tx, actor, { projectId: project.id, verb: 'imported', kind: 'model', subject: input.name })
    } else if (earlier !== undefined) await store.updateModel(tx.db, id, { description: input.description })
    for (const tag of validTags(input.tags)) await putModelTag(tx.db, id, tag.key, tag.value)
    const placed = { id, merged: found !== undefined && earlier === undefined }
    await done(tx, placed)
    return placed
  })
}

function validTags(tags: readonly Pair[]): Pair[] {
  return tags.filter(({ key, value }) => {
    try {
      checkTag(key, value)
      return true
    } catch {
      return false
    }
  })
}

export type ImportedVersion = {
  version: number
  source: string
  runId: string | null
  loggedModelId: string | null
  runLink: string
  description: string
  stage: Stage
  status: 'READY' | 'PENDING_REGISTRATION' | 'FAILED_REGISTRATION'
  userName: string
  createdAtMs: number
  updatedAtMs: number
  tags: readonly Pair[]
  isPrompt: boolean
}
/** `problem`: why this server cannot read the version's files; its source is kept as it was then. */
export type PlacedVersion = { id: string; version: number; problem: string | null }

/**
 * Puts a version into a model. Its number is kept when the model never had a version of it, else it gets the next one.
 * `versionId`: what an earlier import made of it. `done` joins the transaction.
 */
export async function importVersion(
  ctx: Context,
  actor: Actor,
  project: Project,
  model: { id: string; name: string },
  input: ImportedVersion,
  versionId: string | null,
  done: (tx: Context, placed: PlacedVersion) => Promise<void>,
): Promise<PlacedVersion> {
  const { resolved, problem } = await placeOf(ctx, project, input)
  return inTransaction(ctx, async (tx) => {
    const kept = await store.modelById(tx.db, project.id, model.id)
    if (kept === undefined) throw new AppError('not_found', `The model ${model.name} was deleted meanwhile.`)
    const earlier = versionId === null ? undefined : await versionById(tx.db, versionId)
    const id = earlier?.id ?? newId(tx.now())
    const values = {
      source: resolved.source,
      run_id: resolved.runId,
      logged_model_id: resolved.loggedModelId,
      run_link: input.runLink,
      description: input.description,
      stage: input.stage,
      status: input.status,
      updated_at_ms: input.updatedAtMs,
      download_uri: resolved.downloadUri,
      artifact_path: resolved.artifactPath,
    }
    let version = earlier?.version ?? input.version
    if (earlier === undefined) {
      if ((await store.versionOfNumber(tx.db, model.id, version)) !== undefined) version = kept.last_version + 1
      await insertVersion(tx.db, {
        ...values,
        id,
        model_id: model.id,
        project_id: project.id,
        version,
        created_by: input.userName,
        created_at_ms: input.createdAtMs,
        deleted_at_ms: null,
        mlmodel: null,
      })
      await recordEvent(tx, actor, {
        projectId: project.id,
        verb: 'imported',
        kind: 'model_version',
        subject: `${model.name}/${version}`,
        detail: { source: input.source },
      })
    } else await store.updateVersion(tx.db, id, values)
    await store.updateModel(tx.db, model.id, { last_version: Math.max(kept.last_version, version) })
    for (const tag of validTags(input.tags)) await putVersionTag(tx.db, id, tag.key, tag.value)
    const placed = { id, version, problem }
    await done(tx, placed)
    return placed
  })
}

async function placeOf(
  ctx: Context,
  project: Project,
  input: ImportedVersion,
): Promise<{ resolved: ResolvedSource; problem: string | null }> {
  const { source, runId, loggedModelId, isPrompt } = input
  let problem = ''
  // A version may name one run and lie in another; what it is made of is what its source says.
  for (const named of [
    { runId, loggedModelId },
    { runId: null, loggedModelId: null },
  ]) {
    try {
      const found = await resolveSource(ctx, project.id, { source, ...named, isPrompt, infer: true })
      const lineage = { runId: runId ?? found.runId, loggedModelId: loggedModelId ?? found.loggedModelId }
      return { resolved: { ...found, ...lineage, source }, problem: null }
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      problem ||= error.message
    }
  }
  return { resolved: { source, runId, loggedModelId, artifactPath: null, downloadUri: source }, problem }
}

/**
 * Points the aliases at their versions, which an alias that stands for another version here does not follow, and gives the
 * model its time of change. Returns the aliases that were left alone.
 */
export async function finishImportedModel(
  ctx: Context,
  project: Project,
  modelId: string,
  last: {
    aliases: readonly { alias: string; versionId: string }[]
    /** The versions that came with this import: an alias may move from one of them to another. */
    versionIds: ReadonlySet<string>
    updatedAtMs: number
    lastVersion: number
    userName: string
  },
): Promise<string[]> {
  return inTransaction(ctx, async (tx) => {
    const left: string[] = []
    for (const { alias, versionId } of last.aliases) {
      const other = await versionByAlias(tx.db, modelId, alias)
      if (!isAlias(alias) || (other !== undefined && !last.versionIds.has(other.id))) left.push(alias)
      else if (other?.id !== versionId) {
        const row = { model_id: modelId, alias, version_id: versionId, updated_at_ms: last.updatedAtMs }
        await putAlias(tx.db, { ...row, updated_by: last.userName })
      }
    }
    const model = await store.modelById(tx.db, project.id, modelId)
    if (model === undefined) return left
    await store.updateModel(tx.db, modelId, {
      updated_at_ms: last.updatedAtMs,
      last_version: Math.max(model.last_version, last.lastVersion),
    })
    return left
  })
}

function isAlias(alias: string): boolean {
  try {
    checkNewAlias(alias)
    return true
  } catch {
    return false
  }
}
