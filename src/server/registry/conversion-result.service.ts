import { constants } from 'node:fs'
import { type FileHandle, open, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoredBlob } from '../../blobs/store.ts'
import type { Context } from '../../context.ts'
import { type Job, jobFolder } from '../training/jobs.service.ts'
import { FormReport } from './registry.schema.ts'

/** What a conversion job came to. */
export type Outcome =
  | { state: 'ready'; blob: StoredBlob; report: FormReport; reason: null }
  | { state: 'refused' | 'failed'; report: FormReport | null; reason: string }

const JSON_MAX_BYTES = 1024 * 1024
const REASON_MAX = 2_000
const LOG_TAIL_BYTES = 6_000
const LOG_TAIL_LINES = 12

/**
 * Reads what an ended conversion job left in its folder, and stores the ONNX file. The job ran the model's own code, so
 * nothing it wrote is believed: only plain files at their own place are opened, and the report is checked.
 */
export async function readOutcome(ctx: Context, job: Job): Promise<Outcome> {
  const folder = join(jobFolder(ctx.config, job.id), 'work', 'output')
  if (job.state === 'cancelled') return { state: 'failed', report: null, reason: 'The conversion was cancelled.' }
  if (job.state === 'lost')
    return {
      state: 'failed',
      report: null,
      reason: 'The conversion was lost three times: the server that ran it stopped.',
    }
  if (job.state !== 'succeeded') return { state: 'failed', report: null, reason: await failureReason(ctx, job) }
  const report = await readReport(folder)
  const refusal = await readRefusal(folder)
  if (refusal !== null) return { state: 'refused', report, reason: refusal }
  const model = await openOwn(folder, 'model.onnx')
  if (model === null || report === null || !report.passed) {
    await model?.close()
    return {
      state: 'failed',
      report,
      reason: `The conversion ended without a usable result. ${await logTail(ctx, job)}`.trim(),
    }
  }
  // The stream closes the file.
  const blob = await ctx.blobs.putContent(model.createReadStream(), { limitBytes: ctx.config.uploadLimitBytes })
  return { state: 'ready', blob, report, reason: null }
}

async function readReport(folder: string): Promise<FormReport | null> {
  const report = await readJson(folder, 'report.json')
  // Loaded here: a server that converts nothing need not start with it.
  const { Check } = await import('typebox/value')
  return Check(FormReport, report) ? report : null
}

async function readRefusal(folder: string): Promise<string | null> {
  const refused = await readJson(folder, 'refused.json')
  if (typeof refused !== 'object' || refused === null) return null
  const { reason } = refused as { reason?: unknown }
  return typeof reason === 'string' && reason !== '' ? plainText(reason).slice(0, REASON_MAX) : null
}

async function failureReason(ctx: Context, job: Job): Promise<string> {
  return [`The conversion job failed${job.error === null ? '.' : `: ${job.error}`}`, await logTail(ctx, job)]
    .join('\n')
    .trim()
    .slice(0, REASON_MAX)
}

async function logTail(ctx: Context, job: Job): Promise<string> {
  const file = await openOwn(jobFolder(ctx.config, job.id), 'log.txt')
  if (file === null) return ''
  try {
    const { size } = await file.stat()
    const length = Math.min(size, LOG_TAIL_BYTES)
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length)
    return plainText(buffer.toString('utf8')).trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n')
  } finally {
    await file.close()
  }
}

async function readJson(folder: string, name: string): Promise<unknown> {
  const file = await openOwn(folder, name)
  if (file === null) return null
  try {
    if ((await file.stat()).size > JSON_MAX_BYTES) return null
    return JSON.parse(await file.readFile('utf8'))
  } catch {
    return null
  } finally {
    await file.close()
  }
}

/** Opens a plain file that really lies in `folder`; a link, a device or a moved folder counts as absent. */
async function openOwn(folder: string, name: string): Promise<FileHandle | null> {
  const path = join(folder, name)
  let file: FileHandle
  try {
    if ((await realpath(path)) !== join(await realpath(join(folder, '..', '..')), ...folder.split('/').slice(-2), name))
      return null
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch {
    return null
  }
  if ((await file.stat()).isFile()) return file
  await file.close()
  return null
}

/** Without terminal colours and control characters, which PostgreSQL and browsers dislike. */
function plainText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is removed here
  return text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, '').replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '')
}
