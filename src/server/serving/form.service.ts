import type { Context } from '../../context.ts'
import type { ModelVersion } from '../registry/versions.service.ts'
import type { Endpoint } from './endpoints.service.ts'
import { type ColumnProfile, type TrainingTable, trainingTable } from './form-data.service.ts'
import { type Example, exampleRows } from './form-examples.service.ts'
import { humanise, niceStep, shownNumber } from './humanise.ts'
import { classLabels } from './load.ts'
import { currentVersion } from './rollout.service.ts'
import { type InputColumn, type InputSignature, inputSignature, isNumberType, isWholeType } from './signature.ts'

export type FormField = {
  name: string
  label: string
  kind: 'number' | 'integer' | 'choice' | 'text' | 'boolean'
  required: boolean
  /** The values in the training data with their shares, most frequent first. */
  choices: { value: string; share: number }[] | null
  min: number | null
  max: number | null
  step: number | null
  typical: unknown
  help: string | null
}

/** What the form of a version asks, whichever endpoint serves it. */
export type VersionForm = {
  target: { name: string | null; labels: string[] | null }
  fields: FormField[]
  examples: Example[]
  /** Why the fields have no ranges, choices and examples; null when they do. */
  note: string | null
}
export type PredictionForm = VersionForm & { endpoint: string; model: string; version: number }

/** More different texts than this are typed, not chosen. */
const MAX_CHOICES = 60

/**
 * What a form must ask to predict with an endpoint: the signature of the version that answers, enriched by what the data
 * of its training run looks like. Without that data the fields are plain, and the note says so.
 * @throws AppError unprocessable when the version has no signature
 */
export async function predictionForm(ctx: Context, endpoint: Endpoint): Promise<PredictionForm> {
  const version = await currentVersion(ctx, endpoint)
  const described = await ctx.models.forms.get(version.id, () => describe(ctx, version))
  return { endpoint: endpoint.name, model: version.name, version: version.version, ...described }
}

async function describe(ctx: Context, version: ModelVersion): Promise<VersionForm> {
  const signature = inputSignature(version)
  const table = signature.layout === 'frame' ? await trainingTable(ctx, version, signature) : null
  const target = targetName(version, signature, table)
  const fields = signature.columns.map((column) => fieldOf(signature, column, table))
  const labels = await labelsOf(ctx, version, target === null ? undefined : table?.columns.get(target))
  const examples = table === null ? [] : await exampleRows(ctx, table, signature, target)
  const note =
    table === null ? 'The data this model was trained on is not known here, so there is nothing usual to show.' : null
  return { target: { name: target, labels }, fields, examples, note }
}

/** The output's name in the signature; else the one column of the data that is no input. */
function targetName(version: ModelVersion, signature: InputSignature, table: TrainingTable | null): string | null {
  const outputs = version.mlmodel?.signature?.outputs ?? []
  const named = outputs.length === 1 ? outputs[0]?.name : undefined
  if (named !== undefined && named !== null) return named
  const inputs = new Set(signature.columns.map((column) => column.name))
  const others = table === null ? [] : [...table.columns.keys()].filter((name) => !inputs.has(name))
  return others.length === 1 ? others[0]! : null
}

async function labelsOf(
  ctx: Context,
  version: ModelVersion,
  column: ColumnProfile | undefined,
): Promise<string[] | null> {
  const labels = await classLabels(ctx, version)
  if (labels !== null) return labels
  if (column === undefined || column.values === null || column.kind === 'number') return null
  return column.values.map(({ value }) => value).sort()
}

function fieldOf(signature: InputSignature, column: InputColumn, table: TrainingTable | null): FormField {
  const known = table?.columns.get(column.name)
  const label = signature.layout === 'matrix' ? `Value ${Number(column.name) + 1}` : humanise(column.name)
  const plain = {
    name: column.name,
    label,
    required: column.required,
    choices: null,
    min: null,
    max: null,
    step: null,
    typical: null,
  }
  if (isNumberType(column.type)) return { ...plain, ...numberField(column, known, table) }
  if (column.type === 'boolean') {
    const often = known?.values?.[0]?.value.toLowerCase()
    return {
      ...plain,
      kind: 'boolean',
      typical: often === undefined ? null : often === 'true',
      help: known === undefined ? unknownHelp(table, null) : null,
    }
  }
  if (column.type !== 'string') return { ...plain, kind: 'text', help: formatHelp(column.type) }
  const values = known?.values ?? null
  if (values === null || values.length === 0 || values.length > MAX_CHOICES)
    return { ...plain, kind: 'text', help: known === undefined ? unknownHelp(table, null) : 'Any text.' }
  const rows = values.reduce((sum, { count }) => sum + count, 0)
  const choices = values.map(({ value, count }) => ({ value, share: count / rows }))
  const [first] = choices
  return {
    ...plain,
    kind: 'choice',
    choices,
    typical: first!.value,
    help: `Most often ${first!.value} (${Math.round(first!.share * 100)} %).`,
  }
}

function numberField(
  column: InputColumn,
  known: ColumnProfile | undefined,
  table: TrainingTable | null,
): Pick<FormField, 'kind' | 'min' | 'max' | 'step' | 'typical' | 'help'> {
  const whole = isWholeType(column.type)
  const kind = whole ? 'integer' : 'number'
  const range = known?.range ?? null
  if (range === null)
    return {
      kind,
      min: null,
      max: null,
      step: whole ? 1 : null,
      typical: null,
      help: unknownHelp(table, whole ? 'A whole number.' : 'A number.'),
    }
  const { min, max, low, median, high } = range
  const usual = low === high ? `Usually ${shownNumber(low)}` : `Usually ${shownNumber(low)} to ${shownNumber(high)}`
  return {
    kind,
    min,
    max,
    step: whole ? 1 : niceStep(max - min),
    typical: whole ? Math.round(median) : median,
    help: `${usual}; from ${shownNumber(min)} to ${shownNumber(max)} in the training data.`,
  }
}

/** Honest about why a field has no range and no choices; where all have none, the form's note says it once. */
function unknownHelp(table: TrainingTable | null, what: string | null): string | null {
  if (table === null) return what
  const why = 'This column is not in the training data that is known here.'
  return what === null ? why : `${what} ${why}`
}

function formatHelp(type: string): string {
  if (type === 'datetime') return 'A date or time like 2026-11-22T10:00:00.'
  return type === 'binary' ? 'Bytes, in base64.' : `A value of type ${type}, as JSON.`
}
