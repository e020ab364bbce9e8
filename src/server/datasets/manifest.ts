import { createHash } from 'node:crypto'
import { badRequest } from '../../lib/errors.ts'
import { pathSegments } from '../../lib/relative-path.ts'

type ManifestFile = { path: string; sha256: string; sizeBytes: number }

/**
 * Checks the paths of a version's files and sorts the files by path (as bytes of UTF-8): the manifest.
 * @throws AppError bad_request naming the entry: a path that leaves the folder, comes twice, or is a file here and a folder there
 */
export function checkedManifest(files: readonly ManifestFile[]): ManifestFile[] {
  if (files.length === 0) throw badRequest('A version needs at least one file.', 'files')
  const manifest = files.map((file, index) => ({
    ...file,
    path: pathSegments(file.path, `files[${index}].path`).join('/'),
  }))
  const paths = new Set<string>()
  const folders = new Set<string>()
  for (const [index, { path }] of manifest.entries()) {
    if (paths.has(path)) throw badRequest(`The path "${path}" comes twice.`, `files[${index}].path`)
    paths.add(path)
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1))
      folders.add(path.slice(0, slash))
  }
  for (const [index, { path }] of manifest.entries()) {
    if (folders.has(path))
      throw badRequest(`"${path}" is a file here and a folder of another path.`, `files[${index}].path`)
  }
  return manifest.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
}

/** SHA-256 over one JSON line a file, `{"path":…,"sha256":…,"size_bytes":…}`, in the manifest's order. */
export function manifestDigest(manifest: readonly ManifestFile[]): string {
  const hash = createHash('sha256')
  for (const { path, sha256, sizeBytes } of manifest)
    hash.update(`${JSON.stringify({ path, sha256, size_bytes: sizeBytes })}\n`)
  return hash.digest('hex')
}
