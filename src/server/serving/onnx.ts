import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { AppError, badRequest } from '../../lib/errors.ts'
import type { Output, Predictor } from './predictor.ts'
import { type InputSignature, isNumberType } from './signature.ts'

/** How a model's columns and classes map to its ONNX form; the conversion writes it. What is absent is derived. */
export type OnnxInterface = {
  /** `column` null: the whole row as one matrix. */
  inputs?: { name: string; column?: string | null }[]
  outputs?: { label?: string | null; probabilities?: string | null; classes?: (string | number | boolean)[] | null }
}

type Ort = typeof import('onnxruntime-node')
type Metadata = InferenceSession['inputMetadata'][number] & { isTensor: true }

/** One input tensor and the columns (by place in the signature) that fill it, side by side. */
type Feed = { input: string; type: string; rank: number; columns: number[] }

/** Rows in one call of the session: bounds the memory of its intermediate tensors. */
const CHUNK_ROWS = 4096

/**
 * Loads an ONNX model from a file of this machine.
 * @throws AppError unprocessable when it does not fit the signature, or onnxruntime cannot read it
 */
export async function loadOnnx(path: string, signature: InputSignature, form: OnnxInterface): Promise<Predictor> {
  // Native code of some 45 MB: only a server that serves a model pays for it.
  const ort: Ort = await import('onnxruntime-node')
  let session: InferenceSession
  try {
    // One thread a session: for small models the hand-over between threads costs more than it gains.
    session = await ort.InferenceSession.create(path, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 3,
    })
  } catch (error) {
    throw new AppError('unprocessable', 'onnxruntime cannot read the ONNX form of this model. Convert it again.', {
      cause: error,
    })
  }
  try {
    const feeds = feedsOf(session, signature, form)
    const outputs = outputsOf(session, form)
    return {
      runtime: 'onnx',
      signature,
      labels: outputs.probabilities === null ? null : outputs.classes.map(String),
      async predict(columns, rowCount) {
        const answers: Output[] = []
        for (let start = 0; start < rowCount; start += CHUNK_ROWS) {
          const end = Math.min(rowCount, start + CHUNK_ROWS)
          const tensors: Record<string, Tensor> = {}
          for (const feed of feeds) tensors[feed.input] = tensorOf(ort, feed, signature, columns, start, end)
          const results = await session.run(tensors, outputs.fetches)
          decode(results, outputs, end - start, answers)
        }
        return answers
      },
      close: () => session.release(),
    }
  } catch (error) {
    await session.release()
    throw error
  }
}

function feedsOf(session: InferenceSession, signature: InputSignature, form: OnnxInterface): Feed[] {
  const placeOf = new Map(signature.columns.map((column, i) => [column.name, i]))
  return session.inputMetadata.map((metadata) => {
    const { name, type, shape } = tensorMetadata(metadata)
    const width = shape.at(-1)
    const wide = shape.length === 2 && typeof width === 'number' && width > 1
    const mapped = form.inputs?.find((input) => input.name === name)
    const matrix = session.inputNames.length === 1 && (wide || signature.layout === 'matrix' || mapped?.column === null)
    if (matrix) {
      if (typeof width === 'number' && width !== signature.columns.length) {
        throw new AppError(
          'unprocessable',
          `The ONNX form takes ${width} values a row, the signature has ${signature.columns.length} columns.`,
        )
      }
      return checkFeed(
        { input: name, type, rank: shape.length, columns: signature.columns.map((_, i) => i) },
        signature,
      )
    }
    const place = placeOf.get(mapped?.column ?? name)
    if (place === undefined || wide) {
      throw new AppError(
        'unprocessable',
        `The ONNX form takes "${name}" [${shape.join(', ')}], which is no column of the model's signature.`,
      )
    }
    return checkFeed({ input: name, type, rank: shape.length, columns: [place] }, signature)
  })
}

function checkFeed(feed: Feed, signature: InputSignature): Feed {
  for (const place of feed.columns) {
    const column = signature.columns[place]!
    const text = column.type === 'string'
    const fits = text === (feed.type === 'string') && (text || isNumberType(column.type) || column.type === 'boolean')
    if (!fits)
      throw new AppError(
        'unprocessable',
        `The ONNX form takes ${feed.type} for the column "${column.name}" of type ${column.type}.`,
      )
  }
  return feed
}

function tensorMetadata(metadata: InferenceSession['inputMetadata'][number]): Metadata {
  if (metadata.isTensor) return metadata
  throw new AppError(
    'unprocessable',
    `The ONNX form takes or gives "${metadata.name}", which is no tensor (convert with zipmap off).`,
  )
}

function tensorOf(
  ort: Ort,
  feed: Feed,
  signature: InputSignature,
  columns: unknown[][],
  start: number,
  end: number,
): Tensor {
  const width = feed.columns.length
  const rows = end - start
  const dims = feed.rank === 1 ? [rows] : [rows, width]
  const fill = <T>(target: { [i: number]: T }, convert: (value: unknown, column: number, row: number) => T) => {
    for (let c = 0; c < width; c++) {
      const place = feed.columns[c]!
      const source = columns[place]!
      for (let r = 0; r < rows; r++) target[r * width + c] = convert(source[start + r], place, start + r)
    }
    return target
  }
  const whole = (value: unknown, column: number, row: number): number => {
    if (value !== null) return Number(value)
    const field = `rows[${row}].${signature.columns[column]?.name}`
    throw badRequest(`${field} is missing; the ONNX form of this model cannot do without it.`, field)
  }
  const single = (value: unknown, column: number, row: number): number => {
    const number = asNumber(value)
    if (value === null || Number.isFinite(Math.fround(number))) return number
    const field = `rows[${row}].${signature.columns[column]?.name}`
    throw badRequest(`${field} is too large: the ONNX form of this model computes in 32 bits.`, field)
  }
  const size = rows * width
  switch (feed.type) {
    case 'string':
      return new ort.Tensor(
        'string',
        fill(new Array<string>(size), (value) => (value === null ? '' : String(value))) as string[],
        dims,
      )
    case 'float32':
      return new ort.Tensor('float32', fill(new Float32Array(size), single) as Float32Array, dims)
    case 'float64':
      return new ort.Tensor('float64', fill(new Float64Array(size), asNumber) as Float64Array, dims)
    case 'int64':
      return new ort.Tensor(
        'int64',
        fill(new BigInt64Array(size), (...value) => BigInt(whole(...value))) as BigInt64Array,
        dims,
      )
    case 'int32':
      return new ort.Tensor('int32', fill(new Int32Array(size), whole) as Int32Array, dims)
    case 'bool':
      return new ort.Tensor('bool', fill(new Uint8Array(size), whole) as Uint8Array, dims)
    default:
      throw new AppError(
        'unprocessable',
        `The ONNX form takes tensors of ${feed.type}, which cannot be made from rows.`,
      )
  }
}

/** An absent optional number is NaN, as in pandas. */
function asNumber(value: unknown): number {
  return value === null ? Number.NaN : Number(value)
}

type Outputs = {
  value: string
  probabilities: string | null
  classes: (string | number | boolean)[]
  fetches: string[]
}

function outputsOf(session: InferenceSession, form: OnnxInterface): Outputs {
  const all = session.outputMetadata.map(tensorMetadata)
  const named = (name: string | null | undefined) => all.find((output) => output.name === name)?.name
  const label = named(form.outputs?.label) ?? all.find((output) => /label/i.test(output.name))?.name
  const value = label ?? all[0]!.name
  const probabilities =
    label === undefined
      ? null
      : (named(form.outputs?.probabilities) ?? all.find((output) => /prob/i.test(output.name))?.name ?? null)
  const classes = form.outputs?.classes ?? []
  const scored = probabilities !== null && classes.length > 0 ? probabilities : null
  return { value, probabilities: scored, classes, fetches: scored === null ? [value] : [value, scored] }
}

function decode(results: InferenceSession.OnnxValueMapType, outputs: Outputs, rows: number, into: Output[]): void {
  const values = results[outputs.value] as Tensor
  const width = values.dims.slice(1).reduce((product, size) => product * size, 1)
  const scores = outputs.probabilities === null ? null : (results[outputs.probabilities] as Tensor)
  const { classes } = outputs
  const logical = classes.length > 0 && classes.every((item) => typeof item === 'boolean')
  for (let r = 0; r < rows; r++) {
    const cells = Array.from({ length: width }, (_, i) => plain(values.data[r * width + i]))
    const value = width === 1 ? cells[0] : cells
    into.push({
      value: logical ? Boolean(Number(value)) : value,
      scores: scores === null ? null : scoresAt(scores, classes, r),
    })
  }
}

function scoresAt(tensor: Tensor, classes: Outputs['classes'], row: number): Record<string, number> {
  const scores: Record<string, number> = {}
  for (const [i, label] of classes.entries()) scores[String(label)] = Number(tensor.data[row * classes.length + i])
  return scores
}

/** JSON has no int64 and no NaN: beyond 2^53 a number becomes text, what is not finite becomes null. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint')
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(value)
      : String(value)
  if (typeof value === 'number' && !Number.isFinite(value)) return null
  return value
}
