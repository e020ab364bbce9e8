import type { Context } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { badRequest, notFound } from '../../lib/errors.ts'
import { parseForeignJson } from '../../lib/json-text.ts'
import { listProjects } from '../projects/projects.service.ts'
import * as store from './catalog.store.ts'
import { describeEntries } from './entries.service.ts'
import type { CatalogEntry } from './entry.ts'
import { parseItemId, slugsOf } from './item-id.ts'

export type { CatalogKind, SortColumn, SortKey } from './catalog.store.ts'
export type { CatalogEntry, DatasetEntry, EntryFile, ModelEntry } from './entry.ts'

type CatalogKind = store.CatalogKind
/** In the order in which they are shown. */
export const CATALOG_KINDS: readonly CatalogKind[] = ['dataset', 'ai-model']

export type CatalogQuery = {
  kinds?: readonly CatalogKind[]
  /** Item ids; unknown ones match nothing. */
  ids?: readonly string[]
  /** Inclusive bounds of the creation time, milliseconds. */
  fromMs?: number | null
  toMs?: number | null
  /** Found in the name or description; one is enough. */
  texts?: readonly string[]
  sort?: readonly store.SortKey[]
  limit: number
  /** `next` of the page before. */
  token?: string
  /** A question about a place: no version of ours has one yet, so nothing matches. */
  placed?: boolean
}

export type CatalogPage = { entries: CatalogEntry[]; matched: number; next: string | null }

const NEWEST_FIRST: readonly store.SortKey[] = [{ column: 'created_at_ms', descending: true }]

/**
 * Searches the dataset and model versions that this actor may see, newest first unless `sort` says otherwise.
 * @throws AppError bad_request for a token that is not of this search
 */
export async function searchCatalog(ctx: Context, actor: Actor, query: CatalogQuery): Promise<CatalogPage> {
  const sort = query.sort === undefined || query.sort.length === 0 ? NEWEST_FIRST : query.sort
  const after = query.token === undefined ? null : readToken(query.token, sort)
  const filter = await filterOf(ctx, actor, query)
  const [rows, { count }] = await Promise.all([
    store.searchEntries(ctx.db, filter, sort, after, query.limit + 1),
    store.countEntries(ctx.db, filter),
  ])
  const page = rows.slice(0, query.limit)
  const last = page.at(-1)
  return {
    entries: await describeEntries(ctx, page),
    matched: count,
    next: rows.length > query.limit && last !== undefined ? writeToken(last, sort) : null,
  }
}

/** One item of a collection. @throws AppError not_found, also for what the actor may not see */
export async function catalogEntry(
  ctx: Context,
  actor: Actor,
  kind: CatalogKind,
  itemId: string,
): Promise<CatalogEntry> {
  const { entries } = await searchCatalog(ctx, actor, { kinds: [kind], ids: [itemId], limit: 1 })
  const entry = entries[0]
  if (entry === undefined)
    throw notFound(`The collection "${kind}" has no item "${itemId.slice(0, 300)}", or you may not see it.`)
  return entry
}

/** When the first and the last version of a collection were made, as far as this actor may see; null: it is empty. */
export async function catalogExtent(
  ctx: Context,
  actor: Actor,
  kind: CatalogKind,
): Promise<{ fromMs: number; toMs: number } | null> {
  const { firstMs, lastMs } = await store.countEntries(ctx.db, await filterOf(ctx, actor, { kinds: [kind], limit: 1 }))
  return firstMs === null || lastMs === null ? null : { fromMs: firstMs, toMs: lastMs }
}

async function filterOf(ctx: Context, actor: Actor, query: CatalogQuery): Promise<store.EntryFilter> {
  const projects = await listProjects(ctx, actor)
  const projectIds = projects.map((project) => project.id)
  let refs: store.EntryFilter['refs'] = query.placed === true ? [] : null
  if (query.ids !== undefined && refs === null) {
    refs = await resolveIds(
      ctx,
      query.ids,
      projects.map(({ id, owner, name }) => ({ id, owner, name })),
    )
  }
  return {
    projectIds,
    kinds: query.kinds ?? CATALOG_KINDS,
    refs,
    fromMs: query.fromMs ?? null,
    toMs: query.toMs ?? null,
    texts: [...(query.texts ?? [])],
  }
}

/** Item ids → versions, by the slugs of the names of the projects they speak of. */
async function resolveIds(
  ctx: Context,
  ids: readonly string[],
  projects: { id: string; owner: string; name: string }[],
): Promise<{ thingId: string; version: number }[]> {
  const wanted = ids.flatMap((id) => {
    const parts = parseItemId(id)
    const project =
      parts === null ? undefined : projects.find((one) => one.owner === parts.owner && one.name === parts.project)
    return parts === null || project === undefined ? [] : [{ ...parts, projectId: project.id }]
  })
  const names = await store.namesOf(ctx.db, [...new Set(wanted.map((one) => one.projectId))])
  return wanted.flatMap((one) =>
    CATALOG_KINDS.flatMap((kind) => {
      const own = names.filter((row) => row.kind === kind && row.project_id === one.projectId)
      const slugs = slugsOf(own.map((row) => row.name))
      return own
        .filter((row) => row.deleted_at_ms === null && slugs.get(row.name) === one.slug)
        .map((row) => ({ thingId: row.thing_id, version: one.version }))
    }),
  )
}

function writeToken(row: store.EntryRow, sort: readonly store.SortKey[]): string {
  const values = [...sort.map((key) => row[key.column]), row.version_id]
  return Buffer.from(JSON.stringify([sort.map(sortName), values])).toString('base64url')
}

function readToken(token: string, sort: readonly store.SortKey[]): (string | number)[] {
  try {
    const [names, values] = parseForeignJson(Buffer.from(token, 'base64url')) as [unknown, unknown]
    if (
      JSON.stringify(names) === JSON.stringify(sort.map(sortName)) &&
      Array.isArray(values) &&
      values.length === sort.length + 1
    ) {
      const types = [
        ...sort.map((key) => (key.column === 'version' || key.column.endsWith('_ms') ? 'number' : 'string')),
        'string',
      ]
      if (
        values.every(
          (value, index) => typeof value === types[index] && (typeof value !== 'number' || Number.isSafeInteger(value)),
        )
      )
        return values as (string | number)[]
    }
  } catch {
    // falls through to the one message
  }
  throw badRequest(
    'This token is not of this search: take it from the "next" link of a page with the same sort order.',
    'token',
  )
}

function sortName(key: store.SortKey): string {
  return `${key.descending ? '-' : '+'}${key.column}`
}
