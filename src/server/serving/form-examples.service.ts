import type { Context } from '../../context.ts'
import { quoteName, quoteText } from '../datasets/formats.ts'
import { readRows } from '../datasets/tables.service.ts'
import type { TrainingTable } from './form-data.service.ts'
import { humanise } from './humanise.ts'
import { type InputSignature, isNumberType } from './signature.ts'

export type Example = { title: string; values: Record<string, unknown> }

const EXAMPLES = 3
/** A target with more different values than this is no class. */
const MAX_CLASSES = 20

/**
 * Three real rows of the training data: the most typical of each of the most frequent classes, filled up with one picked
 * by chance (always the same). Typical: near the medians, with the most frequent categories.
 */
export async function exampleRows(
  ctx: Context,
  table: TrainingTable,
  signature: InputSignature,
  target: string | null,
): Promise<Example[]> {
  const inputs = signature.columns.filter((column) => table.columns.has(column.name))
  if (inputs.length === 0) return []
  const complete = inputs.map(({ name }) => `${quoteName(name)} IS NOT NULL`).join(' AND ')
  const columns = inputs.map(({ name }) => quoteName(name)).join(', ')
  const distance = inputs.map(({ name }) => distanceOf(table, name)).join(' + ')
  const classes = target === null ? null : (table.columns.get(target)?.values ?? null)
  const byClass = target !== null && classes !== null && classes.length > 1 && classes.length <= MAX_CLASSES
  const group = byClass ? quoteName(target) : '0'
  const frequent = byClass
    ? ` AND ${group} IN (${classes
        .slice(0, EXAMPLES)
        .map(({ value }) => quoteText(value))
        .join(', ')})`
    : ''
  const typical = await readRows(ctx, table.sha256, table.path, {
    sql: `SELECT ${columns}, _row AS "_ row", CAST(${group} AS VARCHAR) AS "_ class" FROM (
      SELECT *, row_number() OVER (PARTITION BY ${group} ORDER BY ${distance}, _row) AS "_ place" FROM data WHERE ${complete}${frequent}
    ) WHERE "_ place" <= ${byClass ? 1 : EXAMPLES} ORDER BY "_ place", "_ class"`,
    limit: EXAMPLES,
  })
  const seen = typical.rows.map((row) => Number(row['_ row']))
  const chance = await readRows(ctx, table.sha256, table.path, {
    sql: `SELECT ${columns} FROM data WHERE ${complete} AND _row NOT IN (${[-1, ...seen].join(', ')}) ORDER BY md5(CAST(_row AS VARCHAR))`,
    limit: EXAMPLES - typical.rows.length,
  })
  const titles = typical.rows.map((row, i) =>
    byClass
      ? `Typical for ${humanise(target).toLowerCase()} ${String(row['_ class'])}`
      : i === 0
        ? 'Typical'
        : `Typical, too (${i + 1})`,
  )
  const all = [
    ...typical.rows.map((row, i) => ({ title: titles[i]!, row })),
    ...chance.rows.map((row) => ({ title: 'Picked by chance', row })),
  ]
  return all.flatMap(({ title, row }) => {
    const values = valuesOf(row, inputs)
    return values === null ? [] : [{ title, values }]
  })
}

/** How far a row's value is from what is usual: in quartile ranges for numbers, 0 or 1 for categories. */
function distanceOf(table: TrainingTable, name: string): string {
  const column = table.columns.get(name)
  const range = column?.range ?? null
  if (range !== null)
    return `abs(CAST(${quoteName(name)} AS DOUBLE) - ${range.median}) / ${range.high - range.low || (range.max - range.min) / 4 || 1}`
  const often = column?.values?.[0]?.value
  return often === undefined
    ? '0'
    : `CASE WHEN CAST(${quoteName(name)} AS VARCHAR) = ${quoteText(often)} THEN 0 ELSE 1 END`
}

/** The row as the signature wants it; null when the data has another type than the model was trained with. */
function valuesOf(row: Record<string, unknown>, inputs: InputSignature['columns']): Record<string, unknown> | null {
  const values: Record<string, unknown> = {}
  for (const { name, type } of inputs) {
    const value = row[name]
    if (isNumberType(type)) {
      const number = Number(value)
      if (!Number.isFinite(number)) return null
      values[name] = number
    } else if (type === 'boolean') values[name] = value === true || value === 1
    else values[name] = String(value)
  }
  return values
}
