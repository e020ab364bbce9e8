import { constants } from 'node:fs'
import { chmod, copyFile, link, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Context, inTransaction } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, notFound } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import { pathSegments } from '../../lib/relative-path.ts'
import { checkName } from '../../lib/slug.ts'
import { recordEvent } from '../events/events.service.ts'
import { enqueueTask } from '../events/tasks.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { type ContentFile, holdContent, requireContent } from './content.service.ts'
import * as store from './datasets.store.ts'
import { formatOf } from './formats.ts'
import { checkedManifest, manifestDigest } from './manifest.ts'
import { describeTable } from './tables.service.ts'

export { storeContent } from './content.service.ts'

/** An immutable version of a dataset. */
export type DatasetVersion = {
  id: string
  datasetId: string
  /** The dataset's name. */
  dataset: string
  version: number
  projectId: string
  /** SHA-256 of the manifest: equal digests, equal files. */
  digest: string
  message: string
  parentId: string | null
  parent: { dataset: string; version: number } | null
  /** The recipe that made it from its parent. */
  recipe: unknown
  jobId: string | null
  sizeBytes: number
  fileCount: number
  /** Rows of all its table files; null when it has none. */
  rowCount: number | null
  profileState: 'queued' | 'ready' | 'failed' | 'none'
  profileError: string | null
  createdAtMs: number
  createdBy: string
}

export type NewVersion = {
  /** Name of the dataset; made when absent. */
  dataset: string
  files: ContentFile[]
  message?: string
  description?: string
  licence?: string
  parentId?: string
  recipe?: unknown
  jobId?: string
}

export type CreatedVersion = { version: DatasetVersion; created: boolean }

/** Reading every row of a big upload takes its time; beyond this it is refused. */
const CHECK_TIMEOUT_MS = 10 * 60_000

/** As `addVersion`, when it does not matter whether the version is new. */
export async function createVersion(
  ctx: Context,
  actor: Actor,
  project: Project,
  input: NewVersion,
): Promise<DatasetVersion> {
  return (await addVersion(ctx, actor, project, input)).version
}

/**
 * Makes the next version of a dataset (and the dataset, when absent) from content that the project holds. Every table file
 * is read to its end first, so that a version that exists can be read. The manifest of the latest version again is that
 * version, not a new one. Not for use inside a transaction: it reads files.
 * @throws AppError bad_request (paths, sizes), unprocessable (content not uploaded, a table that cannot be read), not_found (parent)
 */
export async function addVersion(
  ctx: Context,
  actor: Actor,
  project: Project,
  input: NewVersion,
): Promise<CreatedVersion> {
  if (ctx.db.isTransaction) throw new AppError('internal', 'addVersion reads files: not inside a transaction.')
  const name = checkName(input.dataset, 'name')
  const manifest = checkedManifest(input.files)
  await requireContent(ctx, project.id, manifest)
  if (input.parentId !== undefined && (await store.versionById(ctx.db, input.parentId))?.project_id !== project.id) {
    throw notFound('The parent version does not exist in this project.')
  }
  const rowCount = await checkTables(ctx, manifest)
  return inTransaction(ctx, async (tx) => {
    // Again, and for good: a sweep may have taken unused content away while the tables were read.
    await holdContent(tx, project.id, manifest)
    await makeDataset(tx, actor, project, { name, description: input.description, licence: input.licence })
    const found = await store.datasetByName(tx.db, project.id, name)
    if (found === undefined) throw notFound(`The dataset "${name}" was deleted meanwhile.`)
    const dataset = await store.lockDataset(tx.db, found.id)
    const latest = await store.versionByName(tx.db, project.id, name, dataset.last_version)
    if (latest?.digest === manifestDigest(manifest)) return { version: toVersion(latest), created: false }
    return { version: await insertNext(tx, actor, dataset, { ...input, files: manifest, rowCount }), created: true }
  })
}

/** Writes the next version of a dataset whose row is locked, and what follows from it. */
async function insertNext(
  tx: Context,
  actor: Actor,
  dataset: store.DatasetRow,
  input: NewVersion & { rowCount: number | null },
): Promise<DatasetVersion> {
  const now = tx.now()
  const row: store.VersionRow = {
    id: newId(now),
    dataset_id: dataset.id,
    project_id: dataset.project_id,
    version: dataset.last_version + 1,
    digest: manifestDigest(input.files),
    message: input.message ?? '',
    parent_id: input.parentId ?? null,
    recipe: input.recipe === undefined ? null : JSON.stringify(input.recipe),
    job_id: input.jobId ?? null,
    size_bytes: input.files.reduce((sum, file) => sum + file.sizeBytes, 0),
    file_count: input.files.length,
    row_count: input.rowCount,
    profile_state: input.rowCount === null ? 'none' : 'queued',
    profile: null,
    profile_error: null,
    created_at_ms: now,
    created_by: actor.name,
    deleted_at_ms: null,
  }
  const files = input.files.map(({ path, sha256, sizeBytes }) => ({
    version_id: row.id,
    path,
    sha256,
    size_bytes: sizeBytes,
  }))
  await store.insertVersion(tx.db, row, files)
  await store.updateDataset(tx.db, dataset.id, {
    last_version: row.version,
    ...(input.description === undefined ? {} : { description: input.description }),
    ...(input.licence === undefined ? {} : { licence: input.licence }),
  })
  const subject = `${dataset.name}/${row.version}`
  const detail = { digest: row.digest, files: row.file_count }
  await recordEvent(tx, actor, {
    projectId: dataset.project_id,
    verb: 'created',
    kind: 'dataset_version',
    subject,
    detail,
  })
  if (row.profile_state === 'queued') {
    const task = { kind: 'datasets.profile', payload: { version_id: row.id }, dedupeKey: `datasets.profile:${row.id}` }
    await enqueueTask(tx, task)
  }
  return versionById(tx, row.id)
}

/** Adds the dataset unless it exists. True when it was added. Call it inside a transaction. */
export async function makeDataset(
  tx: Context,
  actor: Actor,
  project: Project,
  input: { name: string; description?: string; licence?: string },
): Promise<boolean> {
  const added = await store.insertDataset(tx.db, {
    id: newId(tx.now()),
    project_id: project.id,
    name: input.name,
    description: input.description ?? '',
    licence: input.licence ?? '',
    created_at_ms: tx.now(),
    created_by: actor.name,
    deleted_at_ms: null,
    last_version: 0,
  })
  if (added)
    await recordEvent(tx, actor, { projectId: project.id, verb: 'created', kind: 'dataset', subject: input.name })
  return added
}

/** Reads every table file to its end; the number of rows of all, null when there is no table among the files. */
async function checkTables(ctx: Context, files: ContentFile[]): Promise<number | null> {
  const tables = files.filter((file) => formatOf(file.path) !== null)
  if (tables.length === 0) return null
  return ctx.tables.use(async (session) => {
    let rows = 0
    for (const file of tables) rows += (await describeTable(ctx, session, file))?.rowCount ?? 0
    return rows
  }, CHECK_TIMEOUT_MS)
}

/**
 * Finds a version by what people write: `name`, `name@latest` or `name@3`.
 * @throws AppError not_found naming it
 */
export async function findVersion(ctx: Context, projectId: string, ref: string): Promise<DatasetVersion> {
  const [, name = '', number = 'latest'] = /^([^@]*)(?:@(.*))?$/s.exec(ref) ?? []
  const version = number === 'latest' ? null : /^[1-9]\d{0,8}$/.test(number) ? Number(number) : Number.NaN
  const row = Number.isNaN(version) ? undefined : await store.versionByName(ctx.db, projectId, name, version)
  if (row === undefined) throw notFound(`There is no dataset version "${ref.slice(0, 150)}" in this project.`)
  return toVersion(row)
}

/** @throws AppError not_found */
export async function versionById(ctx: Context, id: string): Promise<DatasetVersion> {
  const row = await store.versionById(ctx.db, id)
  if (row === undefined) throw notFound('The dataset version does not exist any more.')
  return toVersion(row)
}

/** The files of a version, sorted by path. */
export async function versionFiles(ctx: Context, versionId: string): Promise<ContentFile[]> {
  return (await store.filesOfVersion(ctx.db, versionId)).map((row) => ({
    path: row.path,
    sha256: row.sha256,
    sizeBytes: row.size_bytes,
  }))
}

/** One file of a version by its path. @throws AppError bad_request for a path that leaves the folder, not_found */
export async function versionFile(ctx: Context, version: DatasetVersion, path: string): Promise<ContentFile> {
  const row = await store.fileOfVersion(ctx.db, version.id, pathSegments(path).join('/'))
  if (row === undefined) throw notFound(`${version.dataset}@${version.version} has no file "${path.slice(0, 150)}".`)
  return { path: row.path, sha256: row.sha256, sizeBytes: row.size_bytes }
}

/**
 * Puts the files of a version into a folder, read-only: hard links to the stored content where that is safe, else copies
 * (which share blocks where the file system can). As root, file modes protect nothing, and a job that writes into a link
 * would change the content of every version that has it: root gets copies.
 */
export async function materialize(ctx: Context, versionId: string, folder: string): Promise<void> {
  const mayLink = process.getuid !== undefined && process.getuid() !== 0
  for (const file of await versionFiles(ctx, versionId)) {
    const target = join(folder, ...pathSegments(file.path))
    const content = await ctx.blobs.contentPath(file.sha256)
    await mkdir(dirname(target), { recursive: true })
    if (!mayLink || !(await linked(content, target)))
      await copyFile(content, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
    await chmod(target, 0o444)
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    // Another device, too many links, or a file system without them.
    if (['EXDEV', 'EMLINK', 'EPERM', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}

/** A stored row as the rooms see it. */
export function toVersion(row: store.NamedVersionRow): DatasetVersion {
  const parent =
    row.parent_dataset === null || row.parent_version === null
      ? null
      : { dataset: row.parent_dataset, version: row.parent_version }
  return {
    id: row.id,
    datasetId: row.dataset_id,
    dataset: row.dataset,
    version: row.version,
    projectId: row.project_id,
    digest: row.digest,
    message: row.message,
    parentId: row.parent_id,
    parent,
    recipe: row.recipe === null ? null : JSON.parse(row.recipe),
    jobId: row.job_id,
    sizeBytes: row.size_bytes,
    fileCount: row.file_count,
    rowCount: row.row_count,
    profileState: row.profile_state,
    profileError: row.profile_error,
    createdAtMs: row.created_at_ms,
    createdBy: row.created_by,
  }
}
