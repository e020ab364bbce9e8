import { sql } from 'kysely'
import { insertMany } from '../bulk.ts'
import type { Db } from '../dialect.ts'
import type { Migration } from '../migrate.ts'
import type { PointColumns } from '../tables/tracking.ts'

/** Series that are looked up at once, and points that are in memory at once: a tail of the first schema has any number. */
const SERIES_AT_ONCE = 50
const POINTS_AT_ONCE = 10_000

/**
 * The tails of series as pieces of some points each, the newest few in the series' own row. A row a point made a batch of a
 * hundred metrics write a hundred pages, and was read, sorted and deleted a row a point, too.
 */
export const metricTails: Migration = {
  version: 17,
  name: 'tails of series in pieces',
  sql: `
ALTER TABLE metric_series ADD COLUMN recent BLOB;
CREATE TABLE metric_tails (
  series_id INTEGER NOT NULL REFERENCES metric_series(id) ON DELETE CASCADE, number INTEGER NOT NULL,
  last_step INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (series_id, number)
) CLUSTERED;
`,
  async move(db) {
    for (let after = 0, series = await oldTails(db, after); series.length > 0; series = await oldTails(db, after)) {
      for (const one of series) await moveTail(db, one)
      after = series.at(-1)?.id ?? after
    }
    await sql`DROP TABLE metric_tail`.execute(db)
  },
}

/** The next series that have points, and the count that their next piece will exceed. */
async function oldTails(db: Db, after: number): Promise<{ id: number; number: number }[]> {
  const { rows } = await sql<{ id: number; number: number }>`
    SELECT id, tail_points AS number FROM metric_series AS s
    WHERE id > ${after} AND EXISTS (SELECT 1 FROM metric_tail AS t WHERE t.series_id = s.id)
    ORDER BY id LIMIT ${SERIES_AT_ONCE}`.execute(db)
  return rows
}

/** Numbers of pieces rise to the tail's length, which the series counts on from. */
async function moveTail(db: Db, { id, number }: { id: number; number: number }): Promise<void> {
  let moved = 0
  for (let points = await pointsBehind(db, id, null); points.length > 0; ) {
    const last = points.at(-1) as PointColumns
    moved += points.length
    const next = points.length < POINTS_AT_ONCE ? [] : await pointsBehind(db, id, last)
    const columns = { series_id: 'int', number: 'int', last_step: 'int', data: 'blob' } as const
    const row = [id, next.length === 0 ? number : moved, last.step, Buffer.concat(points.map(bytesOf))]
    await insertMany(db, { table: 'metric_tails', columns }, [row])
    points = next
  }
}

async function pointsBehind(db: Db, id: number, after: PointColumns | null): Promise<PointColumns[]> {
  const behind =
    after === null
      ? sql``
      : sql`AND (step, timestamp_ms, value, is_nan) > (${after.step}, ${after.timestamp_ms}, ${after.value}, ${after.is_nan})`
  const { rows } = await sql<PointColumns>`
    SELECT step, timestamp_ms, value, is_nan FROM metric_tail WHERE series_id = ${id} ${behind}
    ORDER BY step, timestamp_ms, value, is_nan LIMIT ${POINTS_AT_ONCE}`.execute(db)
  return rows
}

/** Step, time (int64) and value (double, NaN is a NaN), little-endian: what metrics/tail-codec.ts reads. */
function bytesOf({ step, timestamp_ms, value, is_nan }: PointColumns): Buffer {
  const bytes = Buffer.alloc(24)
  bytes.writeBigInt64LE(BigInt(step))
  bytes.writeBigInt64LE(BigInt(timestamp_ms), 8)
  bytes.writeDoubleLE(is_nan === 1 ? Number.NaN : value, 16)
  return bytes
}
