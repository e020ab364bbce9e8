import { type Context, inTransaction } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, conflict, notFound } from '../../lib/errors.ts'
import { artifactPathOf } from '../artifacts/paths.ts'
import { recordEvent } from '../events/events.service.ts'
import { enqueueTask } from '../events/tasks.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { type BinRow, binRow } from './bin.store.ts'
import * as doomedStore from './doomed.store.ts'
import { deleteFolder, folderBytes } from './folders.store.ts'
import { type BinKind, WORDS } from './kinds.ts'
import * as store from './purge.store.ts'

/** Names of what needs a thing that a refusal lists at most. */
const NEEDS_SHOWN = 10
/** Runs that one transaction of an experiment's purge takes: some 40 ms, in which the server does nothing else on SQLite. */
const RUNS_A_STEP = 10
/** An experiment of more runs than this is emptied by a task, after the answer. */
const AT_ONCE_MAX = 200
/** Blobs that one task of a sweep takes. */
const BLOBS_A_TASK = 2_000

/** The thing in the bin with all that goes with it. @throws AppError not_found */
export async function inBin(
  ctx: Context,
  projectId: string,
  kind: BinKind,
  id: string,
): Promise<{ row: BinRow; doomed: doomedStore.Doomed }> {
  const row = await binRow(ctx.db, projectId, kind, id)
  const rowId = kind === 'experiment' && row !== undefined ? await store.experimentRowId(ctx.db, projectId, id) : id
  if (row === undefined || rowId === undefined) {
    const stone = await store.tombstoneOf(ctx.db, projectId, kind, id)
    if (stone === undefined)
      throw notFound(`There is no ${WORDS[kind]} "${id.slice(0, 100)}" in the recycle bin of this project.`)
    const day = new Date(stone.deleted_at_ms).toISOString().slice(0, 10)
    throw notFound(`The ${WORDS[kind]} "${stone.name}" was deleted for ever by ${stone.deleted_by} on ${day}.`)
  }
  return { row, doomed: doomedStore.doomedWith(projectId, kind, rowId) }
}

/** The folders of the artifact space that go with the set, each once. */
async function foldersOf(ctx: Context, doomed: doomedStore.Doomed): Promise<{ id: string; path: string }[]> {
  const owners = await doomedStore.artifactOwners(ctx.db, doomed)
  return owners.flatMap(({ id, artifact_uri }) => {
    const path = artifactPathOf(artifact_uri)
    // A folder that does not bear its name may hold other things too: it stays.
    if (path === null || !path.split('/').includes(id)) return []
    return [{ id, path: path.endsWith(`/${id}/artifacts`) ? path.slice(0, -'/artifacts'.length) : path }]
  })
}

/** Bytes that the store gets back when the thing is deleted for ever: what nothing else has. Joins the caller's transaction. */
export async function bytesOf(ctx: Context, doomed: doomedStore.Doomed): Promise<number> {
  let bytes = 0
  for (const content of await doomedStore.contentOf(ctx.db, doomed)) bytes += content.size_bytes
  const whole =
    doomed.kind === 'experiment' ? await store.ownFolder(ctx.db, doomed.projectId, Number(doomed.id)) : undefined
  const folders: { path: string }[] = whole === undefined ? await foldersOf(ctx, doomed) : [{ path: whole }]
  for (const path of await doomedStore.versionFolders(ctx.db, doomed)) folders.push({ path })
  for (const { path } of folders) bytes += await folderBytes(ctx.db, doomed.projectId, path)
  return bytes
}

/** What stands in the way of deleting it for ever: at most `NEEDS_SHOWN` things by name. */
export async function needsOf(ctx: Context, doomed: doomedStore.Doomed): Promise<doomedStore.Need[]> {
  return doomedStore.needsOf(ctx.db, doomed, NEEDS_SHOWN)
}

/**
 * Deletes a thing of the bin for ever, with what belongs to it: a run's params, metrics, tags, logged models and files, an
 * experiment's runs, a model's or dataset's versions. Its bytes are free when the sweep of the same transaction has run.
 * A tombstone stays: name, who, when.
 * @returns the bytes that go
 * @throws AppError not_found, conflict naming what needs it, forbidden for a job
 */
export async function deleteForEver(
  ctx: Context,
  actor: Actor,
  project: Project,
  kind: BinKind,
  id: string,
): Promise<{ bytes: number }> {
  if (actor.run !== null) throw new AppError('forbidden', 'The token of a job may not delete anything for ever.')
  const done = await inTransaction(ctx, async (tx) => {
    const { row, doomed } = await inBin(tx, project.id, kind, id)
    if (!(await store.holdRow(tx.db, doomed)) || (await binRow(tx.db, project.id, kind, id)) === undefined)
      throw notFound(`The ${WORDS[kind]} "${row.name}" is not in the recycle bin any more.`)
    const needs = await needsOf(tx, doomed)
    if (needs.length > 0) throw needed(kind, row, needs)
    const bytes = await bytesOf(tx, doomed)
    await erase(tx, actor, row, doomed)
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'purged',
      kind,
      subject: row.subject,
      detail: { name: row.name, bytes, ...(row.contents === 0 ? {} : { contents: row.contents }) },
    })
    return { bytes, doomed, contents: row.contents }
  })
  if (kind === 'experiment' && done.contents <= AT_ONCE_MAX)
    await purgeExperiment(ctx, { project_id: project.id, experiment_id: done.doomed.id })
  return { bytes: done.bytes }
}

function needed(kind: BinKind, row: BinRow, needs: readonly doomedStore.Need[]): AppError {
  const list = needs.map((need) => `${need.kind.replace('_', ' ')} ${need.name} ${need.why}`).join('; ')
  return conflict(`The ${WORDS[kind]} "${row.name}" cannot be deleted for ever: ${list}.`)
}

/** Writes the tombstones and removes rows, or empties them where the past still refers to them. */
async function erase(tx: Context, actor: Actor, row: BinRow, doomed: doomedStore.Doomed): Promise<void> {
  const { db } = tx
  const { kind, projectId } = doomed
  const stone = { project_id: projectId, deleted_by: actor.name, deleted_at_ms: tx.now(), artifact_path: null }
  const content = await doomedStore.contentOf(db, doomed)
  const versions = (await store.versionsOf(db, doomed)).filter((version) => version.id !== doomed.id)
  await store.insertTombstones(db, [
    ...versions.map(({ id, name, kind: of }) => ({ ...stone, kind: of, thing_id: id, name })),
    ...(kind === 'run' || kind === 'logged_model'
      ? []
      : [{ ...stone, kind, thing_id: String(doomed.id), name: row.name }]),
  ])
  if (kind === 'run') await eraseRuns(tx, actor.name, doomed)
  if (kind === 'logged_model') await eraseRuns(tx, actor.name, doomed)
  if (kind === 'experiment') {
    await store.freeExperimentName(db, Number(doomed.id))
    const payload = { project_id: projectId, experiment_id: doomed.id, deleted_by: actor.name }
    await enqueueTask(tx, { kind: 'recycling.purge-experiment', payload })
  }
  if (kind === 'model' || kind === 'model_version') await eraseVersions(tx, doomed)
  if (kind === 'model') await store.emptyModel(db, String(doomed.id))
  if (kind === 'dataset' || kind === 'dataset_version') await store.emptyDatasetVersions(db, doomed)
  if (kind === 'dataset') await store.emptyDataset(db, String(doomed.id))
  const hashes = content.map(({ sha256 }) => sha256)
  await sweepLater(tx, { project_id: projectId, kind: 'content' }, hashes)
}

/** Empties versions and removes the files that only they have. Call it inside a transaction. */
async function eraseVersions(tx: Context, doomed: doomedStore.Doomed): Promise<void> {
  const { projectId } = doomed
  const objects: string[] = []
  for (const path of await doomedStore.versionFolders(tx.db, doomed))
    objects.push(...(await deleteFolder(tx.db, projectId, path)))
  await store.emptyModelVersions(tx.db, doomed)
  await sweepLater(tx, { project_id: projectId, kind: 'objects' }, objects)
}

/** Removes runs and logged models with their files; a tombstone for each. Call it inside a transaction. */
async function eraseRuns(tx: Context, deletedBy: string, doomed: doomedStore.Doomed): Promise<void> {
  const { projectId } = doomed
  const folders = new Map((await foldersOf(tx, doomed)).map(({ id, path }) => [id, path]))
  const owners = await doomedStore.artifactOwners(tx.db, doomed)
  await store.insertTombstones(
    tx.db,
    owners.map(({ kind, id, name }) => ({
      kind,
      thing_id: id,
      project_id: projectId,
      name,
      deleted_by: deletedBy,
      deleted_at_ms: tx.now(),
      artifact_path: folders.get(id) ?? null,
    })),
  )
  const objects: string[] = []
  for (const path of folders.values()) objects.push(...(await deleteFolder(tx.db, projectId, path)))
  const ids = (kind: 'run' | 'logged_model') => owners.filter((owner) => owner.kind === kind).map(({ id }) => id)
  await store.deleteRuns(tx.db, ids('run'))
  await store.deleteLoggedModels(tx.db, ids('logged_model'))
  await sweepLater(tx, { project_id: projectId, kind: 'objects' }, objects)
}

async function sweepLater(
  tx: Context,
  what: { project_id: string; kind: 'content' | 'objects' },
  ids: readonly string[],
): Promise<void> {
  for (let i = 0; i < ids.length; i += BLOBS_A_TASK)
    await enqueueTask(tx, { kind: 'recycling.sweep', payload: { ...what, ids: ids.slice(i, i + BLOBS_A_TASK) } })
}

/**
 * Removes what is left of an experiment that was deleted for ever: its runs in steps, so that no transaction holds up the
 * others, then itself. A task; it may run again after a kill, and beside the request that asked for it.
 */
export async function purgeExperiment(ctx: Context, payload: Record<string, unknown>): Promise<void> {
  const projectId = String(payload.project_id)
  const experimentId = Number(payload.experiment_id)
  for (;;) {
    const more = await inTransaction(ctx, async (tx) => {
      const stone = await store.tombstoneOf(tx.db, projectId, 'experiment', String(experimentId))
      if (stone === undefined) throw new AppError('internal', `Experiment ${experimentId} was not deleted for ever.`)
      const runs = await store.someRuns(tx.db, experimentId, RUNS_A_STEP)
      const models = runs.length > 0 ? [] : await store.someLoggedModels(tx.db, experimentId, RUNS_A_STEP)
      for (const id of runs) await eraseRuns(tx, stone.deleted_by, doomedStore.doomedWith(projectId, 'run', id))
      for (const id of models)
        await eraseRuns(tx, stone.deleted_by, doomedStore.doomedWith(projectId, 'logged_model', id))
      if (runs.length + models.length > 0) return true
      const folder = await store.ownFolder(tx.db, projectId, experimentId)
      if (folder !== undefined) {
        const objects = await deleteFolder(tx.db, projectId, folder)
        await sweepLater(tx, { project_id: projectId, kind: 'objects' }, objects)
      }
      await store.deleteExperiment(tx.db, experimentId)
      return false
    })
    if (!more) return
  }
}
