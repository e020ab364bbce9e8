import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { Readable } from 'node:stream'
import type { ApiClient } from './client.ts'

export type ManifestFile = { path: string; sha256: string; size_bytes: number }
type LocalFile = { path: string; local: string; sizeBytes: number }

// What a project folder holds besides its own files; never part of a snapshot.
const IGNORED = new Set([
  '.git',
  '.venv',
  'venv',
  '__pycache__',
  'node_modules',
  'mlruns',
  '.ipynb_checkpoints',
  '.DS_Store',
])
const MISSING_PER_CALL = 500
const PARALLEL = 4

/**
 * Sends a file or a folder's files into the project, only what it does not hold yet, and returns the manifest.
 * Links are left out: a snapshot holds what is inside the folder and nothing else.
 */
export async function uploadPath(
  client: ApiClient,
  path: string,
  onProgress: (doneBytes: number, totalBytes: number) => void = () => {},
  ignored: readonly string[] = [],
): Promise<ManifestFile[]> {
  const info = await stat(path)
  const files = info.isDirectory()
    ? await listFiles(path, new Set([...IGNORED, ...ignored]))
    : [{ path: basename(path), local: path, sizeBytes: info.size }]
  if (files.length === 0) throw new Error(`${path} holds no files.`)
  const manifest: ManifestFile[] = []
  for (const file of files)
    manifest.push({ path: file.path, sha256: await hashFile(file.local), size_bytes: file.sizeBytes })
  const missing = await missingOf(client, [...new Set(manifest.map((file) => file.sha256))])
  const toSend = files.flatMap((file, i) => {
    const sha256 = manifest[i]?.sha256 ?? ''
    return missing.delete(sha256) ? [{ ...file, sha256 }] : []
  })
  const total = toSend.reduce((sum, file) => sum + file.sizeBytes, 0)
  let done = 0
  const queue = [...toSend]
  const send = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      await client.raw('PUT', client.projectPath(`/blobs/${file.sha256}`), {
        body: Readable.toWeb(createReadStream(file.local)) as ReadableStream,
        headers: { 'content-type': 'application/octet-stream', 'content-length': String(file.sizeBytes) },
        duplex: 'half',
      } as RequestInit)
      done += file.sizeBytes
      onProgress(done, total)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, send))
  return manifest
}

async function missingOf(client: ApiClient, hashes: string[]): Promise<Set<string>> {
  const missing = new Set<string>()
  for (let i = 0; i < hashes.length; i += MISSING_PER_CALL) {
    const answer = await client.inProject<{ missing: string[] }>('POST', '/blobs/missing', {
      sha256: hashes.slice(i, i + MISSING_PER_CALL),
    })
    for (const hash of answer.missing) missing.add(hash)
  }
  return missing
}

async function listFiles(root: string, ignored: ReadonlySet<string>): Promise<LocalFile[]> {
  const found: LocalFile[] = []
  const visit = async (folder: string): Promise<void> => {
    for (const entry of (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const local = join(folder, entry.name)
      const path = relative(root, local).split(sep).join('/')
      if (ignored.has(entry.name) || ignored.has(path)) continue
      if (entry.isDirectory()) await visit(local)
      else if (entry.isFile()) found.push({ path, local, sizeBytes: (await stat(local)).size })
    }
  }
  await visit(root)
  return found
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
