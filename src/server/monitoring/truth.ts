import { createHash } from 'node:crypto'

/**
 * Whether a prediction was right: the same JSON value, or the same text, so that a form's "1" is the model's 1. The order
 * of an object's keys does not matter.
 */
export function sameOutcome(predicted: unknown, truth: unknown): boolean {
  const a = canonical(predicted)
  const b = canonical(truth)
  return a === b || (isScalar(predicted) && isScalar(truth) && String(predicted) === String(truth))
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => (x < y ? -1 : 1)))
      : inner,
  )
}

/**
 * Whether a labelled prediction is kept away from training, to compare models on. Decided by its inputs, so that equal rows
 * always land on the same side: a row that was trained on never judges what was trained, however often it comes again.
 * @param inputs JSON object column → value, in any order of columns
 * @param share from 0 (none) to 1 (all)
 */
export function isHeldOut(inputs: string, share: number): boolean {
  return (
    createHash('sha256')
      .update(canonical(JSON.parse(inputs)))
      .digest()
      .readUInt32BE(0) /
      2 ** 32 <
    share
  )
}
