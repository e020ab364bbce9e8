import type { WriteTx } from '../../db/writes.ts'
import type { Actor } from '../../lib/actor.ts'

/** Writers that one server remembers at least; the last that it was told of, that is. Others are noted again. */
const REMEMBERED = 10_000

/** Who brings data into a run. */
type RunWriter = { actor: Actor; runId: string }

/** In two generations, so that the oldest are forgotten without looking for them. */
type Writers = { newest: Set<string>; older: Set<string> }

/** Of each server, which has one bus. */
const known = new WeakMap<WriteTx['bus'], Writers>()

function writersOf(ctx: WriteTx): Writers {
  let writers = known.get(ctx.bus)
  if (writers === undefined) {
    writers = { newest: new Set(), older: new Set() }
    known.set(ctx.bus, writers)
  }
  return writers
}

const keyOf = ({ actor, runId }: RunWriter) => `${runId} ${actor.name} ${actor.origin?.address ?? ''}`

/**
 * Whether it was noted already that this writer writes into the run. A run's data is not audited point by point
 * (docs/decisions/0012-audit.md): one row says who brings it, and from where.
 */
export function isKnownWriter(ctx: WriteTx, writer: RunWriter): boolean {
  const { newest, older } = writersOf(ctx)
  const key = keyOf(writer)
  return newest.has(key) || older.has(key)
}

/** One write of each writer. */
export function oneOfEachWriter<W extends RunWriter>(writes: readonly W[]): W[] {
  return [...new Map(writes.toReversed().map((write) => [keyOf(write), write])).values()].reverse()
}

/** Call it in each thread that asks, when the row that names the writer is committed: the run's `created` or its `logged`. */
export function rememberWriter(ctx: WriteTx, writer: RunWriter): void {
  const writers = writersOf(ctx)
  writers.newest.add(keyOf(writer))
  if (writers.newest.size < REMEMBERED) return
  writers.older = writers.newest
  writers.newest = new Set()
}
