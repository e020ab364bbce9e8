import { join } from 'node:path'
import { openLocalStore } from './local.ts'
import type { S3Options } from './s3.ts'
import type { BlobStore } from './store.ts'

export type BlobSettings = Omit<S3Options, 'cache'> & {
  /** Folder of the local store; with a bucket, of its cache. */
  root: string
  cacheBytes: number
}

/** What a killed server left behind is surely nobody's after this time. */
const LEFTOVER_MS = 3 * 24 * 3600_000

/** The bucket when one is named, else the folder. @param options.sweep see `openLocalStore` */
export async function openBlobStore(settings: BlobSettings, options: { sweep: boolean }): Promise<BlobStore> {
  if (settings.bucket === '') return openLocalStore(settings.root, options)
  const { openS3Store } = await import('./s3.ts')
  const cache = { folder: join(settings.root, 'cache'), limitBytes: settings.cacheBytes }
  const store = await openS3Store({ ...settings, cache })
  // Nobody waits for it: what cannot be removed now is found at the next start.
  if (options.sweep) void store.sweep(Date.now() - LEFTOVER_MS).catch(() => {})
  return store
}
