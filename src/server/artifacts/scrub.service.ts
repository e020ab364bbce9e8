import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { BlobKind } from '../../blobs/store.ts'
import type { Context } from '../../context.ts'
import { AppError } from '../../lib/errors.ts'
import * as files from './artifacts.store.ts'
import { joinPath } from './paths.ts'
import * as store from './scrub.store.ts'

const PAGE = 500
const MAX_OWNERS = 20
/** What is younger may belong to a change that is not committed yet. */
const SETTLED_MS = 3600_000

/** One blob that is not as it should be. `owners`: what needs it, in words; none for one that nothing needs. */
export type Finding = {
  state: 'damaged' | 'missing' | 'unreferenced'
  kind: BlobKind
  id: string
  sizeBytes: number
  owners: string[]
  /** What was expected and what was read, for one that is damaged. */
  why: string
}
export type ScrubReport = {
  checked: number
  bytes: number
  damaged: number
  missing: number
  unreferenced: number
  unreferencedBytes: number
}

/**
 * Reads every stored blob and compares it with its checksum; a file that has none yet gets it. Then looks for blobs that
 * nothing refers to (`reclaim` removes them). Holds one page of names and one piece of a file at a time. Safe while a
 * server works: what changes meanwhile is looked at again before it is reported.
 */
export async function scrub(ctx: Context, report: (finding: Finding) => void): Promise<ScrubReport> {
  const sum: ScrubReport = { checked: 0, bytes: 0, damaged: 0, missing: 0, unreferenced: 0, unreferencedBytes: 0 }
  const tell = (finding: Finding) => {
    sum[finding.state]++
    if (finding.state === 'unreferenced') sum.unreferencedBytes += finding.sizeBytes
    report(finding)
  }
  await scrubObjects(ctx, sum, tell)
  await scrubContent(ctx, sum, tell)
  await findUnreferenced(ctx, 'objects', tell, async (ids) => {
    const unused = new Set(await files.unreferenced(ctx.db, ids))
    return new Set(ids.filter((id) => !unused.has(id)))
  })
  await findUnreferenced(ctx, 'content', tell, (ids) => store.knownContent(ctx.db, ids))
  return sum
}

type Tell = (finding: Finding) => void

async function scrubObjects(ctx: Context, sum: ScrubReport, tell: Tell): Promise<void> {
  for (let after: Parameters<typeof files.allFiles>[1]['after'] = null; ; ) {
    const rows = await files.allFiles(ctx.db, { after, limit: PAGE })
    for (const row of rows) {
      const id = row.object_id ?? ''
      const found = await readBlob(() => ctx.blobs.openObject(id), sum)
      const problem = problemOf(found, { sha256: row.sha256, sizeBytes: row.size_bytes })
      if (problem === null) {
        if (row.sha256 === null && found !== null) await files.setChecksum(ctx.db, id, found.sha256)
        continue
      }
      // Written again or removed since the page was read: then this object has no owner any more.
      if ((await files.unreferenced(ctx.db, [id])).length > 0) continue
      const owners = [`${row.project}: artifact ${joinPath(row.folder, row.name)}`]
      tell({ ...problem, kind: 'objects', id, sizeBytes: row.size_bytes, owners })
    }
    after = rows.at(-1) ?? null
    if (rows.length < PAGE) return
  }
}

async function scrubContent(ctx: Context, sum: ScrubReport, tell: Tell): Promise<void> {
  for (let after = ''; ; ) {
    const hashes = await store.referencedContent(ctx.db, after, PAGE)
    for (const sha256 of hashes) {
      const found = await readBlob(() => ctx.blobs.openContent(sha256), sum)
      const problem = problemOf(found, { sha256, sizeBytes: null })
      if (problem === null || !(await store.knownContent(ctx.db, [sha256])).has(sha256)) continue
      const owners = await store.contentOwners(ctx.db, sha256, MAX_OWNERS)
      tell({ ...problem, kind: 'content', id: sha256, sizeBytes: found?.sizeBytes ?? 0, owners })
    }
    after = hashes.at(-1) ?? ''
    if (hashes.length < PAGE) return
  }
}

type Read = { sha256: string; sizeBytes: number }

/** Null when it is not there, or cannot be read to its end. */
async function readBlob(open: () => Promise<{ stream: Readable }>, sum: ScrubReport): Promise<Read | null> {
  sum.checked++
  const hash = createHash('sha256')
  let sizeBytes = 0
  try {
    for await (const chunk of (await open()).stream as AsyncIterable<Buffer>) {
      hash.update(chunk)
      sizeBytes += chunk.length
      sum.bytes += chunk.length
    }
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return null
    // A bad sector: as far as one could read, it is damaged.
    if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error
  }
  return { sha256: hash.digest('hex'), sizeBytes }
}

function problemOf(
  found: Read | null,
  expected: { sha256: string | null; sizeBytes: number | null },
): Pick<Finding, 'state' | 'why'> | null {
  if (found === null) return { state: 'missing', why: 'There is nothing in the store.' }
  if (expected.sizeBytes !== null && found.sizeBytes !== expected.sizeBytes)
    return { state: 'damaged', why: `It has ${found.sizeBytes} bytes, not ${expected.sizeBytes}.` }
  if (expected.sha256 !== null && found.sha256 !== expected.sha256)
    return { state: 'damaged', why: `Its SHA-256 is ${found.sha256}, not ${expected.sha256}.` }
  return null
}

async function findUnreferenced(
  ctx: Context,
  kind: BlobKind,
  tell: Tell,
  known: (ids: string[]) => Promise<Set<string>>,
): Promise<void> {
  let batch: { id: string; sizeBytes: number }[] = []
  const settle = async () => {
    const needed = await known(batch.map(({ id }) => id))
    for (const { id, sizeBytes } of batch)
      if (!needed.has(id))
        tell({ state: 'unreferenced', kind, id, sizeBytes, owners: [], why: 'Nothing refers to it.' })
    batch = []
  }
  for await (const blob of ctx.blobs.list(kind)) {
    if (blob.modifiedAtMs > ctx.now() - SETTLED_MS) continue
    batch.push(blob)
    if (batch.length === PAGE) await settle()
  }
  await settle()
}
