import { badRequest } from '../../lib/errors.ts'
import { pathSegments } from '../../lib/relative-path.ts'

/** An entry's place in the tables: the path above it, and its name. */
export type Place = { folder: string; name: string }

/**
 * The path inside the project's artifact space that a URI of ours means (`mlflow-artifacts:/1/…`); null for files that lie
 * elsewhere (`s3://…`, another server), which this server neither reads nor writes.
 */
export function artifactPathOf(uri: string): string | null {
  const path = /^mlflow-artifacts:(?:\/\/(?=\/))?\/+([^?#]*)$/.exec(uri)?.[1]
  return path === undefined ? null : path.replace(/\/+$/, '')
}

/** As `artifactPathOf`. @throws AppError bad_request for files that lie elsewhere */
export function ownArtifactPath(uri: string): string {
  const path = artifactPathOf(uri)
  if (path === null)
    throw badRequest(`These artifacts are stored outside this server (${uri.slice(0, 200)}); read them there.`)
  return path
}

/** `a` + `b/c`; either may be empty. */
export function joinPath(...parts: string[]): string {
  return parts.filter((part) => part !== '').join('/')
}

/** `#`, also behind layers of percent-encoding: MLflow's clients refuse a whole listing that holds one (contracts/mlflow.md §9). */
const HASH_SIGN = /#|%(25)*23/

/** @throws AppError bad_request */
function artifactSegments(path: string): string[] {
  if (HASH_SIGN.test(path)) throw badRequest('Invalid path: path must not hold "#".', 'path')
  const segments = pathSegments(path)
  // A client checks each name of a listing as if it were a whole path: none may look absolute when it is decoded once more.
  for (const segment of segments) pathSegments(segment)
  return segments
}

/** The checked form of a path that a client gave; `''` is the root. @throws AppError bad_request */
export function checkedPath(path: string): string {
  return path === '' ? '' : artifactSegments(path).join('/')
}

/** @throws AppError bad_request for what is no path, and for the root, which is no entry */
export function placeOf(path: string): Place {
  if (path === '') throw badRequest('Invalid path: it is empty.', 'path')
  const segments = artifactSegments(path)
  return { folder: segments.slice(0, -1).join('/'), name: segments.at(-1) ?? '' }
}

/** The folders on the way to a place, from the top. */
export function foldersAbove(place: Place): Place[] {
  const names = place.folder === '' ? [] : place.folder.split('/')
  return names.map((name, i) => ({ folder: names.slice(0, i).join('/'), name }))
}
