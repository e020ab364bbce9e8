import { type CompiledQuery, CompiledQuery as Query } from 'kysely'
import { type Db, isPostgres } from '../../src/db/dialect.ts'

/** Sorting all that was found; sorting those of one and the same value among themselves is no such thing. */
export const SORTED = /TEMP B-TREE FOR ORDER BY|->\s+Sort /

/** The engine's own plans of the queries that some work asks, one after the other: the ordered ones, or those with `words`. */
export async function plansOf(
  db: Db,
  work: (db: Db) => Promise<unknown>,
  words: string = 'ORDER BY',
): Promise<string[]> {
  const queries: CompiledQuery[] = []
  await work(noting(db, queries))
  const plans: string[] = []
  for (const query of queries.filter(({ sql }) => sql.includes(words))) plans.push(await planOf(db, query))
  return plans
}

async function planOf(db: Db, query: CompiledQuery): Promise<string> {
  // Unless it runs the query, PostgreSQL does not tell the plan of the recursive part of a CTE.
  const words = isPostgres(db) ? 'EXPLAIN ANALYZE' : 'EXPLAIN QUERY PLAN'
  const explain = Query.raw(`${words} ${query.sql}`, [...query.parameters])
  const { rows } = await db.executeQuery<Record<string, string>>(explain)
  return rows.map((row) => row['QUERY PLAN'] ?? row.detail).join('\n')
}

/** A connection that notes what it is asked. */
function noting(db: Db, queries: CompiledQuery[]): Db {
  const executor = db.getExecutor()
  const spy = instead(executor, 'executeQuery', (query: CompiledQuery) => {
    queries.push(query)
    return executor.executeQuery(query)
  })
  return instead(db, 'getExecutor', () => spy)
}

/** An object with one method replaced. */
function instead<T extends object>(object: T, method: keyof T, replacement: unknown): T {
  return new Proxy(object, {
    get(target, name) {
      if (name === method) return replacement
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
