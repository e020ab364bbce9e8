import { setTimeout as sleep } from 'node:timers/promises'
import { type Context, inTransaction } from '../../context.ts'
import { AppError } from '../../lib/errors.ts'
import { anyCondemned, dropStaleHoldings } from './references.store.ts'

/** A sweep removes what it condemned in far less; a killed one gives it free after its lease. */
const WAIT_MS = 70_000
const LOOK_EVERY_MS = 20

/**
 * Whether a sweep is about to remove one of these blobs. Every room that writes a reference to a blob that may be an old
 * one asks this first, in the transaction that writes: until it ends, no sweep begins to remove them.
 */
export async function aboutToBeSwept(
  tx: Context,
  kind: 'content' | 'objects',
  ids: readonly string[],
): Promise<boolean> {
  return ids.length > 0 && anyCondemned(tx.db, kind, ids, tx.now())
}

/**
 * Writes a reference to content that was just stored, which may be content that lay here unused and is being swept at this
 * moment: waits for the sweep then, and looks whether it left the content.
 * @param write writes the reference; it is called in a transaction, perhaps none of which commits
 * @param undo removes the reference again
 * @throws AppError unavailable when the sweep took the content with it: sent again, it is stored anew
 */
export async function referToContent(
  ctx: Context,
  sha256: string,
  write: (tx: Context) => Promise<void>,
  undo: (tx: Context) => Promise<void>,
): Promise<void> {
  for (let waited = 0; ; waited += LOOK_EVERY_MS) {
    const written = await inTransaction(ctx, async (tx) => {
      if (await aboutToBeSwept(tx, 'content', [sha256])) return false
      await write(tx)
      return true
    })
    if (written) break
    if (waited >= WAIT_MS) throw swept()
    await sleep(LOOK_EVERY_MS)
  }
  if (await ctx.blobs.hasContent(sha256)) return
  await inTransaction(ctx, undo)
  throw swept()
}

/** Takes content from a project that has no use for it, now. */
export async function dropUnused(tx: Context, projectId: string, ids: readonly string[]): Promise<void> {
  await dropStaleHoldings(tx.db, tx.now() + 1, { projectId, ids })
}

function swept(): AppError {
  return new AppError('unavailable', 'This content was being removed as unused when it arrived. Send it again.', {
    retryAfterSeconds: 1,
  })
}
