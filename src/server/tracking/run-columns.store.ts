import { sql } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import { all, asked, fewestEntries, type RunSearch } from './runs-asked.store.ts'
import { countEntries, VALUE_TABLES } from './runs-conditions.store.ts'

export type KeyKind = keyof typeof VALUE_TABLES

/** The experiments whose keys are asked for; null: every one of the project. */
export type KeyPlace = { projectId: string; experimentIds: readonly number[] | null }

/**
 * The keys of a kind, one look into the index of the search for each: from a key to the next greater one, whatever number
 * of runs has it. Experiments take turns; each ends with a null, and a key of several comes several times.
 * @param limit looks, so that no number of keys or experiments makes this long
 */
export async function walkKeys(db: Db, kind: KeyKind, place: KeyPlace, limit: number): Promise<(string | null)[]> {
  const table = sql.table(VALUE_TABLES[kind])
  const only = place.experimentIds === null ? sql`` : sql`AND e.id IN (${sql.join(place.experimentIds)})`
  const { rows } = await sql<{ key: string | null }>`WITH RECURSIVE walked (experiment_id, key) AS (
      SELECT e.id, (SELECT v.key FROM ${table} AS v
          WHERE v.experiment_id = e.id ORDER BY v.key LIMIT 1)
        FROM experiments AS e WHERE e.project_id = ${place.projectId} ${only}
      UNION ALL
      SELECT w.experiment_id, (SELECT v.key FROM ${table} AS v
          WHERE v.experiment_id = w.experiment_id AND v.key > w.key ORDER BY v.key LIMIT 1)
        FROM walked AS w WHERE w.key IS NOT NULL
    ) SELECT key FROM walked LIMIT ${sql.lit(limit)}`.execute(db)
  return rows.map((row) => row.key)
}

/**
 * How many runs meet every condition, counted no further than `limit`: from the entries of the condition that the fewest
 * meet when they are no more than that, else run by run until there are enough.
 */
export async function countFound(db: Db, search: RunSearch, limit: number): Promise<number> {
  if (search.experimentIds?.length === 0) return 0
  const { from, where } = asked(db, search, await fewestEntries(db, search, limit))
  return countEntries(db, sql`${from} WHERE ${all(where)}`, limit)
}
