import type { Readable } from 'node:stream'
import type { Context } from '../../context.ts'
import { AppError, notFound } from '../../lib/errors.ts'
import { type ArtifactFile, eachArtifact, openArtifactFile } from './artifacts.service.ts'

/** Files of one archive at most: its directory, a line for each, stays in memory until the end. */
const MAX_FILES = 50_000
/** No name in the archive leads out of the folder that it is unpacked to, on any system. */
const DEVICE_NAME = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i

/**
 * A folder as one zip, made while it is sent: one file is open at a time and nothing is written to a disk. The files are
 * stored, not deflated (models and images are compressed already), so the length is known before the first byte; beyond
 * 4 GiB or 65,535 files the archive is Zip64.
 * @throws AppError not_found when there is no file; payload_too_large
 */
export async function zipArtifacts(
  ctx: Context,
  projectId: string,
  path: string,
): Promise<{ stream: Readable; sizeBytes: number | null }> {
  const files: (ArtifactFile & { path: string })[] = []
  for await (const file of eachArtifact(ctx, projectId, path)) {
    files.push(file)
    if (files.length > MAX_FILES)
      throw new AppError('payload_too_large', `The folder holds more than ${MAX_FILES} files; download it in parts.`)
  }
  if (files.length === 0) throw notFound(`There are no artifacts at '${path.slice(0, 300)}'.`)
  const { ZipFile } = await import('yazl')
  const zip = new ZipFile()
  const stream = zip.outputStream as Readable
  // What cannot be read in the middle breaks the download off: a shorter archive would pass for the whole.
  const fail = (error: unknown) => void stream.destroy(error as Error)
  let open: Readable | undefined
  stream.once('close', () => open?.destroy())
  zip.on('error', fail)
  for (const file of files) {
    const options = { size: file.sizeBytes, compress: false, mtime: new Date(file.modifiedAtMs), mode: 0o100644 }
    zip.addReadStreamLazy(archiveName(file.path), options, (opened) => {
      if (stream.destroyed) return
      openArtifactFile(ctx, file).then((source) => {
        open = source.stream
        open.once('error', fail)
        if (stream.destroyed) open.destroy()
        else opened(null, open)
      }, fail)
    })
  }
  const sizeBytes = await new Promise<number>((resolve) =>
    zip.end({ forceZip64Format: false, comment: '' }, (size?: number) => resolve(size ?? -1)),
  )
  return { stream, sizeBytes: sizeBytes < 0 ? null : sizeBytes }
}

/**
 * Names are safe already (lib/relative-path.ts: relative, no `..`, no backslash, no drive); what Windows would take for
 * a device or a stream gets another letter.
 */
export function archiveName(path: string): string {
  return path
    .split('/')
    .map((part) =>
      part
        .replace(/[:*?"<>|]/g, '_')
        .replace(DEVICE_NAME, '_$&')
        .replace(/[. ]+$/, '_'),
    )
    .join('/')
}
