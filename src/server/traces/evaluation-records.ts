import { createHash } from 'node:crypto'
import { badRequest } from '../../lib/errors.ts'
import { parseForeignJson } from '../../lib/json-text.ts'

/**
 * Records of evaluation datasets: free JSON whose numbers stay as they were written (1.0 is no 1, and large whole numbers
 * are exact), so that a client gets back what it sent.
 */

type RawJson = { readonly rawJSON: string }
/** ES2026: the source of numbers, and JSON put through as it is. TypeScript's library does not list them yet. */
const exact = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown
  rawJSON(text: string): RawJson
  isRawJSON(value: unknown): value is RawJson
}

export type RecordContent = {
  inputs: Record<string, unknown>
  outputs?: unknown
  expectations?: Record<string, unknown>
  tags?: Record<string, unknown>
  source?: Record<string, unknown>
  created_by?: string
  last_updated_by?: string
  last_update_time?: number
}

function parseVerbatim(text: string): unknown {
  return exact.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined ? exact.rawJSON(source) : value,
  )
}

/** JSON of a record as it is stored. */
export function parseRecord(text: string): RecordContent {
  return parseVerbatim(text) as RecordContent
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !exact.isRawJSON(value)

/** The list of records that a client sends as text. @throws AppError bad_request naming the record */
export function parseRecords(text: string, most: number): RecordContent[] {
  const list = parseText(text, 'records')
  if (!Array.isArray(list)) throw badRequest('records must be a JSON list.', 'records')
  if (list.length > most) throw badRequest(`At most ${most} records can be sent at once.`, 'records')
  return list.map((item, index) => {
    const path = `records[${index}]`
    if (!isObject(item)) throw badRequest(`${path} must be an object.`, path)
    const part = (name: string): Record<string, unknown> | undefined => {
      const value = item[name]
      if (value === undefined || value === null) return undefined
      if (!isObject(value)) throw badRequest(`${path}.${name} must be an object.`, `${path}.${name}`)
      return value
    }
    const [expectations, tags, source] = [part('expectations'), part('tags'), part('source')]
    return {
      inputs: part('inputs') ?? {},
      ...(item.outputs === undefined || item.outputs === null ? {} : { outputs: item.outputs }),
      ...(expectations === undefined ? {} : { expectations }),
      ...(tags === undefined ? {} : { tags }),
      ...(source === undefined ? {} : { source }),
    }
  })
}

/** JSON inside a text field. @throws AppError bad_request */
export function parseText(text: string, field: string): unknown {
  try {
    return parseForeignJson(text, { parse: parseVerbatim, root: field })
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw badRequest(`${field} must be JSON.`, field)
  }
}

/** Tags in a text field: an object; values become text, null ones are left out. @throws AppError bad_request */
export function parseTags(text: string | undefined, field: string): Map<string, string> {
  if (text === undefined || text === '') return new Map()
  const tags = parseText(text, field)
  if (!isObject(tags)) throw badRequest(`${field} must be a JSON object.`, field)
  return new Map(
    Object.entries(tags)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
}

/** The name of a record: SHA-256 of its inputs with sorted keys. */
export function inputHash(record: RecordContent): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(record.inputs)))
    .digest('hex')
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  )
}

/** What there was with what comes: outputs are replaced, expectations and tags merged. */
export function mergedRecord(before: RecordContent, after: RecordContent, nowMs: number): RecordContent {
  const user = userOf(after)
  return {
    ...before,
    ...(after.outputs === undefined ? {} : { outputs: after.outputs }),
    ...(after.expectations === undefined ? {} : { expectations: { ...before.expectations, ...after.expectations } }),
    ...(after.tags === undefined ? {} : { tags: { ...before.tags, ...after.tags } }),
    ...(user === undefined ? {} : { last_updated_by: user }),
    last_update_time: nowMs,
  }
}

/** Who a record says that it is by. */
export function userOf(record: RecordContent): string | undefined {
  const user = record.tags?.['mlflow.user']
  return typeof user === 'string' ? user.slice(0, 250) : undefined
}

/** Names and kinds of a dataset's fields, as MLflow writes them; new records add fields. */
export function extendedSchema(schema: string | null, records: readonly RecordContent[]): string {
  const fields = (
    schema === null ? { inputs: {}, outputs: {}, expectations: {}, version: '1.0' } : JSON.parse(schema)
  ) as Record<'inputs' | 'outputs' | 'expectations', Record<string, string> | string>
  for (const record of records) {
    for (const part of ['inputs', 'outputs', 'expectations'] as const) {
      const [value, known] = [record[part], fields[part]]
      if (isObject(value) && typeof known === 'object') {
        for (const [key, field] of Object.entries(value)) if (!Object.hasOwn(known, key)) known[key] = kindOf(field)
      } else if (value !== undefined && typeof known === 'object' && Object.keys(known).length === 0) {
        fields[part] = kindOf(value)
      }
    }
  }
  return JSON.stringify(fields)
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (exact.isRawJSON(value)) return /^-?\d+$/.test(value.rawJSON) ? 'integer' : 'float'
  if (typeof value === 'boolean' || typeof value === 'string') return typeof value
  return Array.isArray(value) ? 'array' : 'object'
}
