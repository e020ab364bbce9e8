import { type Context, inTransaction } from '../../context.ts'
import { type Actor, SYSTEM } from '../../lib/actor.ts'
import { AppError, badRequest, notFound } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { setLoggedModelTags } from '../tracking/logged-models.service.ts'
import { versionCreated } from './announcements.ts'
import { planConversion, queueConversion } from './conversion.service.ts'
import { holdFiles } from './held-files.service.ts'
import { loadVersions, type ModelVersion, readMlModel, withMlModel } from './lookup.service.ts'
import { addModel, modelRow, PROMPT_TAG } from './models.service.ts'
import { takeVersionNumber } from './models.store.ts'
import { checkAlias, checkModelName, checkTag, checkText, versionNumber } from './names.ts'
import { resolveSource } from './sources.service.ts'
import * as store from './versions.store.ts'

export type { ModelVersion } from './lookup.service.ts'

export type NewModelVersion = {
  name: string
  source: string
  runId?: string | null
  loggedModelId?: string | null
  description?: string
  /** Make the registered model when there is none of this name. */
  createModel?: boolean
  tags?: { key: string; value: string }[]
  runLink?: string
  /** Find the run or logged model in `source` when none is named; default true. MLflow's door passes false. */
  inferLineage?: boolean
}

/**
 * Registers a version. Its number is one more than any this model ever had; two at once get two numbers. The MLmodel
 * file is read when the source lies in this project, and a model that can become ONNX is queued for it in the same
 * transaction. Reads files, so it must not be called inside a transaction.
 * @throws AppError not_found (model), bad_request naming `source`, `name` or a tag
 */
export async function createModelVersion(
  ctx: Context,
  actor: Actor,
  project: Project,
  input: NewModelVersion,
): Promise<ModelVersion> {
  checkModelName(input.name)
  for (const tag of input.tags ?? []) checkTag(tag.key, tag.value)
  checkText(input.description ?? '', 'description')
  const tags = new Map((input.tags ?? []).map((tag) => [tag.key, tag.value]))
  if (input.createModel !== true) await modelRow(ctx, project.id, input.name)
  const resolved = await resolveSource(ctx, project.id, {
    source: input.source,
    runId: input.runId || null,
    loggedModelId: input.loggedModelId || null,
    isPrompt: tags.get(PROMPT_TAG)?.toLowerCase() === 'true',
    infer: input.inferLineage ?? true,
  })
  const mlmodel = await readMlModel(ctx, project.id, resolved.artifactPath)
  const plan = await planConversion(ctx, project.id, {
    mlmodel,
    artifactPath: resolved.artifactPath,
    runId: resolved.runId,
  })
  return inTransaction(ctx, async (tx) => {
    if (input.createModel === true) await addModel(tx, actor, project, { name: input.name })
    const model = await modelRow(tx, project.id, input.name)
    const now = tx.now()
    const number = await takeVersionNumber(tx.db, model.id, now)
    if (number === undefined) throw notFound(`Registered Model with name=${input.name} not found`)
    const id = newId(now)
    const own = resolved.artifactPath === null ? null : await holdFiles(tx, project.id, resolved.artifactPath, id)
    await store.insertVersion(tx.db, {
      id,
      model_id: model.id,
      project_id: project.id,
      version: number,
      source: resolved.source,
      run_id: resolved.runId,
      logged_model_id: resolved.loggedModelId,
      run_link: checkText(input.runLink ?? '', 'run_link'),
      description: input.description ?? '',
      stage: 'None',
      status: 'READY',
      created_by: actor.name,
      created_at_ms: now,
      updated_at_ms: now,
      deleted_at_ms: null,
      download_uri: resolved.downloadUri,
      artifact_path: own?.path ?? resolved.artifactPath,
      content_digest: own?.digest ?? null,
      mlmodel: mlmodel === null ? null : JSON.stringify(mlmodel),
    })
    for (const [key, value] of tags) await store.putVersionTag(tx.db, id, key, value)
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'created',
      kind: 'model_version',
      subject: `${model.name}/${number}`,
      detail: { run_id: resolved.runId, source: resolved.source },
      announcement: versionCreated(input, number, resolved),
    })
    const version = await versionOfModel(tx, model.id, number)
    if (resolved.loggedModelId !== null) await noteOnLoggedModel(tx, project, resolved.loggedModelId)
    if (plan !== null) await queueConversion(tx, actor, project, version, plan)
    return version
  })
}

/** Well below what a tag of a logged model may hold. */
const NOTE_MAX = 6_000

/** MLflow's clients read from the logged model's tag which versions were made of it: the newest that fit. */
async function noteOnLoggedModel(tx: Context, project: Project, loggedModelId: string): Promise<void> {
  const made = (await store.versionsOfLoggedModels(tx.db, project.id, [loggedModelId])).map((row) =>
    JSON.stringify({ name: row.name, version: String(row.version) }),
  )
  while (made.join().length > NOTE_MAX) made.shift()
  try {
    await setLoggedModelTags(tx, SYSTEM, project, loggedModelId, [
      { key: 'mlflow.modelVersions', value: `[${made.join()}]` },
    ])
  } catch (error) {
    // A version can be made of another version whose logged model was deleted since.
    if (!(error instanceof AppError && error.code === 'not_found')) throw error
  }
}

async function versionOfModel(ctx: Context, modelId: string, number: number): Promise<ModelVersion> {
  const row = await store.versionByNumber(ctx.db, modelId, number)
  if (row === undefined) throw notFound(`Model Version with version=${number} not found`)
  const [version] = await loadVersions(ctx, [row])
  return version!
}

/**
 * One version, by number or by alias (`latest`: the newest).
 * @throws AppError not_found naming what is missing; bad_request for a malformed alias
 */
export async function findModelVersion(
  ctx: Context,
  projectId: string,
  name: string,
  which: { version?: number | string; alias?: string },
): Promise<ModelVersion> {
  const model = await modelRow(ctx, projectId, checkModelName(name))
  let row: store.NamedVersionRow | undefined
  let what = ''
  if (which.alias !== undefined) {
    const alias = checkAlias(which.alias)
    what = `alias=${alias}`
    if (alias.toLowerCase() === 'latest') row = (await store.latestPerStage(ctx.db, [model.id])).at(-1)
    else row = await store.versionByAlias(ctx.db, model.id, alias)
  } else {
    const number = versionNumber(which.version ?? Number.NaN)
    what = `version=${number}`
    row = await store.versionByNumber(ctx.db, model.id, number)
  }
  if (row === undefined) throw notFound(`Model Version (name=${name}, ${what}) not found`)
  const [version] = await loadVersions(ctx, [row])
  return withMlModel(ctx, version!)
}

/**
 * A version by its identity, also a deleted one (`deletedAtMs` is set then): lineage outlives deletion. The caller has
 * the id from a row of its own project.
 * @throws AppError not_found
 */
export async function modelVersionById(ctx: Context, id: string): Promise<ModelVersion> {
  const row = await store.versionById(ctx.db, id)
  if (row === undefined) throw notFound('There is no such model version.')
  const [version] = await loadVersions(ctx, [row])
  return withMlModel(ctx, version!)
}

/** Versions of one model, newest first. @throws AppError not_found */
export async function versionsOfModel(ctx: Context, projectId: string, name: string): Promise<ModelVersion[]> {
  const model = await modelRow(ctx, projectId, checkModelName(name))
  return loadVersions(ctx, await store.versionsOfModels(ctx.db, [model.id]))
}

/** Versions that were made from a run, oldest first. */
export async function versionsOfRun(ctx: Context, projectId: string, runId: string): Promise<ModelVersion[]> {
  return loadVersions(ctx, await store.versionsOfRun(ctx.db, projectId, runId))
}

/** Versions that were made from these logged models, oldest first. At most some thousand ids. */
export async function versionsOfLoggedModels(
  ctx: Context,
  projectId: string,
  ids: readonly string[],
): Promise<ModelVersion[]> {
  return loadVersions(ctx, await store.versionsOfLoggedModels(ctx.db, projectId, ids))
}

/** The newest version in each stage (of `stages`, when given), by number. @throws AppError not_found */
export async function latestVersions(
  ctx: Context,
  projectId: string,
  name: string,
  stages: readonly string[] = [],
): Promise<ModelVersion[]> {
  const model = await modelRow(ctx, projectId, checkModelName(name))
  const rows = await store.latestPerStage(ctx.db, [model.id])
  return loadVersions(ctx, stages.length === 0 ? rows : rows.filter((row) => stages.includes(row.stage)))
}

/** The newest version in each stage of several models, by model id. */
export async function latestVersionsOf(
  ctx: Context,
  modelIds: readonly string[],
): Promise<Map<string, ModelVersion[]>> {
  return Map.groupBy(
    await loadVersions(ctx, await store.latestPerStage(ctx.db, modelIds)),
    (version) => version.modelId,
  )
}

/** The folder of a version's files. @throws AppError bad_request when they lie in another store */
export function artifactFolderOf(version: ModelVersion): string {
  if (version.artifactPath === null) {
    throw badRequest(
      `The files of ${version.name}/${version.version} are not in this server but at ${version.source.slice(0, 200)}.`,
      'version',
    )
  }
  return version.artifactPath
}
