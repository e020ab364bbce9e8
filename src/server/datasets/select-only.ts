import { quoteText } from './formats.ts'
import type { TableSession } from './table-process.ts'

/**
 * Table functions that make rows from their arguments alone. The others read files, run SQL given as text, change the
 * engine's settings, or (`enable_logging`, `arrow_scan`) end the process.
 */
const TABLE_FUNCTIONS = new Set([
  'range',
  'generate_series',
  'unnest',
  'repeat',
  'repeat_row',
  'json_each',
  'json_tree',
])
/** Scalar functions that tell about the server or wait. */
const FORBIDDEN_FUNCTIONS = new Set(['current_setting', 'getvariable', 'sleep_ms', 'write_log', 'getenv'])

type Parsed = { error: boolean; error_type?: string; error_message?: string; statements?: unknown[] }

/**
 * Asks DuckDB's own parser whether a user's SQL is one SELECT over tables that are there. Nothing is run.
 * @returns what is wrong with it, as the end of a sentence; null when nothing is
 */
export async function problemOfSelect(session: TableSession, sql: string): Promise<string | null> {
  const { rows } = await session.query(`SELECT json_serialize_sql(${quoteText(sql)})`)
  const parsed = JSON.parse(String(rows[0]?.[0])) as Parsed
  if (parsed.error) {
    if (parsed.error_type === 'not implemented') return 'it must be one SELECT statement, and nothing else'
    return parsed.error_message ?? 'it cannot be parsed'
  }
  const statements = parsed.statements ?? []
  if (statements.length !== 1) return `it must be one SELECT statement, not ${statements.length}`
  return problemOfTree(statements[0])
}

function problemOfTree(root: unknown): string | null {
  const open: unknown[] = [root]
  while (open.length > 0) {
    const node = open.pop()
    if (typeof node !== 'object' || node === null) continue
    open.push(...Object.values(node))
    const { type, function: called, function_name, schema_name, catalog_name } = node as Record<string, unknown>
    if (type === 'TABLE_FUNCTION') {
      const name = String((called as { function_name?: unknown } | undefined)?.function_name ?? '').toLowerCase()
      if (!TABLE_FUNCTIONS.has(name)) return `the table function "${name}" is not available here`
    }
    if (typeof function_name === 'string' && FORBIDDEN_FUNCTIONS.has(function_name.toLowerCase()))
      return `the function "${function_name}" is not available here`
    if (type === 'BASE_TABLE' && (schema_name || catalog_name))
      return `tables of a schema ("${String(schema_name || catalog_name)}") are not available here`
  }
  return null
}
