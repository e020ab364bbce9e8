import { type RawBuilder, sql } from 'kysely'
import { type Db, isPostgres, runIdRows } from '../../db/dialect.ts'
import * as keyset from '../../db/keyset.ts'
import { all, asked, demands, type Entries, experimentsOf, fewestEntries, type RunSearch } from './runs-asked.store.ts'
import { beginningOf, columnsOf, isNameTag, OF_RUNS, VALUE_TABLES } from './runs-conditions.store.ts'
import * as order from './runs-order.store.ts'

/** A run that was found, and its place in the order. */
export type Found = { id: string; place: keyset.Place }

/** A condition that so few entries meet is where a search begins. */
const FEW = 2_000
/** So many experiments are walked one by one, each in order, and merged. */
const MAX_WALKS = 32

/**
 * Runs that meet every condition, in order; missing values last in both directions, then the newest first. Three ways:
 * from the few entries that meet the most selective condition; along the index that has the order, until the page is full;
 * or, for orders and sets of experiments that no index has, over all runs. All three give the same answer.
 */
export async function findRuns(db: Db, search: RunSearch): Promise<Found[]> {
  if (search.experimentIds?.length === 0) return []
  const few = await fewestEntries(db, search, FEW)
  if (few !== null) return allAtOnce(db, search, few)
  const [first] = search.sorts
  const experiments = search.experimentIds
  if (experiments === null || experiments.length > MAX_WALKS) {
    return first?.on === 'metric' ? walkTogether(db, search, first) : allAtOnce(db, search, null)
  }
  const found: Found[] = []
  for (const experiment of experiments) {
    const own = { ...search, experimentIds: [experiment] }
    if (first?.on === 'attribute' && first.column === 'ended_at_ms') found.push(...(await walkEnds(db, own)))
    else if (first === undefined || first.on === 'attribute' || isNameTag(first))
      found.push(...(await allAtOnce(db, own, null)))
    else found.push(...(await walk(db, own, first)))
  }
  if (experiments.length === 1) return found
  const terms = order.orderTerms(search.sorts)
  return found.sort((a, b) => keyset.comparePlaces(terms, a.place, b.place)).slice(0, search.limit)
}

async function allAtOnce(db: Db, search: RunSearch, entries: Entries | null): Promise<Found[]> {
  return sorted(db, search, asked(db, search, entries, isOrderOfRuns(search)))
}

/** Whether an index of `runs` has the order. */
function isOrderOfRuns({ sorts: [first], experimentIds, lifecycle }: RunSearch): boolean {
  if (lifecycle === null || (first !== undefined && first.on !== 'attribute')) return false
  const column = first?.column ?? 'started_at_ms'
  return column === 'started_at_ms' || (column === 'name' && experimentIds?.length === 1)
}

/** The first of the runs that a query finds, which must sort them. */
async function sorted(db: Db, search: RunSearch, { from, where }: ReturnType<typeof asked>): Promise<Found[]> {
  const terms = order.orderTerms(search.sorts)
  const behind = search.after === null ? [] : [keyset.behind(terms, search.after)]
  return read(
    db,
    terms,
    sql`SELECT runs.id, ${keyset.placeColumns(terms)} FROM ${from} ${order.sortJoins(search.sorts, null)}
      WHERE ${all([...where, ...behind])} ${keyset.orderBy(terms)} LIMIT ${search.limit}`,
  )
}

type ValueSort = Extract<order.RunSort, { key: string }>

/** One experiment, along the index of its first sort: values, then NaN, then the runs that have none. */
async function walk(db: Db, search: RunSearch, first: ValueSort): Promise<Found[]> {
  const found: Found[] = []
  const from = search.after === null ? order.PRESENT : Number(search.after[0])
  for (const rank of [order.PRESENT, order.NAN, order.MISSING]) {
    if (rank < from || (rank === order.NAN && first.on !== 'metric')) continue
    const after = rank === from ? search.after : null
    const page = { ...search, after, limit: search.limit - found.length }
    found.push(
      ...(rank === order.MISSING ? await walkMissing(db, page, first) : await walkPresent(db, page, first, rank)),
    )
    if (found.length >= search.limit) break
  }
  return found
}

/** How many entries of the index are read for one run of a page, when not all of their runs meet what is asked. */
const DEPTHS = [16, 128]
const MAX_CANDIDATES = 20_000
/** How many of them are looked at together, for one run of a page. */
const GROUP = 4

/**
 * By a metric in many experiments, whose entries lie far apart in the index: which runs come first is read there in one
 * pass, and only so many of them are looked up as fill the page.
 */
async function walkTogether(db: Db, search: RunSearch, first: ValueSort): Promise<Found[]> {
  if (search.after === null || search.after[0] === order.PRESENT) {
    for (const depth of search.conditions.length === 0 ? [GROUP] : DEPTHS) {
      const candidates = await firstEntries(db, search, first, Math.min(depth * search.limit, MAX_CANDIDATES))
      const found = await firstAmong(db, search, candidates)
      if (found.length >= search.limit) return found
    }
  }
  return walk(db, search, first)
}

type Candidate = { run_id: string; value: number }

/** The entries that come first, counted from where the page begins, and no value of which some were left out. */
async function firstEntries(db: Db, search: RunSearch, first: ValueSort, limit: number): Promise<Candidate[]> {
  const from = search.after === null ? sql`` : sql`AND ${indexBound(first, search.after)}`
  const ofMetric = sql`sort_0.key = ${first.key} AND sort_0.is_nan = 0 ${from}`
  // PostgreSQL reads the whole table when it may choose; so, the entries of one experiment after the other's.
  const entries = isPostgres(db)
    ? sql`experiments AS e CROSS JOIN LATERAL (SELECT run_id, value FROM metric_series AS sort_0
        WHERE sort_0.experiment_id = e.id AND ${ofMetric} OFFSET 0) AS sort_0 WHERE e.id IN (${experimentsOf(search)})`
    : sql`metric_series AS sort_0 WHERE sort_0.experiment_id IN (${experimentsOf(search)}) AND ${ofMetric}`
  const { rows } =
    await sql<Candidate>`SELECT sort_0.run_id, sort_0.value FROM ${entries} ORDER BY sort_0.value ${sql.raw(first.descending ? 'DESC' : 'ASC')} LIMIT ${limit + 1}`.execute(
      db,
    )
  const cut = rows[limit]?.value
  return cut === undefined ? rows : rows.filter((row) => row.value !== cut)
}

/** The first of the candidates' runs that meet what is asked; runs of one value, whose order is not theirs, together. */
async function firstAmong(db: Db, search: RunSearch, candidates: readonly Candidate[]): Promise<Found[]> {
  const found: Found[] = []
  for (let from = 0; from < candidates.length && found.length < search.limit; ) {
    let to = Math.min(from + GROUP * search.limit, candidates.length)
    while (candidates[to]?.value === candidates[to - 1]?.value) to++
    const ids = candidates.slice(from, to).map((candidate) => candidate.run_id)
    const where = [sql`runs.id = few.run_id`, ...demands(db, search)]
    const some = { ...search, limit: search.limit - found.length }
    found.push(...(await sorted(db, some, { from: sql`${runIdRows(db, ids)} AS few CROSS JOIN runs`, where })))
    from = to
  }
  return found
}

async function walkPresent(db: Db, search: RunSearch, first: ValueSort, rank: number): Promise<Found[]> {
  const terms = order.orderTerms(search.sorts)
  const table = sql.table(VALUE_TABLES[first.on])
  const where = [
    sql`sort_0.experiment_id IN (${experimentsOf(search)})`,
    sql`sort_0.key = ${first.key}`,
    ...(first.on === 'metric' ? [sql`sort_0.is_nan = ${sql.lit(rank)}`] : []),
    ...demands(db, search, { ...columnsOf('sort_0'), isWalk: true }),
  ]
  if (search.after !== null) where.push(indexBound(first, search.after), keyset.behind(terms, search.after))
  // The first term is the rank, the same for all here. The second follows the index: a metric's value, a text's beginning.
  const beginning = first.on === 'metric' ? [] : [{ ...terms[1]!, value: sql`sort_0.beginning` }]
  const value = { ...terms[1]!, value: sql`sort_0.value` }
  return read(
    db,
    terms,
    sql`SELECT runs.id, ${keyset.placeColumns(terms)} FROM ${table} AS sort_0 CROSS JOIN runs ${order.sortJoins(search.sorts, 0)}
      WHERE runs.id = sort_0.run_id AND ${all(where)}
      ${keyset.orderBy([...beginning, value, ...terms.slice(2)])} LIMIT ${search.limit}`,
  )
}

/** What the keyset says of the first value alone, so that the index is entered at the right place. */
function indexBound(first: ValueSort, after: keyset.Place): RawBuilder<unknown> {
  const operator = sql.raw(first.descending ? '<=' : '>=')
  if (first.on === 'metric') return sql`sort_0.value ${operator} CAST(${after[1]} AS DOUBLE PRECISION)`
  return sql`sort_0.beginning ${operator} ${beginningOf(String(after[1]))}`
}

async function walkMissing(db: Db, search: RunSearch, first: ValueSort): Promise<Found[]> {
  const terms = order.orderTerms(search.sorts)
  const where = [
    ...demands(db, search),
    sql`NOT EXISTS (SELECT 1 FROM ${sql.table(VALUE_TABLES[first.on])} AS m WHERE m.run_id = runs.id AND m.key = ${first.key})`,
  ]
  const own = terms.slice(2)
  if (search.after !== null) where.push(keyset.behind(own, search.after.slice(2)))
  const nothing = first.on === 'metric' ? sql`0` : sql`''`
  const place = [{ ...terms[0]!, value: sql`${sql.lit(order.MISSING)}` }, { ...terms[1]!, value: nothing }, ...own]
  return read(
    db,
    terms,
    sql`SELECT runs.id, ${keyset.placeColumns(place)} FROM runs ${order.sortJoins(search.sorts, 0)}
      WHERE ${all(where)} ${keyset.orderBy(own)} LIMIT ${search.limit}`,
  )
}

/** One experiment by the end of its runs: those that ended lie in an index of their own, then the others, the newest first. */
async function walkEnds(db: Db, search: RunSearch): Promise<Found[]> {
  const terms = order.orderTerms(search.sorts)
  const [, end, ...others] = terms as [keyset.Term, keyset.Term, ...keyset.Term[]]
  const { after } = search
  const found: Found[] = []
  for (const rank of [0, 1]) {
    if (after !== null && rank < Number(after[0])) continue
    const ended = { ...end, value: rank === 0 ? sql`runs.ended_at_ms` : sql`0` }
    const own = rank === 0 ? [ended, ...others] : others
    const asks = demands(db, search, { ...OF_RUNS, isWalk: true })
    const where = [sql`runs.ended_at_ms IS ${sql.raw(rank === 0 ? 'NOT NULL' : 'NULL')}`, ...asks]
    if (after !== null && rank === Number(after[0])) {
      // Said twice, so that the index is entered at the right place.
      if (rank === 0) where.push(sql`runs.ended_at_ms ${sql.raw(end.descending ? '<=' : '>=')} ${after[1]}`)
      where.push(keyset.behind(own, after.slice(rank + 1)))
    }
    const place = keyset.placeColumns([{ ...terms[0]!, value: sql`${sql.lit(rank)}` }, ended, ...others])
    found.push(
      ...(await read(
        db,
        terms,
        sql`SELECT runs.id, ${place} FROM runs ${order.sortJoins(search.sorts, null)}
          WHERE ${all(where)} ${keyset.orderBy(own)} LIMIT ${search.limit - found.length}`,
      )),
    )
    if (found.length >= search.limit) break
  }
  return found
}

async function read(db: Db, terms: readonly keyset.Term[], query: RawBuilder<unknown>): Promise<Found[]> {
  const { rows } = await (query as RawBuilder<Record<string, string | number>>).execute(db)
  return rows.map((row) => ({
    id: String(row.id),
    place: keyset.placeOf(terms, row),
  }))
}
