import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Db } from './dialect.ts'

/** The place of a row in an order: the value of each of its terms. None is NULL, so that places can be compared. */
export type Place = readonly (string | number)[]

/**
 * One term of ORDER BY: what it is, of which type, and which way it goes. An `int64` stands in a place as its digits: ids of
 * imported things can be longer than a number of JavaScript holds.
 */
export type Term = { value: RawBuilder<unknown>; type: 'text' | 'number' | 'int64'; descending: boolean }

export function orderBy(terms: readonly Term[]): RawBuilder<unknown> {
  return sql`ORDER BY ${sql.join(terms.map((term) => sql`${term.value} ${direction(term)}`))}`
}

const direction = (term: Term) => sql.raw(term.descending ? 'DESC' : 'ASC')

/** `v0, v1 …`: a row's place, beside it in the result. */
export function placeColumns(terms: readonly Term[]): RawBuilder<unknown> {
  return sql.join(
    terms.map(({ value, type }, index) => {
      const told = type === 'int64' ? sql`CAST(${value} AS TEXT)` : value
      return sql`${told} AS ${sql.ref(`v${index}`)}`
    }),
  )
}

/** The place of a row that was read with `placeColumns`. */
export function placeOf(terms: readonly Term[], row: object): Place {
  const values = row as Record<string, unknown>
  return terms.map(({ type }, index) => (type === 'number' ? Number(values[`v${index}`]) : String(values[`v${index}`])))
}

/** What comes behind a place: greater in the first term, or equal there and greater in the second, and so on. */
export function behind(terms: readonly Term[], place: Place): RawBuilder<SqlBool> {
  return sql<SqlBool>`(${sql.join(rangesBehind(terms, place), sql` OR `)})`
}

/**
 * The same in parts that do not overlap, in the order of the rows: what differs in the last term only, then in the last
 * two … Each is one stretch of an index that has the order, however deep it lies and however many share the first terms.
 */
export function rangesBehind(terms: readonly Term[], place: Place): RawBuilder<SqlBool>[] {
  const ranges = terms.map((term, index) => {
    const equal = terms.slice(0, index).map((before, at) => sql`${before.value} = ${bound(before, place[at])}`)
    const operator = sql.raw(term.descending ? '<' : '>')
    return sql<SqlBool>`(${sql.join([...equal, sql`${term.value} ${operator} ${bound(term, place[index])}`], sql` AND `)})`
  })
  return ranges.reverse()
}

/** A row that a search found, and its place in the order. */
export type Placed<R> = { row: R; place: Place }

/** Reads rows whose query also has their `placeColumns`. */
export async function readPlaced<R extends object>(
  db: Db,
  terms: readonly Term[],
  query: RawBuilder<R>,
): Promise<Placed<R>[]> {
  const { rows } = await query.execute(db)
  return rows.map((row) => ({ row, place: placeOf(terms, row) }))
}

/**
 * A page along an index that has the order: the stretches behind the place, one after the other until the page is full.
 * @param read rows of one stretch, in order; so many of the first terms have one value in it
 */
export async function pageAlong<R extends object>(
  terms: readonly Term[],
  after: Place | null,
  limit: number,
  read: (stretch: RawBuilder<SqlBool>, limit: number, fixedTerms: number) => Promise<Placed<R>[]>,
): Promise<Placed<R>[]> {
  if (after === null) return read(sql<SqlBool>`1 = 1`, limit, 0)
  const found: Placed<R>[] = []
  for (const [index, stretch] of rangesBehind(terms, after).entries()) {
    found.push(...(await read(stretch, limit - found.length, terms.length - 1 - index)))
    if (found.length >= limit) break
  }
  return found
}

/** The first rows of several walks along the same order. */
export function mergePlaced<R>(terms: readonly Term[], walks: readonly Placed<R>[][], limit: number): Placed<R>[] {
  if (walks.length === 1) return walks[0] ?? []
  return walks
    .flat()
    .sort((a, b) => comparePlaces(terms, a.place, b.place))
    .slice(0, limit)
}

/** PostgreSQL takes a number compared with an integer column for an integer. */
function bound(term: Term, value: string | number | undefined): RawBuilder<unknown> {
  if (term.type === 'int64') return sql`${BigInt(value ?? 0)}`
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return sql`CAST(${value} AS DOUBLE PRECISION)`
  return sql`${value}`
}

/** Compares two places as the engines do: texts by their bytes. */
export function comparePlaces(terms: readonly Term[], a: Place, b: Place): number {
  for (const [index, { type, descending }] of terms.entries()) {
    const [left, right] = [a[index] ?? '', b[index] ?? '']
    if (left === right) continue
    const order = compare(type, left, right)
    if (order !== 0) return descending ? -order : order
  }
  return 0
}

function compare(type: Term['type'], left: string | number, right: string | number): number {
  if (type === 'text') return Buffer.compare(Buffer.from(String(left)), Buffer.from(String(right)))
  if (type === 'int64') return BigInt(left) < BigInt(right) ? -1 : 1
  return Number(left) - Number(right)
}
