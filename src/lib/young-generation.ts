/** Bytes that pass before the garbage they leave is collected. */
const STEP_BYTES = 16 * 1024 * 1024

let passed = 0

/**
 * Counts bytes of a stream whose buffers die as soon as they were sent or written, and collects the young generation after
 * each 16 MiB of them (a millisecond). Left alone, V8 lets 40 MiB pile up and then marks the whole heap, on every core:
 * that was half of what an upload or download cost. Without `--expose-gc` (scripts/node-flags.mjs) it does nothing.
 */
export function bytesPassed(bytes: number): void {
  passed += bytes
  if (passed < STEP_BYTES) return
  passed = 0
  globalThis.gc?.({ type: 'minor' })
}
