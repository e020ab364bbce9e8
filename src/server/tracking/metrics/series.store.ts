import { CompiledQuery, type NotNull, type Selectable, sql } from 'kysely'
import { insertMany, rowsAmong } from '../../../db/bulk.ts'
import { collect, type Db, inChunks, isPostgres, runIdRows } from '../../../db/dialect.ts'
import type {
  MetricChunksTable,
  MetricSeriesTable,
  MetricTailsTable,
  PointColumns,
} from '../../../db/tables/tracking.ts'

export type SeriesRow = Selectable<MetricSeriesTable>
export type ChunkRow = Selectable<MetricChunksTable>
export type ChunkHead = Omit<ChunkRow, 'data' | 'summary'>
export type ChunkSketch = Pick<ChunkRow, 'series_id' | 'number' | 'points' | 'last_step' | 'summary'> & {
  /** Of a chunk that has no summary. */
  data: Buffer | null
}
/** Points of a series that lie together, as tail-codec.ts writes them. */
export type TailPiece = Pick<Selectable<MetricTailsTable>, 'series_id' | 'data'>

const HEAD = [
  'series_id',
  'number',
  'points',
  'first_step',
  'last_step',
  'min_timestamp_ms',
  'max_timestamp_ms',
] as const

export async function addPieces(db: Db, rows: readonly Selectable<MetricTailsTable>[]): Promise<void> {
  await insertMany(
    db,
    { table: 'metric_tails', columns: { series_id: 'int', number: 'int', last_step: 'int', data: 'blob' } },
    rows.map(({ series_id, number, last_step, data }) => [series_id, number, last_step, data]),
  )
}

/** Takes the newest points out of the rows of series: they are in pieces now. */
export async function clearRecent(db: Db, seriesIds: readonly number[]): Promise<void> {
  if (seriesIds.length === 0) return
  const [among, ids] = isPostgres(db)
    ? ['= ANY($1)', seriesIds]
    : ['IN (SELECT value FROM json_each(?))', JSON.stringify(seriesIds)]
  await db.executeQuery(CompiledQuery.raw(`UPDATE metric_series SET recent = NULL WHERE id ${among}`, [ids]))
}

export async function addChunks(db: Db, rows: readonly ChunkRow[]): Promise<void> {
  await insertMany(
    db,
    {
      table: 'metric_chunks',
      columns: {
        series_id: 'int',
        number: 'int',
        points: 'int',
        first_step: 'int',
        last_step: 'int',
        min_timestamp_ms: 'int',
        max_timestamp_ms: 'int',
        summary: 'blob',
        data: 'blob',
      },
    },
    rows.map((row) => [...HEAD.map((column) => row[column]), row.summary, row.data]),
  )
}

export async function removeChunks(db: Db, seriesId: number, fromNumber: number): Promise<void> {
  await db.deleteFrom('metric_chunks').where('series_id', '=', seriesId).where('number', '>=', fromNumber).execute()
}

export async function removeTails(db: Db, seriesIds: readonly number[]): Promise<void> {
  if (seriesIds.length === 0) return
  await db.deleteFrom('metric_tails').where('series_id', 'in', seriesIds).execute()
}

/** What is left in the tails lies in pieces. */
export async function setTailPoints(db: Db, seriesIds: readonly number[], points: number): Promise<void> {
  if (seriesIds.length === 0) return
  await db
    .updateTable('metric_series')
    .set({ tail_points: points, recent: null })
    .where('id', 'in', seriesIds)
    .execute()
}

/**
 * Locks series until the transaction ends, in the order in which writers do (series-heads.store.ts), so that nobody
 * deadlocks. Returns the ids of those that are still there.
 */
export async function lockSeries(db: Db, seriesIds: readonly number[]): Promise<number[]> {
  let query = db.selectFrom('metric_series').select('id').where('id', 'in', seriesIds).orderBy('run_id').orderBy('key')
  if (isPostgres(db)) query = query.forUpdate()
  return (await query.execute()).map(({ id }) => id)
}

/** Those of some series that have chunks: the first one's number is always 0. */
export async function sealedAmong(db: Db, seriesIds: readonly number[]): Promise<number[]> {
  const rows = await collect(seriesIds, (ids) =>
    db.selectFrom('metric_chunks').select('series_id').where('series_id', 'in', ids).where('number', '=', 0).execute(),
  )
  return rows.map((row) => row.series_id)
}

/** Series of a run with points in their tails. */
export async function openSeries(db: Db, runId: string): Promise<number[]> {
  const series = db.selectFrom('metric_series').select('id').where('run_id', '=', runId).where('tail_points', '>', 0)
  return (await series.execute()).map(({ id }) => id)
}

/** The series of one metric of runs of a project, by run. */
export async function seriesOf(
  db: Db,
  projectId: string,
  runIds: readonly string[],
  key: string,
): Promise<{ id: number; run_id: string }[]> {
  // In this order: left to itself, SQLite looks through all runs of the project from ten ids on.
  const { rows } = await sql<{ id: number; run_id: string }>`
    SELECT s.id, s.run_id FROM ${runIdRows(db, runIds)} AS asked
      CROSS JOIN metric_series AS s CROSS JOIN runs
    WHERE s.run_id = asked.run_id AND s.key = ${key} AND runs.id = s.run_id AND runs.project_id = ${projectId}
    ORDER BY s.run_id`.execute(db)
  return rows
}

/** Latest points of runs, by run and key. */
export async function latestOf(
  db: Db,
  runIds: readonly string[],
): Promise<(PointColumns & { run_id: string; key: string })[]> {
  const head = 'SELECT run_id, key, value, is_nan, timestamp_ms, step FROM metric_series'
  const tail = 'ORDER BY run_id, key'
  return rowsAmong(db, { head, column: 'run_id', values: runIds, tail })
}

/** The latest points of some metrics of a run. */
export async function latestOfKeys(
  db: Db,
  runId: string,
  keys: readonly string[],
): Promise<(PointColumns & { id: number; key: string })[]> {
  return db
    .selectFrom('metric_series')
    .select(['id', 'key', 'step', 'timestamp_ms', 'value', 'is_nan'])
    .where('run_id', '=', runId)
    .where('key', 'in', keys)
    .execute()
}

/** What of a series' tail may hold points with this step or behind it (null: all). */
export async function piecesReaching(db: Db, seriesId: number, step: number | bigint | null): Promise<TailPiece[]> {
  let inPieces = db.selectFrom('metric_tails').select(['series_id', 'data']).where('series_id', '=', seriesId)
  if (step !== null) inPieces = inPieces.where('last_step', '>=', step)
  return recentOf(db, [seriesId]).unionAll(inPieces).execute()
}

/** The number of the first chunk that may hold points behind one; the newest chunks are looked at first. */
export async function firstChunkReaching(
  db: Db,
  seriesId: number,
  after: PointColumns | null,
): Promise<number | undefined> {
  let query = db
    .selectFrom('metric_chunks')
    .select('number')
    .where('series_id', '=', seriesId)
    .orderBy('number')
    .limit(1)
  if (after !== null) query = query.where('last_step', '>=', after.step)
  return (await query.executeTakeFirst())?.number
}

/** What the tails of series hold. */
export async function piecesOf(db: Db, seriesIds: readonly number[]): Promise<TailPiece[]> {
  const rows: TailPiece[] = []
  await inChunks(seriesIds, 2, async (ids) => {
    const inPieces = db.selectFrom('metric_tails').select(['series_id', 'data']).where('series_id', 'in', ids)
    // In one statement: points move from the row into a piece, and none may be missed.
    rows.push(...(await recentOf(db, ids).unionAll(inPieces).execute()))
  })
  return rows
}

function recentOf(db: Db, seriesIds: readonly number[]) {
  return db
    .selectFrom('metric_series')
    .select(['id as series_id', 'recent as data'])
    .where('id', 'in', seriesIds)
    .where('recent', 'is not', null)
    .$narrowType<{ data: NotNull }>()
}

export async function chunkHeads(db: Db, seriesIds: readonly number[]): Promise<ChunkHead[]> {
  return collect(seriesIds, (ids) =>
    db
      .selectFrom('metric_chunks')
      .select(HEAD)
      .where('series_id', 'in', ids)
      .orderBy('series_id')
      .orderBy('number')
      .execute(),
  )
}

export async function lastChunkHead(db: Db, seriesId: number): Promise<ChunkHead | undefined> {
  return db
    .selectFrom('metric_chunks')
    .select(HEAD)
    .where('series_id', '=', seriesId)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** The bytes of chunks from one number on, in order. */
export async function chunkData(
  db: Db,
  seriesId: number,
  from: number,
  limit: number,
): Promise<{ number: number; data: Buffer }[]> {
  return db
    .selectFrom('metric_chunks')
    .select(['number', 'data'])
    .where('series_id', '=', seriesId)
    .where('number', '>=', from)
    .orderBy('number')
    .limit(limit)
    .execute()
}

/** What charts need of chunks: the summary, or the bytes of a chunk that has none. */
export async function chunkSketches(db: Db, seriesIds: readonly number[]): Promise<ChunkSketch[]> {
  return collect(seriesIds, (ids) =>
    db
      .selectFrom('metric_chunks')
      .select(['series_id', 'number', 'points', 'last_step', 'summary'])
      .select((eb) => eb.case().when('summary', 'is', null).then(eb.ref('data')).else(null).end().as('data'))
      .where('series_id', 'in', ids)
      .orderBy('series_id')
      .orderBy('number')
      .execute(),
  )
}

/** The bytes of all chunks of some short series, in order. */
export async function allChunkData(
  db: Db,
  seriesIds: readonly number[],
): Promise<{ series_id: number; number: number; data: Buffer }[]> {
  return collect(seriesIds, (ids) =>
    db
      .selectFrom('metric_chunks')
      .select(['series_id', 'number', 'data'])
      .where('series_id', 'in', ids)
      .orderBy('series_id')
      .orderBy('number')
      .execute(),
  )
}

/** Series with points in their tail whose runs ended, or were not written to since `beforeMs`. */
export async function idleSeries(db: Db, beforeMs: number, limit: number): Promise<number[]> {
  const series = db
    .selectFrom('metric_series')
    .innerJoin('runs', 'runs.id', 'metric_series.run_id')
    .select('metric_series.id')
    .where('metric_series.tail_points', '>', 0)
    .where((eb) =>
      eb.or([
        eb('runs.status', 'in', ['FINISHED', 'FAILED', 'KILLED']),
        eb('runs.last_write_at_ms', '<', beforeMs),
        eb('runs.last_write_at_ms', 'is', null),
      ]),
    )
    .limit(limit)
  return (await series.execute()).map(({ id }) => id)
}
