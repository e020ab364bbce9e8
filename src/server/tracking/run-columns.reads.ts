import type { Db } from '../../db/dialect.ts'
import { defineRead } from '../../db/reads.ts'
import { countFound, type KeyKind, type KeyPlace, walkKeys } from './run-columns.store.ts'
import type { RunSearch } from './runs-asked.store.ts'

/** Keys of one kind that are told; a search text finds the others. */
export const MAX_KEYS = 1_000
/** Looks into the index for one kind: with many experiments, or when a text is searched, more keys are seen than told. */
const MAX_LOOKS = 20_000

/** What is asked: all keys, or those that hold the text, in any case of its letters. */
export type KeysAsked = KeyPlace & { search: string }

/** Distinct keys in their order; `isMore`: there are others, or there were more to look at than is looked at. */
export type Keys = { keys: string[]; isMore: boolean }
export type ColumnKeys = Record<KeyKind, Keys>

async function keysOf(db: Db, kind: KeyKind, { search, ...place }: KeysAsked): Promise<Keys> {
  const isWhole = search === '' && place.experimentIds?.length === 1
  const looks = isWhole ? MAX_KEYS + 1 : MAX_LOOKS
  const walked = await walkKeys(db, kind, place, looks + 1)
  const text = search.toLowerCase()
  const keys = new Set(walked.filter((key) => key?.toLowerCase().includes(text) === true) as string[])
  const isMore = keys.size > MAX_KEYS || walked.length > looks
  return { keys: [...keys].sort().slice(0, MAX_KEYS), isMore }
}

/** What the runs of some experiments logged, by name. */
export const columnKeys = defineRead(
  import.meta.url,
  'columnKeys',
  async (db, asked: KeysAsked): Promise<ColumnKeys> => {
    const none: Keys = { keys: [], isMore: false }
    if (asked.experimentIds?.length === 0) return { metric: none, param: none, tag: none }
    return {
      metric: await keysOf(db, 'metric', asked),
      param: await keysOf(db, 'param', asked),
      tag: await keysOf(db, 'tag', asked),
    }
  },
)

/** Runs that a search finds; see `countFound`. */
export const foundCount = defineRead(
  import.meta.url,
  'foundCount',
  (db, { search, limit }: { search: RunSearch; limit: number }) => countFound(db, search, limit),
)
