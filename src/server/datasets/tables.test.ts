import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { profiled, upload } from '../../../tests/harness/datasets.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { LOCAL } from '../../lib/actor.ts'
import { PACKAGE_ROOT } from '../../lib/package-root.ts'
import { defaultProject } from '../projects/projects.service.ts'
import { profileOf } from './profiles.service.ts'
import { readRows, writeParquet } from './tables.service.ts'
import { findVersion, versionFiles } from './versions.service.ts'

const base = '/api/v1/projects/local/default'
const WINE = join(PACKAGE_ROOT, '..', 'shared', 'data', 'wine-quality.csv')
let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  await defaultProject(server.ctx, LOCAL)
})
afterAll(async () => server.close())

const TABLE = `id,size,city,smoker,born,code,note
1,1.5,Rome,true,1990-01-31,007,x
2,2.5,Rome,false,1985-12-01,010,
3,,Paris,true,2000-06-15,011,"a ""quoted"", text"
4,4.0,Oslo,,1999-09-09,x12,
9007199254740993,NaN,,true,1970-01-01,013,
`

describe('a profile', () => {
  it('counts what a small table holds', async () => {
    const made = await upload(server, base, 'small', [{ path: 'small.csv', content: TABLE }])
    expect(made.body.row_count).toBe(5)
    const version = await profiled(server, base, 'small')
    expect([version.profile_state, version.profile_error]).toEqual(['ready', null])
    const [file] = version.profile.files
    expect([file.path, file.format, file.row_count]).toEqual(['small.csv', 'csv', 5])
    const [id, size, city, smoker, born, code, note] = file.columns
    expect(
      [id, size, city, smoker, born, code, note].map((column) => `${column.name} ${column.type} ${column.kind}`),
    ).toEqual([
      'id BIGINT number',
      'size DOUBLE number',
      'city VARCHAR string',
      'smoker BOOLEAN boolean',
      'born DATE datetime',
      'code VARCHAR string',
      'note VARCHAR string',
    ])
    // The NaN counts with the empty cell.
    expect(size).toMatchObject({
      null_count: 2,
      distinct_count: 3,
      min: 1.5,
      max: 4,
    })
    for (const [index, value] of [1.6, 2, 2.5, 3.25, 3.85].entries())
      expect(size.quantiles[index]).toBeCloseTo(value, 12)
    expect(size.mean).toBeCloseTo(8 / 3, 12)
    expect(size.std).toBeCloseTo(Math.sqrt(((1.5 - 8 / 3) ** 2 + (2.5 - 8 / 3) ** 2 + (4 - 8 / 3) ** 2) / 2), 12)
    expect(size.histogram).toHaveLength(20)
    expect(size.histogram[0]).toEqual({ from: 1.5, to: 1.625, count: 1 })
    expect(size.histogram.at(-1)).toEqual({ from: 3.875, to: 4, count: 1 })
    expect(size.histogram.reduce((sum: number, bin: { count: number }) => sum + bin.count, 0)).toBe(3)
    expect(size.top).toEqual([1.5, 2.5, 4].map((value) => ({ value, count: 1 })))
    expect(city).toMatchObject({
      null_count: 1,
      distinct_count: 3,
      min: 'Oslo',
      max: 'Rome',
      mean: null,
      histogram: null,
    })
    expect(city.top).toEqual([
      { value: 'Rome', count: 2 },
      { value: 'Oslo', count: 1 },
      { value: 'Paris', count: 1 },
    ])
    expect(smoker.top).toEqual([
      { value: true, count: 3 },
      { value: false, count: 1 },
    ])
    expect(born).toMatchObject({ min: '1970-01-01', max: '2000-06-15', distinct_count: 5, top: null })
    expect(note).toMatchObject({ null_count: 3, distinct_count: 2 })
    const events = (await server.request('GET', `${base}/events`)).body.events
    expect(events[0]).toMatchObject({
      kind: 'dataset_version',
      subject: 'small/1',
      actor: 'trainyard',
      detail: { profile: 'ready' },
    })
  })

  it('is made of Parquet, JSON lines, compressed CSV and infinite values alike', async () => {
    const project = await defaultProject(server.ctx, LOCAL)
    const rows = [
      { x: 1, y: 0.5, s: 'a' },
      { x: 2, y: 1e300, s: null },
      { x: 2, y: -1e300, s: 'b' },
    ]
    const parquet = await writeParquet(server.ctx, project, rows)
    const bytes = readFileSync(await server.ctx.blobs.contentPath(parquet.sha256))
    const lines = rows.map((row) => JSON.stringify(row)).join('\n')
    const csv = gzipSync('x;y\n1;inf\n2;0.5\n')
    await upload(server, base, 'mixed', [
      { path: 'rows.parquet', content: bytes },
      { path: 'rows.jsonl', content: lines },
      { path: 'rows.csv.gz', content: csv },
    ])
    const { profile } = await profiled(server, base, 'mixed')
    const [fromCsv, fromJson, fromParquet] = profile.files
    expect([fromCsv.format, fromJson.format, fromParquet.format]).toEqual(['csv', 'json', 'parquet'])
    expect(fromParquet.columns.map((column: { type: string }) => column.type)).toEqual(['BIGINT', 'DOUBLE', 'VARCHAR'])
    expect(fromParquet.columns[0]).toMatchObject({ min: 1, max: 2, distinct_count: 2, mean: 5 / 3 })
    expect(fromParquet.columns[1]).toMatchObject({ min: -1e300, max: 1e300, std: null })
    expect(fromJson.columns).toEqual(fromParquet.columns)
    expect(fromCsv.columns[1]).toMatchObject({ min: 0.5, max: 0.5, null_count: 0, distinct_count: 2 })
    expect(fromCsv.columns[1].histogram).toEqual([{ from: 0.5, to: 0.5, count: 1 }])
  })

  it.skipIf(!existsSync(WINE))('of the wine table has the numbers that pandas gives', async () => {
    await upload(server, base, 'wine', [{ path: 'wine.csv', content: readFileSync(WINE) }])
    const { profile, row_count } = await profiled(server, base, 'wine')
    const text = readFileSync(WINE, 'utf8').trim().split('\n').slice(1)
    const header = readFileSync(WINE, 'utf8')
      .split('\n', 1)[0]!
      .trim()
      .split(/[;,]/)
      .map((name) => name.replaceAll('"', ''))
    expect(row_count).toBe(text.length)
    const at = header.indexOf('alcohol')
    const values = text.map((line) => Number(line.split(/[;,]/)[at])).sort((a, b) => a - b)
    const column = profile.files[0].columns[at]
    const mean = values.reduce((a, b) => a + b, 0) / values.length
    expect(column).toMatchObject({
      name: 'alcohol',
      kind: 'number',
      null_count: 0,
      min: values[0],
      max: values.at(-1),
      distinct_count: new Set(values).size,
    })
    expect(column.mean).toBeCloseTo(mean, 10)
    expect(column.std).toBeCloseTo(
      Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)),
      10,
    )
    expect(column.histogram.reduce((sum: number, bin: { count: number }) => sum + bin.count, 0)).toBe(values.length)
  })
})

describe('rows', () => {
  const url = (query: string) => `${base}/datasets/small/versions/1/rows${query}`

  it('come by page, with values as JSON holds them', async () => {
    const { body } = await server.request('GET', url('?limit=2&offset=3'))
    expect(body.total).toBe(5)
    expect(body.columns[0]).toEqual({ name: 'id', type: 'BIGINT' })
    expect(body.rows).toEqual([
      [4, 4, 'Oslo', null, '1999-09-09', 'x12', null],
      ['9007199254740993', null, null, true, '1970-01-01', '013', null],
    ])
  })

  it('come ordered by a column of the table and by nothing else', async () => {
    const ids = async (query: string) =>
      (await server.request('GET', url(query))).body.rows.map((row: unknown[]) => row[0])
    expect(await ids('?order_by=city')).toEqual([4, 3, 1, 2, '9007199254740993'])
    expect(await ids('?order_by=-born&limit=2')).toEqual([3, 4])
    for (const name of ['nothing', 'id%20DESC', 'id%22%20--', '(SELECT%201)']) {
      const answer = await server.request('GET', url(`?order_by=${name}`))
      expect([answer.status, answer.body.error.field]).toEqual([400, 'order_by'])
    }
    expect((await server.request('GET', url('?limit=501'))).status).toBe(400)
    expect((await server.request('GET', url('?file=other.csv'))).status).toBe(404)
  })

  it('keep the order of a file that is read in parallel', async () => {
    const count = 60_000
    const content = `n,pad\n${Array.from({ length: count }, (_, index) => `${index},${'x'.repeat(400)}`).join('\n')}\n`
    await upload(server, base, 'long', [{ path: 'long.csv', content }])
    const project = await defaultProject(server.ctx, LOCAL)
    const [file] = await versionFiles(server.ctx, (await findVersion(server.ctx, project.id, 'long')).id)
    const sql = 'SELECT count(*) AS n, count(*) FILTER (WHERE n <> _row) AS displaced FROM data'
    const { rows } = await readRows(server.ctx, file!.sha256, 'long.csv', { sql, limit: 1 })
    expect(rows).toEqual([{ n: count, displaced: 0 }])
    const page = await server.request('GET', `${base}/datasets/long/versions/1/rows?offset=54321&limit=1`)
    expect(page.body.rows[0][0]).toBe(54_321)
  })
})

describe('tables of the rooms', () => {
  it('are written with the same bytes for the same rows, and read back', async () => {
    const project = await defaultProject(server.ctx, LOCAL)
    const rows = [
      { age: 39, pay: 1.5, name: 'ana', ok: true, mixed: 1 },
      { age: 41n, pay: 2, name: null, ok: false, mixed: 'two', late: 'x' },
    ]
    const first = await writeParquet(server.ctx, project, rows)
    const second = await writeParquet(server.ctx, project, rows)
    expect(second).toEqual(first)
    const back = await readRows(server.ctx, first.sha256, 'rows.parquet', { limit: 10 })
    expect(back.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'age BIGINT',
      'pay DOUBLE',
      'name VARCHAR',
      'ok BOOLEAN',
      'mixed VARCHAR',
      'late VARCHAR',
    ])
    expect(back.rows).toEqual([
      { age: 39, pay: 1.5, name: 'ana', ok: true, mixed: '1', late: null },
      { age: 41, pay: 2, name: null, ok: false, mixed: 'two', late: 'x' },
    ])
    const typed = await writeParquet(server.ctx, project, [{ a: 1 }], [{ name: 'a', type: 'DOUBLE' }])
    const sum = await readRows(server.ctx, typed.sha256, 'a.parquet', {
      sql: 'SELECT sum(a) AS total FROM data',
      limit: 5,
    })
    expect(sum).toEqual({ columns: [{ name: 'total', type: 'DOUBLE' }], rows: [{ total: 1 }] })
    await expect(
      writeParquet(server.ctx, project, [{ a: 'x' }], [{ name: 'a', type: 'BIGINT' }]),
    ).rejects.toMatchObject({ code: 'unprocessable' })
    expect(await profileOf(server.ctx, 'none')).toBeNull()
  })

  it('cannot reach files outside the store', async () => {
    const project = await defaultProject(server.ctx, LOCAL)
    const { sha256 } = await writeParquet(server.ctx, project, [{ a: 1 }])
    const read = readRows(server.ctx, sha256, 'a.parquet', { sql: "SELECT * FROM read_text('/etc/passwd')", limit: 1 })
    await expect(read).rejects.toMatchObject({
      code: 'unprocessable',
      message: expect.stringContaining('disabled by configuration'),
    })
  })
})
