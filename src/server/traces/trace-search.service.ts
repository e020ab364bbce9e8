import { createHash } from 'node:crypto'
import type { Context } from '../../context.ts'
import { badRequest } from '../../lib/errors.ts'
import { parseFilter, parseOrderBy } from '../../lib/search-filter.ts'
import { rowIdsOf } from '../tracking/experiments.service.ts'
import { spansOf } from './spans.service.ts'
import { type ContentTest, conditionsOf, matchesContent, sortsOf } from './trace-filter.ts'
import { type FoundTrace, searchTraceRows, type TraceCursor } from './trace-search.store.ts'
import { type Trace, tracesFromRows } from './traces.service.ts'

/** What one request that looks into spans reads at most; then it answers what it found, and where to go on. */
const CONTENT_SCAN = { traces: 1_000, bytes: 64 * 1024 * 1024, batch: 100 } as const

export type TraceSearchRequest = {
  /** As clients see them; undefined: every experiment of the project. Ids of no experiment are left out. */
  experimentIds?: readonly string[]
  filter?: string
  orderBy?: readonly string[]
  maxResults: number
  pageToken?: string
}

/**
 * Traces by MLflow's grammar, the newest first unless ordered. A page that had to look into spans may hold fewer traces
 * than asked for although there are more: it ends only when there is no token.
 * @throws AppError bad_request (filter, order_by, page_token)
 */
export async function searchTraces(
  ctx: Context,
  projectId: string,
  request: TraceSearchRequest,
): Promise<{ traces: Trace[]; nextPageToken: string | null }> {
  const { conditions, contents } = conditionsOf(parseFilter(request.filter ?? ''))
  const sorts = sortsOf(parseOrderBy(request.orderBy ?? []))
  const search = {
    projectId,
    experimentIds: request.experimentIds === undefined ? null : await rowIdsOf(ctx, projectId, request.experimentIds),
    conditions,
    sorts,
  }
  const fingerprint = fingerprintOf(request)
  const after = cursorOf(request.pageToken, fingerprint, sorts.length)
  const { rows, last } =
    contents.length === 0
      ? await page(ctx, { ...search, after }, request.maxResults)
      : await scan(ctx, { ...search, after }, contents, request.maxResults)
  return {
    traces: await tracesFromRows(ctx, rows),
    nextPageToken: last === null ? null : tokenOf(last, fingerprint),
  }
}

type Search = Omit<Parameters<typeof searchTraceRows>[1], 'limit'>
type Page = { rows: FoundTrace[]; last: TraceCursor | null }

async function page(ctx: Context, search: Search, size: number): Promise<Page> {
  const rows = await searchTraceRows(ctx.db, { ...search, limit: size + 1 })
  const kept = rows.slice(0, size)
  return { rows: kept, last: rows.length > size ? (kept.at(-1)?.cursor ?? null) : null }
}

/** Goes through the traces that meet the other conditions and looks into their spans. */
async function scan(ctx: Context, search: Search, contents: readonly ContentTest[], size: number): Promise<Page> {
  const found: FoundTrace[] = []
  let [seen, bytes, after] = [0, 0, search.after]
  for (;;) {
    const rows = await searchTraceRows(ctx.db, { ...search, after, limit: CONTENT_SCAN.batch })
    for (const row of rows) {
      seen += 1
      bytes += row.span_bytes
      after = row.cursor
      const stored = { rowId: row.id, chunkCount: row.chunk_count }
      const spans = (await spansOf(ctx, [stored])).get(row.id) ?? []
      if (spans.some((span) => contents.every((test) => matchesContent(span, test)))) found.push(row)
      const full = found.length >= size || seen >= CONTENT_SCAN.traces || bytes >= CONTENT_SCAN.bytes
      if (full) return { rows: found, last: row === rows.at(-1) && rows.length < CONTENT_SCAN.batch ? null : after }
    }
    if (rows.length < CONTENT_SCAN.batch) return { rows: found, last: null }
  }
}

function fingerprintOf(request: TraceSearchRequest): string {
  const { experimentIds = null, filter = '', orderBy = [] } = request
  return createHash('sha256')
    .update(JSON.stringify([experimentIds, filter, orderBy]))
    .digest('hex')
    .slice(0, 16)
}

function tokenOf(after: TraceCursor, search: string): string {
  return Buffer.from(JSON.stringify({ after, search })).toString('base64')
}

function cursorOf(token: string | undefined, fingerprint: string, length: number): TraceCursor | null {
  if (token === undefined || token === '') return null
  try {
    const { after, search } = JSON.parse(Buffer.from(token, 'base64').toString('utf8')) as Record<string, unknown>
    const fine = (value: unknown) =>
      value === null || (typeof value === 'string' && !value.includes('\0')) || Number.isSafeInteger(value)
    if (search === fingerprint && Array.isArray(after) && after.length === length && after.every(fine))
      return after as TraceCursor
  } catch {}
  throw badRequest('Invalid page token: it is none that this search gave out.', 'page_token')
}
