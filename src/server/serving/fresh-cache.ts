/**
 * Remembers what `read` answered per key for at most `ttlMs`, with one read in flight per key at a time, so that answers
 * never go back in time: a read that began before `clear` is not kept, and a later caller reads again.
 */
export type FreshCache<T> = {
  get(key: string, read: () => Promise<T>): Promise<T>
  clear(): void
}

type Entry<T> = { reading: Promise<T>; generation: number; at: number; settled: boolean }

const MAX_KEYS = 10_000

export function createFreshCache<T>(ttlMs: number, now: () => number): FreshCache<T> {
  const entries = new Map<string, Entry<T>>()
  let generation = 0
  return {
    async get(key, read) {
      for (;;) {
        const known = entries.get(key)
        const current =
          known !== undefined && known.generation === generation && (!known.settled || now() - known.at <= ttlMs)
        if (current) return known.reading
        // The one before must be over, or its older answer could come in after ours.
        if (known !== undefined && !known.settled) {
          await known.reading.catch(() => {})
          continue
        }
        if (entries.size >= MAX_KEYS) entries.clear()
        const entry: Entry<T> = { reading: read(), generation, at: now(), settled: false }
        entries.set(key, entry)
        const settle = () => {
          entry.settled = true
        }
        entry.reading.then(settle, () => {
          settle()
          if (entries.get(key) === entry) entries.delete(key) // an error is told to those who waited, and asked again
        })
        return entry.reading
      }
    },
    clear() {
      generation++
    },
  }
}
