import type { InputSignature } from './signature.ts'

export type Runtime = 'onnx' | 'python'

/** What a model says about one row. `scores`: label → probability; null when the model gives none. */
export type Output = { value: unknown; scores: Record<string, number> | null }

/** A loaded model. */
export type Predictor = {
  readonly runtime: Runtime
  readonly signature: InputSignature
  /** The classes that scores are given for; null when the model gives none. */
  readonly labels: string[] | null
  /**
   * Predicts rows given column-wise (`columns[column][row]`, as `checkRows` returns them), in the order of the signature.
   * @throws AppError bad_request when the model refuses the values, unavailable when its queue is full, timeout
   */
  predict(columns: unknown[][], rowCount: number): Promise<Output[]>
  close(): Promise<void>
}
