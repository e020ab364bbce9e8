import { constants } from 'node:fs'
import { chmod, copyFile, mkdir, open, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Context } from '../../context.ts'
import { pathSegments } from '../../lib/relative-path.ts'
import { copyArtifactsTo } from '../artifacts/artifacts.service.ts'
import { materialize } from '../datasets/versions.service.ts'
import type { CodeFile } from './code.service.ts'
import type { ConvertSpec, Job } from './jobs.service.ts'

/**
 * Makes a job's folder anew, for its owner only: `work/` (to run in), `work/output/` (what it leaves for us), `tmp/`.
 * The log stays, so that what happened before a restart of the server can still be read.
 */
export async function makeJobFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  for (const part of ['work', 'data', 'tmp']) await removeTree(join(folder, part))
  for (const part of ['work', 'work/output', 'tmp']) await mkdir(join(folder, part), { recursive: true, mode: 0o700 })
}

/** Copies a code snapshot into `work/`: the job may write there, and changes nobody else's copy. */
export async function copyCode(ctx: Context, files: Iterable<CodeFile>, work: string): Promise<void> {
  for (const file of files) {
    const target = join(work, ...pathSegments(file.path))
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    await copyFile(await ctx.blobs.contentPath(file.sha256), target, constants.COPYFILE_FICLONE)
    await chmod(target, (await startsWithShebang(target)) ? 0o700 : 0o600)
  }
}

/** A manifest knows no file modes; what begins with `#!` is meant to be started. */
async function startsWithShebang(path: string): Promise<boolean> {
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0)
    return bytesRead === 2 && buffer.toString('latin1') === '#!'
  } finally {
    await file.close()
  }
}

/** Puts a dataset version's files, read-only, into a folder. */
export async function placeDataset(ctx: Context, versionId: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await materialize(ctx, versionId, folder)
}

/** The inputs of a script of ours: texts and a folder of artifacts, below `work/`. */
export async function placeInputs(ctx: Context, job: Job, convert: ConvertSpec, work: string): Promise<void> {
  for (const { path, as } of convert.artifacts) {
    const target = join(work, ...pathSegments(as))
    await mkdir(target, { recursive: true, mode: 0o700 })
    await copyArtifactsTo(ctx, job.projectId, path, target)
  }
  for (const { name, text } of convert.files) {
    const target = join(work, ...pathSegments(name))
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    await writeFile(target, text, { mode: 0o600 })
  }
}

/** After a job's end: what can be made again goes; the log, the exit status and `work/` stay for a while. */
export async function clearInputs(folder: string, kind: Job['kind']): Promise<void> {
  for (const part of ['data', 'tmp', '.cache', ...(kind === 'convert' ? ['work/data'] : [])])
    await removeTree(join(folder, part))
}

/** Removes all but the log. */
export async function clearWork(folder: string): Promise<void> {
  for (const part of ['work', 'data', 'tmp', '.cache']) await removeTree(join(folder, part))
}

/** Also what user code made unwritable (folders without the write bit) is removed; what cannot be is left, never an error. */
async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 2 }).catch(() => {})
}
