import { type Context, inTransaction } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, conflict, notFound } from '../../lib/errors.ts'
import { checkName } from '../../lib/slug.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import * as store from './datasets.store.ts'
import { type DatasetVersion, findVersion, makeDataset, toVersion } from './versions.service.ts'

/** A named series of versions. */
export type Dataset = {
  id: string
  name: string
  description: string
  licence: string
  createdAtMs: number
  createdBy: string
  versionCount: number
  latest: DatasetVersion | null
}

/** The project's datasets by name, each with its latest version. */
export async function listDatasets(ctx: Context, projectId: string): Promise<Dataset[]> {
  const [rows, latest, counts] = [
    await store.listDatasets(ctx.db, projectId),
    await store.latestVersions(ctx.db, projectId),
    await store.versionCounts(ctx.db, projectId),
  ]
  const newest = new Map(latest.map((row) => [row.dataset_id, toVersion(row)]))
  return rows.map((row) => toDataset(row, counts.get(row.id) ?? 0, newest.get(row.id) ?? null))
}

/** One dataset with its versions, newest first. @throws AppError not_found */
export async function getDataset(
  ctx: Context,
  projectId: string,
  name: string,
): Promise<Dataset & { versions: DatasetVersion[] }> {
  const row = await store.datasetByName(ctx.db, projectId, name)
  if (row === undefined) throw notFound(`There is no dataset "${name.slice(0, 100)}" in this project.`)
  const versions = (await store.versionsOfDataset(ctx.db, row.id)).map(toVersion)
  return { ...toDataset(row, versions.length, versions[0] ?? null), versions }
}

/** Makes a dataset without versions. @throws AppError bad_request, conflict */
export async function createDataset(
  ctx: Context,
  actor: Actor,
  project: Project,
  input: { name: string; description?: string; licence?: string },
): Promise<Dataset> {
  const name = checkName(input.name, 'name')
  return inTransaction(ctx, async (tx) => {
    if (!(await makeDataset(tx, actor, project, { ...input, name })))
      throw conflict(`The dataset "${name}" exists already.`, 'name')
    return getDataset(tx, project.id, name)
  })
}

/**
 * Puts a dataset into the recycle bin with its versions; its name is free. Nothing of it is lost: runs still know which
 * version they used, and it can be restored.
 * @throws AppError not_found, forbidden for a job
 */
export async function deleteDataset(ctx: Context, actor: Actor, project: Project, name: string): Promise<void> {
  refuseJob(actor)
  await inTransaction(ctx, async (tx) => {
    const row = await store.datasetByName(tx.db, project.id, name)
    if (row === undefined) throw notFound(`There is no dataset "${name.slice(0, 100)}" in this project.`)
    await store.updateDataset(tx.db, row.id, { deleted_at_ms: tx.now() })
    await recordEvent(tx, actor, { projectId: project.id, verb: 'deleted', kind: 'dataset', subject: name })
  })
}

/** Puts one version into the recycle bin; its number is never given again. @throws AppError not_found, forbidden for a job */
export async function deleteDatasetVersion(
  ctx: Context,
  actor: Actor,
  project: Project,
  name: string,
  version: string,
): Promise<void> {
  refuseJob(actor)
  await inTransaction(ctx, async (tx) => {
    const found = await findVersion(tx, project.id, `${name}@${version}`)
    if (!(await store.markVersionDeleted(tx.db, found.id, tx.now())))
      throw notFound(`There is no dataset version "${name}@${version}" in this project.`)
    const subject = `${name}/${found.version}`
    await recordEvent(tx, actor, { projectId: project.id, verb: 'deleted', kind: 'dataset_version', subject })
  })
}

function refuseJob(actor: Actor): void {
  if (actor.run !== null) throw new AppError('forbidden', 'The token of a job may not delete data.')
}

/** The versions of this project that were made from this one. */
export async function madeFrom(ctx: Context, version: DatasetVersion): Promise<{ dataset: string; version: number }[]> {
  return store.childVersions(ctx.db, version.projectId, version.id)
}

function toDataset(row: store.DatasetRow, versionCount: number, latest: DatasetVersion | null): Dataset {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    licence: row.licence,
    createdAtMs: row.created_at_ms,
    createdBy: row.created_by,
    versionCount,
    latest,
  }
}
