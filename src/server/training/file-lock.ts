import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'

const RETRY_MS = 200

/**
 * Does `work` while holding the lock `path`, which one task on one machine can hold at a time, in whatever process. It is
 * the lock that SQLite takes on a file, so the system frees it when its holder is killed: no stale locks.
 * @param onWait called once when somebody else holds it
 */
export async function withFileLock<T>(
  path: string,
  signal: AbortSignal,
  onWait: () => void,
  work: () => Promise<T>,
): Promise<T> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const lock = new DatabaseSync(path, { timeout: 0 })
  try {
    for (let first = true; !tryLock(lock); first = false) {
      if (first) onWait()
      await sleep(RETRY_MS, undefined, { signal })
    }
    return await work()
  } finally {
    lock.close()
  }
}

function tryLock(lock: DatabaseSync): boolean {
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return true
  } catch (error) {
    if (/database is locked/.test(String(error))) return false
    throw error
  }
}
