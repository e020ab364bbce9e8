import { createReadStream } from 'node:fs'
import { opendir, rm, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Context } from '../../context.ts'
import { recordFile } from './artifacts.service.ts'
import { entryAt, projectExists } from './artifacts.store.ts'
import { joinPath, placeOf } from './paths.ts'

/**
 * Takes over the files that an earlier version kept below `blobs/files` under their own names: each becomes an object with a
 * row and a checksum, and is then removed there. May be killed and started again at any point. Does nothing where there
 * are none.
 */
export async function adoptNamedFiles(ctx: Context, blobsRoot: string): Promise<void> {
  const root = join(blobsRoot, 'files', 'projects')
  let adopted = 0
  for await (const { projectId, path, disk } of namedFiles(root)) {
    if (!(await projectExists(ctx.db, projectId))) continue
    const place = placeOf(path)
    // Taken over before, and not yet removed.
    const isKnown = (await entryAt(ctx.db, projectId, place)) !== undefined
    if (!isKnown) {
      const { id, ...stored } = await ctx.blobs.putObject(createReadStream(disk), {
        limitBytes: Number.MAX_SAFE_INTEGER,
      })
      await recordFile(ctx, projectId, place, { ...stored, objectId: id })
    }
    await unlink(disk)
    adopted++
  }
  if (adopted === 0) return
  await rm(join(blobsRoot, 'files'), { recursive: true, force: true })
  ctx.log.info({ files: adopted }, 'artifact files of an earlier version were taken over')
}

async function* namedFiles(root: string): AsyncGenerator<{ projectId: string; path: string; disk: string }> {
  for (const project of await entries(root)) {
    const folders = ['']
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const entry of await entries(join(root, project.name, 'artifacts', folder))) {
        const path = joinPath(folder, entry.name)
        if (entry.isDirectory()) folders.push(path)
        else if (entry.isFile())
          yield { projectId: project.name, path, disk: join(root, project.name, 'artifacts', path) }
      }
    }
  }
}

async function entries(folder: string) {
  try {
    return await Array.fromAsync(await opendir(folder))
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}
