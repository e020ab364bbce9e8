import type { WriteTx } from '../../db/writes.ts'
import type { Actor } from '../../lib/actor.ts'

/** Writers that one server remembers; the one that was quiet longest is forgotten first, and then noted again. */
const REMEMBERED = 20_000

/** Who brings data into a run. */
type RunWriter = { actor: Actor; runId: string }

/** Of each server, which has one bus. */
const known = new WeakMap<WriteTx['bus'], Set<string>>()

function writersOf(ctx: WriteTx): Set<string> {
  let writers = known.get(ctx.bus)
  if (writers === undefined) {
    writers = new Set()
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
  return writersOf(ctx).has(keyOf(writer))
}

/** One write of each writer. */
export function oneOfEachWriter<W extends RunWriter>(writes: readonly W[]): W[] {
  return [...new Map(writes.toReversed().map((write) => [keyOf(write), write])).values()].reverse()
}

/** Call it in each thread that asks, when the row that names the writer is committed: the run's `created` or its `logged`. */
export function rememberWriter(ctx: WriteTx, writer: RunWriter): void {
  const writers = writersOf(ctx)
  const key = keyOf(writer)
  // Newest last: a Set keeps the order in which things came.
  writers.delete(key)
  writers.add(key)
  if (writers.size > REMEMBERED) writers.delete(writers.values().next().value ?? key)
}
