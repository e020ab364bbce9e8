import { join } from 'node:path'
import type { Context } from '../../context.ts'
import { openPlainFile } from '../../lib/plain-file.ts'
import { getJob, hasEnded, type Job, jobFolder } from './jobs.service.ts'

/** Most bytes of a log in one answer. */
export const LOG_CHUNK_BYTES = 1024 * 1024
/** What the server's own lines in a log begin with. */
export const OWN_PREFIX = '[trainyard] '
const TAIL_BYTES = 64 * 1024
const FOLLOW_CHUNK_BYTES = 64 * 1024
const FOLLOW_EVERY_MS = 300

/** `nextOffset` is where the next read goes on; `end` when nothing is behind it now. */
export type LogChunk = { text: string; nextOffset: number; end: boolean }

/** The file that a job's output goes to. */
export function logPath(folder: string): string {
  return join(folder, 'log.txt')
}

/**
 * A piece of a job's log from a byte offset, cut between characters. Empty when there is nothing (yet), or when the job
 * runs on a machine that does not share this one's data folder.
 */
export async function readLog(path: string, offset: number, maxBytes = LOG_CHUNK_BYTES): Promise<LogChunk> {
  const file = await openPlainFile(path)
  if (file === null) return { text: '', nextOffset: offset, end: true }
  try {
    const { size } = await file.stat()
    const length = Math.max(0, Math.min(maxBytes, size - offset))
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset)
    const whole = buffer.subarray(0, wholeCharacters(buffer.subarray(0, bytesRead)))
    return { text: whole.toString('utf8'), nextOffset: offset + whole.length, end: offset + bytesRead >= size }
  } finally {
    await file.close()
  }
}

/** How many bytes there are before a UTF-8 character that is cut off at the end; all of them when none is, or all are one. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length - 1); back++) {
    const byte = bytes[bytes.length - back]!
    if ((byte & 0b1100_0000) === 0b1000_0000) continue // inside a character
    const needs = byte >= 0b1111_0000 ? 4 : byte >= 0b1110_0000 ? 3 : byte >= 0b1100_0000 ? 2 : 1
    return needs > back ? bytes.length - back : bytes.length
  }
  return bytes.length
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours and control characters are what is removed here
const UNPRINTABLE = /\u001b\[[0-9;]*[A-Za-z]|[\u0000-\u001f\u007f]/g

/** The last line that a job's code wrote, at most 500 characters: with Python, the exception. Null when it wrote nothing. */
export async function lastLine(path: string): Promise<string | null> {
  const file = await openPlainFile(path).catch(() => null)
  if (file === null) return null
  try {
    const { size } = await file.stat()
    const length = Math.min(size, TAIL_BYTES)
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length)
    const lines = buffer.toString('utf8').split(/[\r\n]+/)
    const clean = lines.map((line) => line.replace(UNPRINTABLE, '').trim())
    return clean.findLast((line) => line !== '' && !line.startsWith(OWN_PREFIX.trim()))?.slice(0, 500) ?? null
  } finally {
    await file.close()
  }
}

/** @throws AppError not_found */
export async function jobLog(ctx: Context, projectId: string, jobId: string, offset: number): Promise<LogChunk> {
  const job = await getJob(ctx, projectId, jobId)
  return readLog(logPath(jobFolder(ctx.config, job.id)), offset)
}

export type LogListener = {
  /** Resolves when the reader can take more. */
  text(chunk: { text: string; offset: number }): Promise<void>
  end(state: Job['state']): void
}

/** Passes a job's log on as it grows, until the job has ended and everything was passed on, or `signal` is aborted. */
export async function followLog(
  ctx: Context,
  job: Job,
  offset: number,
  signal: AbortSignal,
  listener: LogListener,
): Promise<void> {
  const path = logPath(jobFolder(ctx.config, job.id))
  for (let at = offset; !signal.aborted; ) {
    // The state first: what is read after the end is all there will be.
    const { state } = await getJob(ctx, job.projectId, job.id)
    for (;;) {
      const chunk = await readLog(path, at, FOLLOW_CHUNK_BYTES)
      if (chunk.nextOffset > at) await listener.text({ text: chunk.text, offset: chunk.nextOffset })
      const stuck = chunk.nextOffset === at
      at = chunk.nextOffset
      if (chunk.end || stuck || signal.aborted) break
    }
    if (hasEnded(state)) {
      listener.end(state)
      return
    }
    await pause(FOLLOW_EVERY_MS, signal)
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
  })
}
