import { isMap, isScalar, isSeq, parseDocument } from 'yaml'

/**
 * A value of MLflow's `meta.yaml`: text, nothing, or one of these below a name. Numbers stay text: what a field is, its
 * reader knows, and a name like `1e3` or an id of 18 digits must stay what it is.
 */
export type MetaValue = string | null | MetaValue[] | { [key: string]: MetaValue }
export type Meta = { [key: string]: MetaValue }

/** Deeper than any file that MLflow writes. */
const MAX_DEPTH = 10

/** @throws Error with the reason when it is no YAML mapping */
export function parseMeta(text: string): Meta {
  const document = parseDocument(text, { schema: 'failsafe', uniqueKeys: true, logLevel: 'silent' })
  const [error] = document.errors
  if (error !== undefined) throw new Error(error.message.split('\n')[0] ?? 'no YAML')
  const value = plain(document.contents, 0)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('it is no YAML mapping')
  return value
}

function plain(node: unknown, depth: number): MetaValue {
  if (depth > MAX_DEPTH) throw new Error('it is nested too deep')
  if (node === null || node === undefined) return null
  if (isScalar(node)) {
    const text = typeof node.value === 'string' ? node.value : String(node.value ?? '')
    const isNull = (node.type === 'PLAIN' || node.type === undefined) && /^(|~|null|Null|NULL)$/.test(text)
    return isNull ? null : text
  }
  if (isSeq(node)) return node.items.map((item) => plain(item, depth + 1))
  if (isMap(node)) {
    const entries = node.items.map(
      ({ key, value }) => [String(plain(key, depth + 1)), plain(value, depth + 1)] as const,
    )
    return Object.fromEntries(entries.filter(([key]) => key !== '__proto__'))
  }
  throw new Error('it holds an alias, which MLflow never writes')
}

/** A mapping as YAML that MLflow's reader understands: texts in double quotes, whatever they hold. */
export function metaText(values: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(values).map(([key, value]) => `${key}: ${metaValue(value)}`)
  return `${lines.join('\n')}\n`
}

function metaValue(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `[${value.map(metaValue).join(', ')}]`
  const entries = Object.entries(value as object).map(([key, inner]) => `${quoted(key)}: ${metaValue(inner)}`)
  return `{${entries.join(', ')}}`
}

/** JSON's quoting is YAML's; what PyYAML would take for a line break or refuse as unprintable is escaped as well. */
function quoted(text: string): string {
  return JSON.stringify(text.toWellFormed()).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
