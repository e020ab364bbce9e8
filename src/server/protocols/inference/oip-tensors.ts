import { badRequest } from '../../../lib/errors.ts'
import type { Output } from '../../serving/predictor.ts'
import type { InputSignature } from '../../serving/signature.ts'
import { readBinary } from './oip-binary.ts'

type Row = Record<string, unknown>

/** A tensor on the wire of the Open Inference Protocol. */
export type WireTensor = { name: string; shape: number[]; datatype: string; data: unknown[] }

const DATATYPES: Record<string, string> = {
  string: 'BYTES',
  long: 'INT64',
  integer: 'INT32',
  double: 'FP64',
  float: 'FP32',
  boolean: 'BOOL',
}
const KNOWN = new Set([
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP16',
  'FP32',
  'FP64',
  'BYTES',
])
/** The name of the one input of a model that takes a matrix. */
const MATRIX = 'input'
export const VALUES = 'predict'
export const SCORES = 'predict_proba'

type Described = { name: string; datatype: string; shape: number[] }

export function describeInputs(signature: InputSignature): Described[] {
  const { columns, layout } = signature
  if (layout === 'matrix')
    return [{ name: MATRIX, datatype: DATATYPES[columns[0]!.type] ?? 'BYTES', shape: [-1, columns.length] }]
  return columns.map(({ name, type }) => ({ name, datatype: DATATYPES[type] ?? 'BYTES', shape: [-1] }))
}

export function describeOutputs(outputType: string | undefined, labels: number | null): Described[] {
  const values = { name: VALUES, datatype: DATATYPES[outputType ?? ''] ?? 'BYTES', shape: [-1] }
  return labels === null ? [values] : [values, { name: SCORES, datatype: 'FP64', shape: [-1, labels] }]
}

/**
 * The rows in the `inputs` of an infer request: one tensor `[N]` or `[N, 1]` a column, or one `[N, K]` for a matrix model.
 * `binary`: what follows the JSON in the body, for tensors with `parameters.binary_data_size`.
 * @throws AppError bad_request naming the input at fault
 */
export function inferRows(inputs: unknown, binary: Buffer, signature: InputSignature): Row[] {
  if (!Array.isArray(inputs) || inputs.length === 0)
    throw badRequest('inputs must be a list of at least one tensor.', 'inputs')
  let offset = 0
  const tensors = inputs.map((input: unknown, i) => {
    const { tensor, used } = readTensor(input, i, binary, offset)
    offset += used
    return tensor
  })
  if (offset !== binary.length)
    throw badRequest(`The body holds ${binary.length} bytes of tensors, but the inputs say ${offset}.`, 'inputs')
  const names = tensors.map((tensor) => tensor.name)
  if (new Set(names).size !== names.length) throw badRequest('Two inputs have the same name.', 'inputs')
  return signature.layout === 'matrix' ? matrixRows(tensors, signature) : frameRows(tensors)
}

function frameRows(tensors: WireTensor[]): Row[] {
  const counts = new Set(
    tensors.map(({ name, shape }, i) => {
      if (shape.length === 1 || (shape.length === 2 && shape[1] === 1)) return shape[0]!
      throw badRequest(
        `inputs[${i}] "${name}" has the shape [${shape.join(', ')}]; a column has [N] or [N, 1].`,
        `inputs[${i}].shape`,
      )
    }),
  )
  if (counts.size !== 1)
    throw badRequest(`The inputs have different numbers of rows: ${[...counts].join(', ')}.`, 'inputs')
  const [count = 0] = counts
  return Array.from({ length: count }, (_, r) => Object.fromEntries(tensors.map(({ name, data }) => [name, data[r]])))
}

function matrixRows(tensors: WireTensor[], signature: InputSignature): Row[] {
  const [tensor] = tensors
  const width = signature.columns.length
  if (tensors.length !== 1 || tensor === undefined || tensor.name !== MATRIX)
    throw badRequest(`The model takes one input, "${MATRIX}", of the shape [N, ${width}].`, 'inputs')
  if (tensor.shape.length !== 2 || tensor.shape[1] !== width)
    throw badRequest(
      `inputs[0] has the shape [${tensor.shape.join(', ')}]; the model takes [N, ${width}].`,
      'inputs[0].shape',
    )
  return Array.from({ length: tensor.shape[0]! }, (_, r) =>
    Object.fromEntries(signature.columns.map(({ name }, c) => [name, tensor.data[r * width + c]])),
  )
}

function readTensor(
  input: unknown,
  index: number,
  binary: Buffer,
  offset: number,
): { tensor: WireTensor; used: number } {
  const at = `inputs[${index}]`
  if (typeof input !== 'object' || input === null)
    throw badRequest(`${at} must be a tensor: {name, shape, datatype, data}.`, at)
  const { name, shape, datatype, data, parameters } = input as Record<string, unknown>
  if (typeof name !== 'string') throw badRequest(`${at}.name must be text.`, `${at}.name`)
  if (typeof datatype !== 'string' || !KNOWN.has(datatype))
    throw badRequest(`${at}.datatype must be one of ${[...KNOWN].join(', ')}.`, `${at}.datatype`)
  if (
    !Array.isArray(shape) ||
    shape.length === 0 ||
    shape.length > 8 ||
    shape.some((size) => !Number.isSafeInteger(size) || size < 0)
  ) {
    throw badRequest(`${at}.shape must be a list of whole numbers.`, `${at}.shape`)
  }
  // Only compared with what is there: a shape of a billion elements allocates nothing.
  const size = (shape as number[]).reduce((product, length) => product * length, 1)
  const bytes = (parameters as Record<string, unknown> | undefined)?.binary_data_size
  let values: unknown[]
  let used = 0
  if (bytes === undefined) {
    if (!Array.isArray(data)) throw badRequest(`${at}.data must be a list.`, `${at}.data`)
    values = data.flat(8)
  } else {
    if (!Number.isSafeInteger(bytes) || (bytes as number) < 0 || offset + (bytes as number) > binary.length) {
      throw badRequest(
        `${at} says it has ${String(bytes)} bytes, but the body holds ${binary.length - offset} more.`,
        `${at}.parameters.binary_data_size`,
      )
    }
    used = bytes as number
    values = readBinary(binary.subarray(offset, offset + used), datatype, at)
  }
  if (values.length !== size)
    throw badRequest(
      `${at} "${name}" has the shape [${shape.join(', ')}], that is ${size} values, but ${values.length} values of data.`,
      `${at}.shape`,
    )
  return { tensor: { name, shape: shape as number[], datatype, data: values }, used }
}

/** Predictions as tensors: `predict`, and `predict_proba` when the model gives scores. */
export function outputTensors(outputs: readonly Output[], outputType: string | undefined): WireTensor[] {
  const values = outputs.map((output) => output.value)
  const datatype = datatypeOf(values, DATATYPES[outputType ?? ''])
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
  const tensors: WireTensor[] = [
    { name: VALUES, shape: [values.length], datatype, data: datatype === 'BYTES' ? values.map(text) : values },
  ]
  const first = outputs[0]?.scores
  if (first !== null && first !== undefined) {
    const labels = Object.keys(first)
    tensors.push({
      name: SCORES,
      shape: [outputs.length, labels.length],
      datatype: 'FP64',
      data: outputs.flatMap((output) => labels.map((label) => output.scores?.[label] ?? null)),
    })
  }
  return tensors
}

/** What the signature says, when the values are so; else what they are. */
function datatypeOf(values: unknown[], said: string | undefined): string {
  const whole = values.every((value) => Number.isSafeInteger(value))
  const numbers = values.every((value) => typeof value === 'number')
  if (said?.startsWith('FP') === true && numbers) return said
  if (said?.startsWith('INT') === true && whole) return said
  if (values.every((value) => typeof value === 'boolean')) return 'BOOL'
  return whole ? 'INT64' : numbers ? 'FP64' : 'BYTES'
}
