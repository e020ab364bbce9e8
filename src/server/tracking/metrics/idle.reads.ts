import { defineRead } from '../../../db/reads.ts'
import { idleSeries } from './series.store.ts'

/** Looks at every series with a tail, of which a store of many running runs has a hundred thousand. */
export const idle = defineRead(
  import.meta.url,
  'idle',
  (db, { beforeMs, limit }: { beforeMs: number; limit: number }) => idleSeries(db, beforeMs, limit),
)
