/** Answers that are asked for with every request, remembered for a moment. */
export type Memo = {
  /**
   * The remembered answer, else what `load` finds. Null and undefined are not remembered: what is made a moment later is
   * found at once. What is remembered comes without a promise: every request asks, and each promise is a turn of waiting.
   */
  get<T>(key: string, load: () => Promise<T>): T | Promise<T>
  /** Call it after a change that an answer depends on was committed; other processes learn of it, too. */
  forget(): void
}

const MAX_ENTRIES = 10_000

/**
 * @param ttlMs how long an answer may be older than the truth when nobody says that it changed
 * @param mark what processes on one store tell each other of a change with; absent where they cannot
 */
export function createMemo(
  ttlMs: number,
  now: () => number,
  mark: { read: () => number; change: () => void } = { read: () => 0, change: () => {} },
): Memo {
  const entries = new Map<string, { value: unknown; untilMs: number }>()
  let generation = 0
  let seen = mark.read()

  function clear(): void {
    generation += 1
    entries.clear()
  }

  async function found<T>(key: string, load: () => Promise<T>): Promise<T> {
    const asked = generation
    const value = await load()
    // What was read while something changed may be the old truth.
    if (value === null || value === undefined || asked !== generation) return value
    if (entries.size >= MAX_ENTRIES) entries.clear()
    entries.set(key, { value, untilMs: now() + ttlMs })
    return value
  }

  return {
    forget() {
      clear()
      try {
        mark.change()
      } catch {
        // The disk is full, say: others know when their time is over.
      }
    },
    get<T>(key: string, load: () => Promise<T>): T | Promise<T> {
      const current = mark.read()
      if (current !== seen) {
        seen = current
        clear()
      }
      const known = entries.get(key)
      if (known !== undefined && known.untilMs > now()) return known.value as T
      return found(key, load)
    },
  }
}
