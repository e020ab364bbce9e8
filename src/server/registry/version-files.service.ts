import type { Readable } from 'node:stream'
import type { Context } from '../../context.ts'
import { AppError, notFound } from '../../lib/errors.ts'
import { pathSegments } from '../../lib/relative-path.ts'
import { listArtifacts, openArtifact } from '../artifacts/artifacts.service.ts'
import { onnxForm } from './forms.service.ts'
import type { ModelVersion } from './lookup.service.ts'
import { artifactFolderOf } from './versions.service.ts'

/** One file of a version. @throws AppError bad_request (path, a folder, files elsewhere), not_found */
export async function openVersionFile(
  ctx: Context,
  version: ModelVersion,
  path: string,
): Promise<{ stream: Readable; sizeBytes: number }> {
  return openArtifact(ctx, version.projectId, [artifactFolderOf(version), ...pathSegments(path)].join('/'))
}

export type VersionFile = { name: string; path: string; isFolder: boolean; sizeBytes: number }

/** What lies in a folder of a version (`''`: its own); paths are relative to the version. @throws AppError bad_request */
export async function listVersionFiles(ctx: Context, version: ModelVersion, path: string): Promise<VersionFile[]> {
  const segments = path === '' ? [] : pathSegments(path)
  const entries = await listArtifacts(ctx, version.projectId, [artifactFolderOf(version), ...segments].join('/'))
  return entries.map((entry) => ({
    name: entry.name,
    path: [...segments, entry.name].join('/'),
    isFolder: entry.isFolder,
    sizeBytes: entry.sizeBytes,
  }))
}

/** The ONNX form's file. @throws AppError not_found without a form, conflict while there is none yet, or never will be */
export async function openOnnx(ctx: Context, version: ModelVersion): Promise<{ stream: Readable; sizeBytes: number }> {
  const form = await onnxForm(ctx, version.id)
  if (form === null) throw notFound(`${version.name}/${version.version} has no ONNX form; ask for one first.`)
  if (form.blobSha256 === null)
    throw new AppError(
      'conflict',
      `The ONNX form of ${version.name}/${version.version} is ${form.state}${form.reason === null ? '.' : `: ${form.reason}`}`,
    )
  return ctx.blobs.openContent(form.blobSha256)
}
