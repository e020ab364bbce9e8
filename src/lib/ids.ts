import { randomBytes, randomFillSync } from 'node:crypto'

/**
 * A new identity: 32 lower-case hex characters, time-ordered (48 bits of milliseconds, then 80 random
 * bits), so that rows made together lie together in an index. The shape is the one MLflow uses for run ids.
 */
export function newId(nowMs: number = Date.now()): string {
  if (poolAt + RANDOM_BYTES > pool.length) {
    randomFillSync(pool)
    poolAt = 0
  }
  poolAt += RANDOM_BYTES
  return nowMs.toString(16).padStart(12, '0') + pool.toString('hex', poolAt - RANDOM_BYTES, poolAt)
}

/** Random bytes are drawn many at a time: every request has an id, and each draw is a system call. */
const RANDOM_BYTES = 10
const pool = Buffer.alloc(RANDOM_BYTES * 256)
let poolAt = pool.length

/** A secret that cannot be guessed: `bytes` random bytes in URL-safe base64. */
export function newSecret(bytes = 32): string {
  return randomBytes(bytes).toString('base64url')
}
