import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type * as keyset from '../../db/keyset.ts'
import type { Lifecycle } from '../../db/tables/tracking.ts'
import {
  cheapestFirst,
  columnsOf,
  conditionSql,
  countEntries,
  indexedEntries,
  isNameTag,
  OF_RUNS,
  type RunColumns,
  type RunCondition,
} from './runs-conditions.store.ts'
import type { RunSort } from './runs-order.store.ts'

/** A search of runs, in words of the tables. */
export type RunSearch = {
  projectId: string
  /** Null: every experiment of the project. */
  experimentIds: readonly number[] | null
  /** Null: both. */
  lifecycle: Lifecycle | null
  conditions: readonly RunCondition[]
  sorts: readonly RunSort[]
  /** The place of the last run of the page before; null for the first page. */
  after: keyset.Place | null
  limit: number
}

/** So few that looking for fewer takes longer than looking at them. */
const VERY_FEW = 250

/** The row ids of the experiments that are searched, for `IN (…)`. */
export function experimentsOf(search: RunSearch): RawBuilder<unknown> {
  if (search.experimentIds !== null) return sql.join(search.experimentIds)
  return sql`SELECT id FROM experiments WHERE project_id = ${search.projectId}`
}

/** Entries of an index, as `FROM … AS v WHERE …`, and the condition that their runs need not be asked again. */
export type Entries = { from: RawBuilder<unknown>; met: RunCondition | null }

/** The entries of the condition that the fewest meet; null when none can be looked up, or more than `few` meet each. */
export async function fewestEntries(db: Db, search: RunSearch, few: number): Promise<Entries | null> {
  let fewest: Entries | null = null
  let limit = few + 1
  // What equals a text is met by fewer than what is greater than a number, mostly.
  for (const condition of search.conditions.toSorted((a, b) => likelyMany(a) - likelyMany(b))) {
    const from = indexedEntries(db, condition, experimentsOf(search))
    if (from === null) continue
    const count = await countEntries(db, from, limit)
    if (count >= limit) continue
    limit = count
    // A run that has this name can be without the tag.
    fewest = { from, met: isNameTag(condition) ? null : condition }
    if (count <= VERY_FEW) break
  }
  return fewest
}

const likelyMany = (condition: RunCondition) => (condition.on === 'metric' ? 1 : 0)

/** `FROM` and `WHERE` of the runs that are asked for: all that meet the conditions, or those among some entries. */
export function asked(db: Db, search: RunSearch, entries: Entries | null, isWalk = false) {
  if (entries === null) return { from: sql`runs`, where: demands(db, search, { ...OF_RUNS, isWalk }) }
  const conditions = search.conditions.filter((condition) => condition !== entries.met)
  return {
    // A run has a key once: no entry comes twice.
    from: sql`(SELECT v.run_id, v.experiment_id FROM ${entries.from}) AS few CROSS JOIN runs`,
    where: [sql`runs.id = few.run_id`, ...demands(db, { ...search, conditions }, columnsOf('few'))],
  }
}

/** What every way asks of `runs`: authorisation first. */
export function demands(db: Db, search: RunSearch, of: RunColumns = OF_RUNS): RawBuilder<unknown>[] {
  return [
    sql`runs.project_id = ${search.projectId}`,
    ...(search.experimentIds === null ? [] : [sql`runs.experiment_id IN (${sql.join(search.experimentIds)})`]),
    ...(search.lifecycle === null ? [] : [sql`runs.lifecycle = ${search.lifecycle}`]),
    ...cheapestFirst(search.conditions).map((condition) => sql`${conditionSql(db, condition, of)}`),
  ]
}

/** All of them at once. */
export const all = (parts: readonly RawBuilder<unknown>[]) => sql.join(parts, sql` AND `)
