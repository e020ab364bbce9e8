/** Bytes that pass before the garbage they leave is collected. Of a heap that was idle before, 8 MiB are too many. */
const STEP_BYTES = 2 * 1024 * 1024

let passed = 0

/**
 * Counts bytes of a stream whose buffers die as soon as they were sent or written, and collects the young generation after
 * each 2 MiB of them (a third of a millisecond). Left alone, V8 lets them pile up and then marks the whole heap, again and
 * again and on every core: two thirds of the processor time that an upload or download takes (measured: 600 ms for 64 MiB
 * up and down, 210 with this). Without `--expose-gc` (scripts/node-flags.mjs) it does nothing.
 */
export function bytesPassed(bytes: number): void {
  passed += bytes
  if (passed < STEP_BYTES) return
  passed = 0
  globalThis.gc?.({ type: 'minor' })
}
