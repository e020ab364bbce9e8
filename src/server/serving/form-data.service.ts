import type { Context } from '../../context.ts'
import { AppError } from '../../lib/errors.ts'
import { quoteName } from '../datasets/formats.ts'
import type { FileProfile, ColumnProfile as StoredColumn } from '../datasets/profile.ts'
import { profileOf } from '../datasets/profiles.service.ts'
import { readRows } from '../datasets/tables.service.ts'
import { versionFiles } from '../datasets/versions.service.ts'
import type { ModelVersion } from '../registry/versions.service.ts'
import { runInputs } from '../tracking/inputs.service.ts'
import type { InputSignature } from './signature.ts'

/** What a form shows of a column. */
export type ColumnProfile = {
  kind: StoredColumn['kind']
  /** The different values, most frequent first; null when they are many, or numbers. */
  values: { value: string; count: number }[] | null
  /** Numbers only. `low`, `high`: quartiles. */
  range: { min: number; max: number; low: number; median: number; high: number } | null
}

/** The table a version was trained on. */
export type TrainingTable = { sha256: string; path: string; columns: Map<string, ColumnProfile> }

/** A column with more different values is no list of choices. */
const MAX_VALUES = 60

/**
 * The table behind a version: of the dataset versions its run used (for training before others), the file that has the
 * model's columns. Null when the run, its data or the data's profile is not known here.
 */
export async function trainingTable(
  ctx: Context,
  version: ModelVersion,
  signature: InputSignature,
): Promise<TrainingTable | null> {
  if (version.runId === null) return null
  const inputs = await unlessGone(runInputs(ctx, version.projectId, version.runId))
  const isTraining = (input: { tags: Record<string, string> }) => /train/i.test(input.tags['mlflow.data.context'] ?? '')
  const ids = (inputs ?? [])
    .filter((input) => input.datasetVersionId !== null)
    .sort((a, b) => Number(isTraining(b)) - Number(isTraining(a)))
  for (const id of new Set(ids.map((input) => input.datasetVersionId!))) {
    const profile = await profileOf(ctx, id)
    const best = profile === null ? undefined : bestFile(profile.files, signature)
    const content =
      best === undefined ? undefined : (await versionFiles(ctx, id)).find((file) => file.path === best.path)
    if (best !== undefined && content !== undefined) return describe(ctx, best, content.sha256)
  }
  return null
}

/** A file with all the columns the model needs; `train…` before others, then the largest. */
function bestFile(files: readonly FileProfile[], signature: InputSignature): FileProfile | undefined {
  const needed = signature.columns.filter((column) => column.required).map((column) => column.name)
  const fitting = files.filter((file) => needed.every((name) => file.columns.some((column) => column.name === name)))
  const isTraining = (file: FileProfile) => Number(/(^|\/)train[^/]*$/i.test(file.path))
  return fitting.sort((a, b) => isTraining(b) - isTraining(a) || b.row_count - a.row_count)[0]
}

async function describe(ctx: Context, file: FileProfile, sha256: string): Promise<TrainingTable> {
  const columns = new Map<string, ColumnProfile>()
  for (const column of file.columns)
    columns.set(column.name, {
      kind: column.kind,
      values: await valuesOf(ctx, file, sha256, column),
      range: rangeOf(column),
    })
  return { sha256, path: file.path, columns }
}

/** The profile keeps the most frequent values; a form needs all of them. */
async function valuesOf(
  ctx: Context,
  file: FileProfile,
  sha256: string,
  column: StoredColumn,
): Promise<ColumnProfile['values']> {
  if (column.top === null || column.distinct_count > MAX_VALUES) return null
  if (column.distinct_count <= column.top.length)
    return column.top.map(({ value, count }) => ({ value: String(value), count }))
  const name = quoteName(column.name)
  const { rows } = await readRows(ctx, sha256, file.path, {
    sql: `SELECT CAST(${name} AS VARCHAR) AS value, count(*) AS count FROM data WHERE ${name} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1`,
    limit: MAX_VALUES,
  })
  return rows.map((row) => ({ value: String(row.value), count: Number(row.count) }))
}

function rangeOf(column: StoredColumn): ColumnProfile['range'] {
  const { min, max, quantiles } = column
  const [, low, median, high] = quantiles ?? []
  if (
    typeof min !== 'number' ||
    typeof max !== 'number' ||
    low === undefined ||
    median === undefined ||
    high === undefined
  )
    return null
  return { min, max, low, median, high }
}

async function unlessGone<T>(found: Promise<T>): Promise<T | null> {
  return found.catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'not_found') return null
    throw error
  })
}
