import { badRequest } from '../../../lib/errors.ts'
import Type, { type Static } from '../../../lib/schema.ts'
import {
  CATALOG_KINDS,
  type CatalogKind,
  type CatalogQuery,
  type SortColumn,
  type SortKey,
} from '../../catalog/catalog.service.ts'

export const DEFAULT_LIMIT = 10
export const MAX_LIMIT = 200
const MAX_TERMS = 50
const MAX_IDS = 500

const strict = { additionalProperties: false } as const
const limit = Type.Optional(
  Type.Integer({ minimum: 1, description: `Items on a page; more than ${MAX_LIMIT} counts as ${MAX_LIMIT}.` }),
)
const token = Type.Optional(Type.String({ maxLength: 4000, description: 'From the `next` link of the page before.' }))
const text = (description: string) => Type.Optional(Type.String({ maxLength: 20_000, description }))

const paging = {
  limit,
  token,
  bbox: text('West, south, east, north (or with heights); comma-separated.'),
  datetime: text('An instant or an interval of RFC 3339 times; `..` is open.'),
  sortby: text('Fields, comma-separated; `-` before a field: descending.'),
  q: text('Words of the name or description, comma-separated; one is enough.'),
}

/** Of the search and of a collection's items: pystac-client sends the same to both, `collections` too. */
export const SearchParams = Type.Object(
  {
    ...paging,
    ids: text('Item ids, comma-separated.'),
    collections: text('Collections, comma-separated.'),
    intersects: text('A GeoJSON geometry.'),
  },
  strict,
)
const strings = Type.Optional(Type.Array(Type.String()))
export const SearchBody = Type.Object(
  {
    limit,
    token,
    bbox: Type.Optional(Type.Array(Type.Number())),
    datetime: Type.Optional(Type.String()),
    intersects: Type.Optional(Type.Unknown()),
    ids: strings,
    collections: strings,
    q: Type.Optional(Type.Union([Type.Array(Type.String()), Type.String()])),
    sortby: Type.Optional(
      Type.Array(Type.Object({ field: Type.String(), direction: Type.Optional(Type.Enum(['asc', 'desc'])) }, strict)),
    ),
  },
  strict,
)
export type SearchRequest = Static<typeof SearchBody>

/** The query string of a search in the shape of its body. @throws AppError bad_request */
export function fromQueryString(params: Static<typeof SearchParams>): SearchRequest {
  const list = (value: string | undefined) =>
    value === undefined
      ? undefined
      : value
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== '')
  return {
    ...(params.limit === undefined ? {} : { limit: params.limit }),
    ...(params.token === undefined ? {} : { token: params.token }),
    ...(params.bbox === undefined
      ? {}
      : { bbox: params.bbox.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part))) }),
    ...(params.datetime === undefined ? {} : { datetime: params.datetime }),
    ...(params.intersects === undefined ? {} : { intersects: parseJson(params.intersects) }),
    ...(params.ids === undefined ? {} : { ids: list(params.ids) }),
    ...(params.collections === undefined ? {} : { collections: list(params.collections) }),
    ...(params.q === undefined ? {} : { q: list(params.q) }),
    // A "+" before a field arrives as a space.
    ...(params.sortby === undefined ? {} : { sortby: params.sortby.split(',').map(sortTerm) }),
  }
}

function sortTerm(term: string): { field: string; direction: 'asc' | 'desc' } {
  const clean = term.trim()
  return { field: clean.replace(/^[+-]/, ''), direction: clean.startsWith('-') ? 'desc' : 'asc' }
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    throw badRequest('intersects must be the JSON of a GeoJSON geometry.', 'intersects')
  }
}

/** What a search asks for, in the catalogue's words. @throws AppError bad_request naming the parameter */
export function toCatalogQuery(request: SearchRequest): CatalogQuery {
  if (request.bbox !== undefined && request.intersects !== undefined)
    throw badRequest('Give bbox or intersects, not both.', 'intersects')
  if (request.bbox !== undefined) checkBbox(request.bbox)
  if (request.intersects !== undefined) checkGeometry(request.intersects)
  const { fromMs, toMs } =
    request.datetime === undefined ? { fromMs: null, toMs: null } : readDatetime(request.datetime)
  const texts = typeof request.q === 'string' ? request.q.split(',') : (request.q ?? [])
  if (texts.length > MAX_TERMS) throw badRequest(`q may hold at most ${MAX_TERMS} texts.`, 'q')
  if ((request.ids?.length ?? 0) > MAX_IDS) throw badRequest(`ids may hold at most ${MAX_IDS} ids.`, 'ids')
  const collections = request.collections ?? []
  return {
    // An unknown collection holds nothing; naming only such ones finds nothing.
    ...(collections.length === 0 ? {} : { kinds: CATALOG_KINDS.filter((kind) => collections.includes(kind)) }),
    ...(request.ids === undefined || request.ids.length === 0 ? {} : { ids: request.ids }),
    ...(request.token === undefined ? {} : { token: request.token }),
    fromMs,
    toMs,
    texts: texts.map((one) => one.trim()).filter((one) => one !== ''),
    sort: (request.sortby ?? []).map((term) => sortKey(term.field, term.direction === 'desc')),
    limit: Math.min(request.limit ?? DEFAULT_LIMIT, MAX_LIMIT),
    placed: request.bbox !== undefined || request.intersects !== undefined,
  }
}

const SORT_FIELDS: Record<string, SortColumn> = {
  id: 'id_key',
  collection: 'kind',
  datetime: 'created_at_ms',
  created: 'created_at_ms',
  updated: 'updated_at_ms',
  version: 'version',
  title: 'name',
}

function sortKey(field: string, descending: boolean): SortKey {
  const column = SORT_FIELDS[field.replace(/^properties\./, '')]
  if (column === undefined)
    throw badRequest(
      `Items cannot be sorted by "${field.slice(0, 100)}", only by ${Object.keys(SORT_FIELDS).join(', ')}.`,
      'sortby',
    )
  return { column, descending }
}

function checkBbox(bbox: number[]): void {
  const refuse = (why: string) => badRequest(`bbox ${why}.`, 'bbox')
  if (bbox.length !== 4 && bbox.length !== 6) throw refuse('must hold four numbers, or six with heights')
  if (!bbox.every((value) => Number.isFinite(value))) throw refuse('must hold numbers only')
  const flat = bbox.length === 4
  const [south, north] = flat ? [bbox[1], bbox[3]] : [bbox[1], bbox[4]]
  if ((south as number) > (north as number)) throw refuse('must not have its south north of its north')
  if (!flat && (bbox[2] as number) > (bbox[5] as number))
    throw refuse('must not have its lowest height above its highest')
}

const GEOMETRIES = new Set(['Point', 'MultiPoint', 'LineString', 'MultiLineString', 'Polygon', 'MultiPolygon'])

function checkGeometry(value: unknown): void {
  const geometry = value as { type?: unknown; coordinates?: unknown; geometries?: unknown } | null
  if (typeof geometry === 'object' && geometry !== null) {
    if (GEOMETRIES.has(geometry.type as string) && Array.isArray(geometry.coordinates)) return
    if (geometry.type === 'GeometryCollection' && Array.isArray(geometry.geometries)) {
      for (const one of geometry.geometries) checkGeometry(one)
      return
    }
  }
  throw badRequest('intersects must be a GeoJSON geometry.', 'intersects')
}

const INSTANT = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})$/

function readInstant(value: string): { fromMs: number; toMs: number } {
  const match = INSTANT.exec(value)
  const ms = match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2]}${match[4]?.toUpperCase()}`)
  if (match === null || Number.isNaN(ms) || !calendarDay(match[1] ?? '')) {
    throw badRequest(
      `datetime must hold RFC 3339 times such as 2026-11-22T00:00:00Z, got "${value.slice(0, 60)}".`,
      'datetime',
    )
  }
  const millis = ms + Math.floor(Number(`0.${match[3] ?? '0'}`) * 1000)
  return { fromMs: millis, toMs: millis }
}

/** `Date.parse` takes the 30th of February for the 2nd of March. */
function calendarDay(day: string): boolean {
  const parsed = new Date(`${day}T00:00:00Z`)
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(day)
}

function readDatetime(value: string): { fromMs: number | null; toMs: number | null } {
  const parts = value.split('/')
  if (parts.length === 1) return readInstant(value)
  const [from = '', to = ''] = parts
  const open = (part: string) => part === '' || part === '..'
  if (parts.length > 2 || (open(from) && open(to)))
    throw badRequest('datetime must be one time or an interval with at least one end: a/b, ../b or a/..', 'datetime')
  const fromMs = open(from) ? null : readInstant(from).fromMs
  const toMs = open(to) ? null : readInstant(to).toMs
  if (fromMs !== null && toMs !== null && fromMs > toMs)
    throw badRequest('datetime must not end before it starts.', 'datetime')
  return { fromMs, toMs }
}

export function isCatalogKind(value: string): value is CatalogKind {
  return (CATALOG_KINDS as readonly string[]).includes(value)
}
