import type { Context } from '../../context.ts'
import { AppError, errorMessage } from '../../lib/errors.ts'
import { insertPredictions, type PredictionRow } from './predictions.store.ts'

/** Writes predictions by group commit. */
export type Journal = {
  /**
   * Resolves when the rows are committed. Rows of requests that arrive while a commit runs share the next one.
   * @throws AppError unavailable when too many rows wait
   */
  append(ctx: Context, rows: PredictionRow[]): Promise<void>
}

type Waiting = { rows: PredictionRow[]; resolve: () => void; reject: (error: unknown) => void }

const MAX_WAITING_ROWS = 50_000
const MAX_COMMIT_ROWS = 5_000

export function createJournal(): Journal {
  let queue: Waiting[] = []
  let waitingRows = 0
  let writing = false

  function take(): Waiting[] {
    let rows = 0
    let count = 0
    while (count < queue.length && (count === 0 || rows + queue[count]!.rows.length <= MAX_COMMIT_ROWS))
      rows += queue[count++]!.rows.length
    const taken = queue.slice(0, count)
    queue = queue.slice(count)
    return taken
  }

  async function write(ctx: Context): Promise<void> {
    // One turn of the event loop: what has arrived on other connections joins this commit.
    await new Promise((resolve) => setImmediate(resolve))
    while (queue.length > 0) await commit(ctx, take())
    writing = false
  }

  async function commit(ctx: Context, group: Waiting[]): Promise<void> {
    try {
      const rows = group.flatMap((entry) => entry.rows)
      await ctx.db.transaction().execute((tx) => insertPredictions(tx, rows))
      for (const entry of group) settle(entry)
    } catch (error) {
      // One request's rows may be refused (its project was just removed): the others must not fail with it.
      if (group.length > 1 && isConstraint(error)) for (const entry of group) await commit(ctx, [entry])
      else for (const entry of group) settle(entry, error)
    }
  }

  function isConstraint(error: unknown): boolean {
    return String((error as { code?: unknown }).code ?? '').startsWith('23') || /constraint/i.test(errorMessage(error))
  }

  function settle(entry: Waiting, error?: unknown): void {
    waitingRows -= entry.rows.length
    if (error === undefined) entry.resolve()
    else entry.reject(error)
  }

  return {
    append(ctx, rows) {
      if (waitingRows + rows.length > MAX_WAITING_ROWS) {
        return Promise.reject(
          new AppError('unavailable', 'More predictions arrive than can be recorded; send again in a moment.', {
            retryAfterSeconds: 1,
          }),
        )
      }
      waitingRows += rows.length
      const done = new Promise<void>((resolve, reject) => queue.push({ rows, resolve, reject }))
      if (!writing) {
        writing = true
        void write(ctx)
      }
      return done
    },
  }
}
