import type { Context } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'

/** Writers that one server remembers; the one that was quiet longest is forgotten first, and then noted again. */
const REMEMBERED = 20_000

const known = new WeakMap<Context['config'], Set<string>>()

function writersOf(ctx: Context): Set<string> {
  let writers = known.get(ctx.config)
  if (writers === undefined) {
    writers = new Set()
    known.set(ctx.config, writers)
  }
  return writers
}

const keyOf = (actor: Actor, runId: string) => `${runId} ${actor.name} ${actor.origin?.address ?? ''}`

/**
 * Those of these writes whose writer was not yet noted as one who writes into the run, one for each. A run's data is not
 * audited point by point (docs/decisions/0012-audit.md): one row says who brings it, and from where.
 */
export function newWriters<W extends { actor: Actor; runId: string }>(ctx: Context, writes: readonly W[]): W[] {
  const writers = writersOf(ctx)
  const found = new Map<string, W>()
  for (const write of writes) {
    const key = keyOf(write.actor, write.runId)
    if (!writers.has(key) && !found.has(key)) found.set(key, write)
  }
  return [...found.values()]
}

/** Call it when the row that names the writer is committed: the run's `created` or its `logged`. */
export function rememberWriter(ctx: Context, actor: Actor, runId: string): void {
  const writers = writersOf(ctx)
  const key = keyOf(actor, runId)
  // Newest last: a Set keeps the order in which things came.
  writers.delete(key)
  writers.add(key)
  if (writers.size > REMEMBERED) writers.delete(writers.values().next().value ?? key)
}
