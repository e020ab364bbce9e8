import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { writeTemporary } from './writing.ts'

/** What was handed out may be opened a moment later: it is not removed within this time. */
const IN_USE_MS = 3600_000

/**
 * Local copies of content that lies in a bucket, for readers that need a file. Each copy is checked against its hash when it
 * comes. Beyond the limit the copies used longest ago go; one larger than the limit is kept as long as it is in use.
 */
export async function openCache(options: { folder: string; limitBytes: number }): Promise<{
  path(sha256: string, open: () => Promise<Readable>): Promise<string>
}> {
  await mkdir(options.folder, { recursive: true, mode: 0o700 })
  const coming = new Map<string, Promise<string>>()

  async function fetchCopy(sha256: string, target: string, open: () => Promise<Readable>): Promise<string> {
    const copy = await writeTemporary(options.folder, await open(), {
      limitBytes: Number.MAX_SAFE_INTEGER,
      expectedSha256: sha256,
    })
    await rename(copy.path, target)
    await makeRoom(options.folder, options.limitBytes)
    return target
  }

  return {
    async path(sha256, open) {
      const target = join(options.folder, sha256)
      const now = new Date()
      const isHere = await utimes(target, now, now).then(
        () => true,
        () => false,
      )
      if (isHere) return target
      const begun = coming.get(sha256) ?? fetchCopy(sha256, target, open).finally(() => coming.delete(sha256))
      coming.set(sha256, begun)
      return begun
    },
  }
}

async function makeRoom(folder: string, limitBytes: number): Promise<void> {
  const copies: { path: string; sizeBytes: number; usedAtMs: number }[] = []
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const info = await stat(path).catch(() => null)
    if (info !== null) copies.push({ path, sizeBytes: info.size, usedAtMs: info.mtimeMs })
  }
  let total = copies.reduce((sum, copy) => sum + copy.sizeBytes, 0)
  const idleSince = Date.now() - IN_USE_MS
  for (const copy of copies.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
    if (total <= limitBytes || copy.usedAtMs >= idleSince) return
    await rm(copy.path, { force: true })
    total -= copy.sizeBytes
  }
}
