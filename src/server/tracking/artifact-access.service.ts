import type { Readable } from 'node:stream'
import type { UploadedPart } from '../../blobs/store.ts'
import type { Context } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, badRequest } from '../../lib/errors.ts'
import { pathSegments } from '../../lib/relative-path.ts'
import { artifactPathOf, putArtifact, removeArtifacts } from '../artifacts/artifacts.service.ts'
import { isVersionFile } from '../artifacts/sharing.service.ts'
import { completeUpload } from '../artifacts/uploads.service.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { ownsTraceFolder } from '../traces/traces.service.ts'
import { assertModelWritable, getLoggedModel } from './logged-models.service.ts'
import { assertRunTakesWrites, getRun } from './runs.service.ts'

const RUN_ID = /^[0-9a-f]{32}$/
const MODEL_ID = /^m-[0-9a-f]{32}$/

type Owner = { kind: 'run' | 'model' | 'trace'; id: string; root: string }
/** How events name them. */
const OWNERS = { run: 'run', model: 'logged_model', trace: 'trace' } as const

/** The run, logged model or trace whose artifact folder a path lies in or is, by the shape of the path. */
function ownerByShape(path: string): Owner | null {
  const segments = pathSegments(path)
  for (let i = 0; i + 1 < segments.length; i++) {
    const id = segments[i] ?? ''
    if (segments[i + 1] !== 'artifacts') continue
    const root = segments.slice(0, i + 2).join('/')
    if (RUN_ID.test(id)) return { kind: 'run', id, root }
    if (MODEL_ID.test(id) && segments[i - 1] === 'models') return { kind: 'model', id, root }
    if (segments[i - 1] === 'traces') return { kind: 'trace', id, root }
  }
  return null
}

/**
 * Whether this actor may write or delete below `path` of the project's artifact space. What lies in a run's or model's
 * folder follows the run (not deleted; a job's token: its own); a job's token writes nothing that has no owner.
 * @throws AppError bad_request (path, deleted run), not_found (deleted model), forbidden
 */
export async function assertArtifactWritable(
  ctx: Context,
  actor: Actor,
  project: Project,
  path: string,
): Promise<void> {
  await writableOwner(ctx, actor, project, path)
}

async function writableOwner(ctx: Context, actor: Actor, project: Project, path: string): Promise<Owner | null> {
  if (isVersionFile(pathSegments(path).join('/')))
    throw badRequest('These are files of a registered model version, which nobody changes.', 'path')
  const owner = ownerByShape(path)
  if (owner !== null && (await ownsRoot(ctx, actor, project, owner))) return owner
  if (actor.run !== null)
    throw new AppError('forbidden', `This token belongs to run ${actor.run.runId} and may write to its own files only.`)
  return null
}

async function ownsRoot(ctx: Context, actor: Actor, project: Project, owner: Owner): Promise<boolean> {
  try {
    if (owner.kind === 'run') {
      if (artifactPathOf((await getRun(ctx, project.id, owner.id)).artifactUri) !== owner.root) return false
      await assertRunTakesWrites(ctx, actor, project.id, owner.id)
      return true
    }
    if (owner.kind === 'trace') return await ownsTraceFolder(ctx, actor, project, owner)
    const model = await getLoggedModel(ctx, project.id, owner.id, { allowDeleted: true })
    if (artifactPathOf(model.artifactUri) !== owner.root) return false
    if (model.lifecycle === 'deleted') throw badRequest(`The logged model ${model.id} is deleted.`, 'path')
    await assertModelWritable(ctx, actor, model)
    return true
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return false // such a name, but nothing of ours
    throw error
  }
}

/** The event of a change to files: it belongs to the run or model that they are of. */
async function recordArtifactEvent(
  tx: Context,
  actor: Actor,
  project: Project,
  owner: Owner | null,
  detail: Record<string, unknown>,
): Promise<void> {
  if (owner === null)
    return recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'updated',
      kind: 'project',
      subject: project.name,
      detail,
    })
  const kind = OWNERS[owner.kind]
  return recordEvent(tx, actor, { projectId: project.id, verb: 'updated', kind, subject: owner.id, detail })
}

/**
 * Writes a file where this actor may.
 * @throws AppError as `assertArtifactWritable` and `putArtifact`
 */
export async function uploadArtifact(
  ctx: Context,
  actor: Actor,
  project: Project,
  path: string,
  source: Readable,
  sizeBytes?: number,
): Promise<void> {
  const owner = await writableOwner(ctx, actor, project, path)
  await putArtifact(ctx, project, path, source, {
    sizeBytes,
    along: (tx) => recordArtifactEvent(tx, actor, project, owner, { artifact: path }),
  })
}

/** Ends an upload in parts: as `uploadArtifact`, with the bytes that are there already. */
export async function completeArtifactUpload(
  ctx: Context,
  actor: Actor,
  project: Project,
  path: string,
  upload: { id: string; parts: UploadedPart[] },
): Promise<void> {
  const owner = await writableOwner(ctx, actor, project, path)
  await completeUpload(ctx, project, path, upload.id, upload.parts, (tx) =>
    recordArtifactEvent(tx, actor, project, owner, { artifact: path }),
  )
}

/**
 * Removes a file or folder of a run or logged model. Folders above them hold many runs' files and stay.
 * @throws AppError bad_request (path, deleted run, no run's file), forbidden
 */
export async function deleteArtifacts(ctx: Context, actor: Actor, project: Project, path: string): Promise<void> {
  const owner = await writableOwner(ctx, actor, project, path)
  if (owner === null) throw badRequest('Only files of a run or of a logged model can be deleted.', 'path')
  await removeArtifacts(ctx, project.id, path, (tx) =>
    recordArtifactEvent(tx, actor, project, owner, { deleted_artifacts: path }),
  )
}
