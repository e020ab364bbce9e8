import { useSyncExternalStore } from 'react'
import type { Scope } from '../paths.ts'
import { apiUrl } from './client.ts'
import { blobPath, missingBlobs, publishVersion } from './data.ts'
import { ApiError, type ErrorBody } from './errors.ts'
import { hashFile } from './hash.ts'

/** A dataset version on its way from this browser. It goes on when the reader leaves the page (not when the tab is closed). */
export type Upload = {
  id: number
  scope: Scope
  dataset: string
  state: 'hashing' | 'sending' | 'publishing' | 'done' | 'failed'
  totalBytes: number
  /** Bytes hashed or sent, by the state. */
  doneBytes: number
  startedAtMs: number
  version: number | null
  error: unknown
}

export type NewUpload = { dataset: string; message: string; files: { path: string; file: File }[] }

let uploads: readonly Upload[] = []
let nextId = 1
const watchers = new Set<() => void>()

function update(id: number, change: Partial<Upload>): void {
  uploads = uploads.map((upload) => (upload.id === id ? { ...upload, ...change } : upload))
  for (const tell of watchers) tell()
}

function watch(callback: () => void): () => void {
  watchers.add(callback)
  return () => watchers.delete(callback)
}

export function useUploads(): readonly Upload[] {
  return useSyncExternalStore(watch, () => uploads)
}

export function dismissUpload(id: number): void {
  uploads = uploads.filter((upload) => upload.id !== id)
  for (const tell of watchers) tell()
}

/** Hashes the files, sends what the project does not have, publishes the version. Failures are kept in the upload. */
export async function startUpload(scope: Scope, input: NewUpload): Promise<void> {
  const id = nextId++
  const totalBytes = input.files.reduce((sum, { file }) => sum + file.size, 0)
  uploads = [
    ...uploads,
    {
      id,
      scope,
      dataset: input.dataset,
      state: 'hashing',
      totalBytes,
      doneBytes: 0,
      startedAtMs: Date.now(),
      version: null,
      error: null,
    },
  ]
  for (const tell of watchers) tell()
  try {
    const version = await run(scope, input, (change) => update(id, change))
    update(id, { state: 'done', doneBytes: totalBytes, version })
  } catch (error) {
    update(id, { state: 'failed', error })
  }
}

async function run(scope: Scope, input: NewUpload, tell: (change: Partial<Upload>) => void): Promise<number> {
  const hashed: { path: string; file: File; sha256: string }[] = []
  let done = 0
  for (const { path, file } of input.files) {
    hashed.push({ path, file, sha256: await hashFile(file) })
    done += file.size
    tell({ doneBytes: done })
  }
  const missing = new Set(await missingBlobs(scope, [...new Set(hashed.map((entry) => entry.sha256))]))
  done = hashed.filter((entry) => !missing.has(entry.sha256)).reduce((sum, entry) => sum + entry.file.size, 0)
  tell({ state: 'sending', doneBytes: done, startedAtMs: Date.now() })
  for (const { file, sha256 } of hashed) {
    if (!missing.delete(sha256)) continue
    await put(blobPath(scope, sha256), file, (sent) => tell({ doneBytes: done + sent }))
    done += file.size
  }
  tell({ state: 'publishing', doneBytes: done })
  const files = hashed.map(({ path, file, sha256 }) => ({ path, sha256, size_bytes: file.size }))
  return (
    await publishVersion(scope, input.dataset, { files, ...(input.message === '' ? {} : { message: input.message }) })
  ).version
}

/** XMLHttpRequest, because fetch tells nothing about how much has been sent. */
function put(path: string, file: File, onProgress: (sent: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('PUT', apiUrl(path))
    request.setRequestHeader('content-type', 'application/octet-stream')
    request.upload.onprogress = (event) => onProgress(event.loaded)
    request.onerror = () =>
      reject(
        new ApiError(0, {
          code: 'offline',
          message: 'The connection broke while sending. Publish again: what arrived is not sent twice.',
          request_id: '',
        }),
      )
    request.onload = () => (request.status < 300 ? resolve() : reject(new ApiError(request.status, bodyOf(request))))
    request.send(file)
  })
}

function bodyOf(request: XMLHttpRequest): ErrorBody {
  try {
    return (JSON.parse(request.responseText) as { error: ErrorBody }).error
  } catch {
    return {
      code: 'unknown',
      message: `The server answered ${request.status}.`,
      request_id: request.getResponseHeader('x-request-id') ?? '',
    }
  }
}
