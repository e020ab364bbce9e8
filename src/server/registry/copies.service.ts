import { type Context, inTransaction } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, badRequest, conflict, notFound } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import { ownVersionFolder, shareFolder } from '../artifacts/sharing.service.ts'
import { recordEvent } from '../events/events.service.ts'
import { findProject, type Project, projectForSystem } from '../projects/projects.service.ts'
import { aboutToBeSwept } from '../recycling/references.service.ts'
import { versionCreated } from './announcements.ts'
import { onnxFormRow, putForm } from './forms.store.ts'
import { loadVersions, type ModelVersion } from './lookup.service.ts'
import { addModel, modelRow } from './models.service.ts'
import { tagsOfModels, takeVersionNumber } from './models.store.ts'
import { checkModelName, PROMPT_TAG } from './names.ts'
import { findModelVersion } from './versions.service.ts'
import { insertVersion, type NamedVersionRow, putVersionTag, versionById } from './versions.store.ts'

/** The version that is copied: of any project that the caller may read. */
export type CopySource = { project: string; model: string; version: number }

/**
 * Copies a version into a model of this project, which is made when there is none. The copy has its own files, by name: the
 * bytes are shared and stay for as long as one of the two does, whatever becomes of the other, its run or its project.
 * What only makes sense in the source's project (run, aliases, stage) stays there.
 * @throws AppError not_found (also for a project that the caller may not see), bad_request, conflict
 */
export async function copyVersion(
  ctx: Context,
  actor: Actor,
  project: Project,
  modelName: string,
  source: CopySource,
): Promise<ModelVersion> {
  checkModelName(modelName)
  const { from, found } = await findSource(ctx, actor, source)
  return inTransaction(ctx, async (tx) => {
    await refusePrompts(tx, found)
    await addModel(tx, actor, project, { name: modelName })
    const model = await modelRow(tx, project.id, modelName)
    const now = tx.now()
    const number = await takeVersionNumber(tx.db, model.id, now)
    if (number === undefined) throw notFound(`Registered Model with name=${modelName} not found`)
    const row = await versionById(tx.db, found.id)
    if (row === undefined || row.deleted_at_ms !== null)
      throw conflict(`${found.name}/${found.version} was deleted meanwhile.`, 'version')
    const id = newId(now)
    const place = await placeOf(tx, row, project, id)
    const isHere = from.id === project.id
    await insertVersion(tx.db, {
      ...place,
      id,
      model_id: model.id,
      project_id: project.id,
      version: number,
      run_id: isHere ? row.run_id : null,
      logged_model_id: isHere ? row.logged_model_id : null,
      run_link: row.run_link,
      description: row.description,
      stage: 'None',
      status: row.status,
      created_by: actor.name,
      created_at_ms: now,
      updated_at_ms: now,
      deleted_at_ms: null,
      mlmodel: row.mlmodel,
      copied_from: row.id,
    })
    for (const [key, value] of Object.entries(found.tags)) await putVersionTag(tx.db, id, key, value)
    await copyForm(tx, row.id, { id, projectId: project.id })
    // The ids say to those who may know of both projects which versions they are, and nothing to others.
    if (!isHere)
      await recordEvent(tx, actor, {
        projectId: from.id,
        verb: 'copied',
        kind: 'model_version',
        subject: `${found.name}/${found.version}`,
        detail: { copy: id, digest: place.content_digest },
      })
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'created',
      kind: 'model_version',
      subject: `${model.name}/${number}`,
      detail: { copied_from: row.id, digest: place.content_digest },
      announcement: versionCreated({ name: model.name, description: row.description }, number, {
        source: place.source,
        runId: null,
      }),
    })
    const [copy] = await loadVersions(tx, [(await versionById(tx.db, id)) as NamedVersionRow])
    return copy!
  })
}

async function findSource(
  ctx: Context,
  actor: Actor,
  { project, model, version }: CopySource,
): Promise<{ from: Project; found: ModelVersion }> {
  const [owner = '', name = '', ...more] = project.split('/')
  if (more.length > 0 || name === '') throw badRequest('It must be written as owner/project.', 'project')
  const from = await findProject(ctx, actor, owner, name)
  if (from === null) throw notFound('There is no such project to copy from, or you may not see it.')
  return { from, found: await findModelVersion(ctx, from.id, model, { version }) }
}

async function refusePrompts(ctx: Context, version: ModelVersion): Promise<void> {
  const tags = await tagsOfModels(ctx.db, [version.modelId])
  if (tags.some(({ key, value }) => key === PROMPT_TAG && value.toLowerCase() === 'true'))
    throw badRequest('Prompt versions cannot be copied: register the prompt in the other project.', 'model')
}

/** Where the copy's files are: in a folder of its own, or in the other store where the source's are. */
async function placeOf(tx: Context, source: NamedVersionRow, project: Project, id: string) {
  if (source.artifact_path === null) {
    const { source: uri, download_uri } = source
    return { source: uri, download_uri, artifact_path: null, content_digest: null }
  }
  const path = ownVersionFolder(id)
  const { digest } = await shareFolder(
    tx,
    { projectId: source.project_id, path: source.artifact_path },
    { projectId: project.id, path },
  )
  const uri = `mlflow-artifacts:/${path}`
  return { source: uri, download_uri: uri, artifact_path: path, content_digest: digest }
}

/** A form that is there, or never will be, goes along; one that is being made is not waited for. */
async function copyForm(tx: Context, sourceId: string, copy: { id: string; projectId: string }): Promise<void> {
  const form = await onnxFormRow(tx.db, sourceId)
  if (form === undefined || (form.state !== 'ready' && form.state !== 'refused')) return
  if (form.blob_sha256 !== null && (await aboutToBeSwept(tx, 'content', [form.blob_sha256]))) return
  const now = tx.now()
  const own = { id: newId(now), version_id: copy.id, project_id: copy.projectId, job_id: null }
  await putForm(tx.db, { ...form, ...own, created_at_ms: now, updated_at_ms: now })
}

/** Where a copy came from, as far as this actor may know; names are null of a project that they may not see. */
export type Origin = { project: string | null; model: string | null; version: number | null }

/** Null for a version that is no copy. */
export async function originOf(ctx: Context, actor: Actor, version: ModelVersion): Promise<Origin | null> {
  if (version.copiedFrom === null) return null
  const unknown = { project: null, model: null, version: null }
  const row = await versionById(ctx.db, version.copiedFrom)
  if (row === undefined) return unknown
  try {
    const { owner, name } = await projectForSystem(ctx, row.project_id)
    if ((await findProject(ctx, actor, owner, name)) === null) return unknown
    return { project: `${owner}/${name}`, model: row.name, version: row.version }
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return unknown
    throw error
  }
}
