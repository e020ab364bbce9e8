import { type Kysely, sql, type Transaction } from 'kysely'
import { isPostgres, troubleOf } from './dialect.ts'
import type { Tables } from './tables.ts'

type Work<T> = (tx: Transaction<Tables>) => Promise<T>
/** How much is to be written together. */
export type Load = { items: number; rows: number }
/** How another connection of this process can do the same work, while no transaction of this one is open. */
export type Elsewhere<T> = {
  /** Whether it should, and can, when so much is to be written with it. */
  isWanted(load: Load): boolean
  /** How much it is. */
  load(): Load
  run(): Promise<T>
}
type Unit = {
  work: Work<unknown>
  elsewhere: Elsewhere<unknown> | undefined
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}
type Outcome = { value: unknown } | { error: unknown }

const NOTHING: Load = { items: 0, rows: 0 }
const ONE: Load = { items: 1, rows: 1 }

const groups = new WeakMap<Kysely<Tables>, CommitGroup>()

/** Others wait for the group's commit: what has not begun after this time joins the next one. */
const MAX_GROUP_MS = 20

/**
 * With one turn, 11 of 16 clients share a commit, since those who are answered first ask again meanwhile; so, 15 do. Where a
 * turn takes long, a commit costs less than to wait for the next one.
 */
const MAX_TURNS = 8
const MAX_WAIT_MS = 3

/**
 * Runs `work` in a transaction and resolves when it is committed. On SQLite, whose commits each wait for the disk
 * (`synchronous=FULL`) and take one writer at a time, work that arrives together shares one commit: each piece has a
 * savepoint of its own, so that one which throws takes only its own changes back. When all that waits is wanted elsewhere,
 * it is done there. PostgreSQL groups commits by itself.
 */
export function transact<T>(db: Kysely<Tables>, work: Work<T>, elsewhere?: Elsewhere<T>): Promise<T> {
  if (isPostgres(db)) return db.transaction().execute(work)
  return groupOf(db).run(work, elsewhere)
}

/** Is done elsewhere, too, when something is there already and nothing waits to be done here; null when not. */
export function joinElsewhere<T>(db: Kysely<Tables>, elsewhere: Elsewhere<T>): Promise<T> | null {
  return isPostgres(db) ? null : groupOf(db).join(elsewhere)
}

function groupOf(db: Kysely<Tables>): CommitGroup {
  let group = groups.get(db)
  if (group === undefined) {
    group = new CommitGroup(db)
    groups.set(db, group)
  }
  return group
}

class CommitGroup {
  readonly #db: Kysely<Tables>
  #waiting: Unit[] = []
  #running = false
  /** What is being done elsewhere; the file has one writer, and who finds it taken waits and holds up its whole thread. */
  #elsewhere: Load = { ...NOTHING }
  #allBack: (() => void) | null = null

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  run<T>(work: Work<T>, elsewhere: Elsewhere<T> | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, elsewhere, resolve: resolve as Unit['resolve'], reject })
      if (this.#running) return
      this.#running = true
      setImmediate(() => void this.#drain())
    })
  }

  join<T>({ isWanted, load, run }: Elsewhere<T>): Promise<T> | null {
    if (this.#elsewhere.items === 0 || this.#running) return null
    const own = load()
    return isWanted(sum([this.#elsewhere, own])) ? this.#away(own, run) : null
  }

  async #away<T>(load: Load, run: () => Promise<T>): Promise<T> {
    this.#elsewhere = sum([this.#elsewhere, load])
    try {
      return await run()
    } finally {
      this.#elsewhere = { items: this.#elsewhere.items - load.items, rows: this.#elsewhere.rows - load.rows }
      if (this.#elsewhere.items === 0) this.#allBack?.()
    }
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      if (this.#elsewhere.items > 0) await new Promise<void>((resolve) => (this.#allBack = resolve))
      this.#allBack = null
      const units = this.#waiting
      this.#waiting = []
      if (areWantedElsewhere(units)) {
        for (const { elsewhere, resolve, reject } of units) {
          const { load, run } = elsewhere as Elsewhere<unknown>
          void this.#away(load(), run).then(resolve, reject)
        }
        continue
      }
      if (units.length === 1 && units[0] !== undefined) await this.#commitOne(units[0])
      else await this.#commitTogether(units)
      await this.#othersAsk()
    }
    this.#running = false
  }

  /** Turns of the event loop, while each brings more: what comes in on other connections joins the next commit. */
  async #othersAsk(): Promise<void> {
    const until = performance.now() + MAX_WAIT_MS
    let [before, now] = [-1, 0]
    for (let turn = 0; turn < MAX_TURNS && now > before && performance.now() < until; turn++) {
      before = now
      await new Promise((resolve) => setImmediate(resolve))
      now = loadOf(this.#waiting).items
    }
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

function sum(loads: readonly Load[]): Load {
  let [items, rows] = [0, 0]
  for (const load of loads) {
    items += load.items
    rows += load.rows
  }
  return { items, rows }
}

function loadOf(units: readonly Unit[]): Load {
  return sum(units.map(({ elsewhere }) => elsewhere?.load() ?? ONE))
}

function areWantedElsewhere(units: readonly Unit[]): boolean {
  const all = loadOf(units)
  return units.every(({ elsewhere }) => elsewhere?.isWanted(all) === true)
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
