import type { Predictor } from './predictor.ts'

/** A loaded model that stays loaded until `release`, whatever else is loaded meanwhile. */
export type Lease = { predictor: Predictor; release(): void }

/** The models in memory: at most `capacity`, the least recently used leaves first. */
export type LoadedModels = {
  /** The model of this id; `load` is called when it is not there. Who comes while it loads waits for the same load. */
  lease(id: string, load: () => Promise<Predictor>): Promise<Lease>
  peek(id: string): Predictor | null
  /** Takes models out; one in use is closed after its last request. */
  evict(which: (predictor: Predictor) => boolean): void
  close(): Promise<void>
}

type Entry = { loading: Promise<Predictor>; predictor: Predictor | null; users: number; evicted: boolean }

/** @param onError is told when a model that left could not be closed */
export function createLoadedModels(capacity: number, onError: (error: unknown) => void): LoadedModels {
  const entries = new Map<string, Entry>() // in the order of last use

  function closeIfIdle(entry: Entry): void {
    if (entry.evicted && entry.users === 0) void entry.loading.then((predictor) => predictor.close()).catch(onError)
  }

  function remove(id: string, entry: Entry): void {
    entries.delete(id)
    entry.evicted = true
    closeIfIdle(entry)
  }

  function begin(id: string, load: () => Promise<Predictor>): Entry {
    const entry: Entry = { loading: load(), predictor: null, users: 0, evicted: false }
    entries.set(id, entry)
    entry.loading.then(
      (predictor) => {
        entry.predictor = predictor
        // Only now: until it is loaded, the model it replaces is still needed.
        const ready = [...entries].filter(([, other]) => other.predictor !== null)
        for (const [oldId, old] of ready.slice(0, Math.max(0, ready.length - capacity))) remove(oldId, old)
      },
      () => {
        if (entries.get(id) === entry) entries.delete(id)
      },
    )
    return entry
  }

  return {
    async lease(id, load) {
      const entry = entries.get(id) ?? begin(id, load)
      entry.users++
      try {
        const predictor = await entry.loading
        if (!entry.evicted) {
          entries.delete(id)
          entries.set(id, entry)
        }
        const release = () => {
          entry.users--
          closeIfIdle(entry)
        }
        return { predictor, release }
      } catch (error) {
        entry.users--
        throw error
      }
    },
    peek: (id) => entries.get(id)?.predictor ?? null,
    evict(which) {
      for (const [id, entry] of [...entries]) if (entry.predictor !== null && which(entry.predictor)) remove(id, entry)
    },
    async close() {
      const all = [...entries.values()]
      entries.clear()
      await Promise.allSettled(all.map(async (entry) => (await entry.loading).close()))
    },
  }
}
