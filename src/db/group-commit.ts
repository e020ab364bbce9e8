import { type Kysely, sql, type Transaction } from 'kysely'
import { isPostgres, troubleOf } from './dialect.ts'
import type { Tables } from './tables.ts'

type Work<T> = (tx: Transaction<Tables>) => Promise<T>
type Unit = { work: Work<unknown>; resolve: (value: unknown) => void; reject: (error: unknown) => void }
type Outcome = { value: unknown } | { error: unknown }

const groups = new WeakMap<Kysely<Tables>, CommitGroup>()

/** Others wait for the group's commit: what has not begun after this time joins the next one. */
const MAX_GROUP_MS = 20

/**
 * Runs `work` in a transaction and resolves when it is committed. On SQLite, whose commits each wait for the disk
 * (`synchronous=FULL`) and take one writer at a time, work that arrives together shares one commit: each piece has a
 * savepoint of its own, so that one which throws takes only its own changes back. PostgreSQL groups commits by itself.
 */
export function transact<T>(db: Kysely<Tables>, work: Work<T>): Promise<T> {
  if (isPostgres(db)) return db.transaction().execute(work)
  let group = groups.get(db)
  if (group === undefined) {
    group = new CommitGroup(db)
    groups.set(db, group)
  }
  return group.run(work)
}

class CommitGroup {
  readonly #db: Kysely<Tables>
  #waiting: Unit[] = []
  #running = false

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  run<T>(work: Work<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as Unit['resolve'], reject })
      if (this.#running) return
      this.#running = true
      setImmediate(() => void this.#drain())
    })
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const units = this.#waiting
      this.#waiting = []
      if (units.length === 1 && units[0] !== undefined) await this.#commitOne(units[0])
      else await this.#commitTogether(units)
      // One turn of the event loop: what came in on other connections meanwhile joins the next commit.
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#running = false
  }

  async #commitOne(unit: Unit): Promise<void> {
    try {
      unit.resolve(await this.#db.transaction().execute(unit.work))
    } catch (error) {
      unit.reject(error)
    }
  }

  async #commitTogether(units: Unit[]): Promise<void> {
    const outcomes = new Map<Unit, Outcome>()
    try {
      await this.#db.transaction().execute(async (tx) => {
        const until = performance.now() + MAX_GROUP_MS
        for (const [index, unit] of units.entries()) {
          if (performance.now() > until) {
            this.#waiting = [...units.slice(index), ...this.#waiting]
            break
          }
          outcomes.set(unit, await inSavepoint(tx, unit.work))
        }
      })
    } catch (error) {
      // Nothing was committed (the disk is full, say): nobody may believe that it was.
      for (const [unit, outcome] of outcomes) unit.reject('error' in outcome ? outcome.error : error)
      const begun = new Set([...outcomes.keys(), ...this.#waiting])
      for (const unit of units) if (!begun.has(unit)) unit.reject(error)
      return
    }
    for (const [unit, outcome] of outcomes) {
      if ('error' in outcome) unit.reject(outcome.error)
      else unit.resolve(outcome.value)
    }
  }
}

async function inSavepoint(tx: Transaction<Tables>, work: Work<unknown>): Promise<Outcome> {
  await sql`SAVEPOINT unit`.execute(tx)
  try {
    const value = await work(tx)
    await sql`RELEASE unit`.execute(tx)
    return { value }
  } catch (error) {
    // SQLite may have rolled back by itself, savepoints and all: what the others did is gone with it.
    if (troubleOf(error) !== null) throw error
    await sql`ROLLBACK TO unit`.execute(tx)
    await sql`RELEASE unit`.execute(tx)
    return { error }
  }
}
