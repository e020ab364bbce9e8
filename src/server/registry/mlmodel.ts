import { errorMessage } from '../../lib/errors.ts'
import { parseYaml } from '../../lib/yaml.ts'

/** One input or output. `type` is MLflow's name of it: string, long, integer, double, float, boolean, datetime, binary, tensor … */
export type SignatureColumn = {
  /** null: an unnamed output or a single unnamed tensor. */
  name: string | null
  type: string
  required: boolean
  /** Tensors only; -1 is any length. */
  shape?: number[]
  /** Tensors only: the NumPy name of the element type. */
  dtype?: string
}

export type Signature = { inputs: SignatureColumn[]; outputs: SignatureColumn[] }

/** What the `MLmodel` file of a model says, as far as we use it. */
export type MlModel = {
  /** `sklearn`, `python_function`, `onnx`, `pytorch` …, sorted. */
  flavors: string[]
  signature: Signature | null
  sizeBytes: number | null
  /** Whether loading the model executes code that comes with it: a pickle, a Python model, a torch file … */
  runsCode: boolean
  /** Why the file could not be read; null when it could. */
  problem: string | null
  /** The whole file as an object; the signature in it is still JSON text. */
  raw: Record<string, unknown>
}

type Fields = Record<string, unknown>

/** Largest MLmodel that is read, in bytes; real ones have a few thousand. */
export const MLMODEL_MAX_BYTES = 1024 * 1024

/**
 * Reads the text of an `MLmodel` file. Never throws: a file that makes no sense gives a model without flavors whose
 * `problem` says so, because registering a version must not depend on it.
 */
export function parseMlModel(text: string): MlModel {
  try {
    const raw: unknown = parseYaml(text, 50)
    if (!isFields(raw)) throw new Error('it is not a YAML mapping')
    const flavors = isFields(raw.flavors) ? raw.flavors : {}
    return {
      flavors: Object.keys(flavors).sort(),
      signature: parseSignature(raw.signature),
      sizeBytes: typeof raw.model_size_bytes === 'number' ? raw.model_size_bytes : null,
      runsCode: runsCode(flavors),
      problem: null,
      raw,
    }
  } catch (error) {
    const problem = `The model's MLmodel file cannot be read: ${errorMessage(error).split('\n')[0]}`
    return { flavors: [], signature: null, sizeBytes: null, runsCode: true, problem, raw: {} }
  }
}

function parseSignature(value: unknown): Signature | null {
  if (!isFields(value)) return null
  return { inputs: parseColumns(value.inputs), outputs: parseColumns(value.outputs) }
}

/** MLflow keeps each side of a signature as JSON text inside the YAML. */
function parseColumns(value: unknown): SignatureColumn[] {
  if (typeof value !== 'string') return []
  const columns: unknown = JSON.parse(value)
  return Array.isArray(columns) ? columns.filter(isFields).map(parseColumn) : []
}

function parseColumn(column: Fields): SignatureColumn {
  const named = {
    name: typeof column.name === 'string' ? column.name : null,
    type: typeof column.type === 'string' ? column.type : 'unknown',
    required: column.required !== false,
  }
  const spec = column['tensor-spec']
  if (!isFields(spec)) return named
  const shape = Array.isArray(spec.shape) ? spec.shape.filter((length) => typeof length === 'number') : []
  return { ...named, type: 'tensor', shape, dtype: String(spec.dtype ?? '') }
}

/** A class of scikit-learn itself: `sklearn.tree._tree.Tree`. */
const OWN_CLASS = /^sklearn(\.[a-z_]+)+\.[A-Z]\w*$/

/**
 * Only two formats are known to hold data and no code: ONNX, and scikit-learn saved by skops without modules of its own.
 * skops refuses types it does not know, but the list of exceptions comes with the model: it may name classes of
 * scikit-learn and nothing else.
 */
function runsCode(flavors: Fields): boolean {
  const { sklearn, onnx } = flavors
  if (isFields(onnx)) return false
  if (!isFields(sklearn) || sklearn.serialization_format !== 'skops' || (sklearn.code ?? null) !== null) return true
  const trusted = sklearn.skops_trusted_types ?? []
  return !Array.isArray(trusted) || trusted.some((type) => typeof type !== 'string' || !OWN_CLASS.test(type))
}

/** The fields of one flavor, null when the model lacks it. */
export function flavorOf(model: MlModel, flavor: string): Fields | null {
  const { flavors } = model.raw
  const found = isFields(flavors) ? flavors[flavor] : undefined
  return isFields(found) ? found : null
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
