import { type RawBuilder, type SqlBool, sql } from 'kysely'

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

/** PostgreSQL takes a number compared with an integer column for an integer. */
function bound(term: Term, value: string | number | undefined): RawBuilder<unknown> {
  if (term.type === 'int64') return sql`CAST(${value} AS BIGINT)`
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
