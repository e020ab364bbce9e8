import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { random } from '../../../../tests/harness/hostile.ts'
import { type MlflowApi, mlflowApi } from '../../../../tests/harness/mlflow.ts'
import { startTestServer, type TestServer } from '../../../../tests/harness/server.ts'
import type { PointColumns } from '../../../db/tables/tracking.ts'
import { sampledHistory } from '../history.service.ts'
import { metricRow, pointOf } from '../metric-points.ts'
import { decodeChunk, encodeChunk } from './chunk-codec.ts'
import { sealSilentRuns } from './keeper.ts'
import { compareByTime, comparePoints, inOrder } from './point-order.ts'
import { sealSeries } from './seal.service.ts'
import { findSeries, pointsOf } from './series.reads.ts'
import { FIELDS, type PlainPoint } from './summary.ts'
import { tailBehind, tailsOf } from './tails.ts'
import { viewsOf } from './views.reads.ts'

let server: TestServer
let api: MlflowApi
let projectId: string
beforeAll(async () => {
  server = await startTestServer()
  api = mlflowApi(server)
  await api.run()
  projectId = (await server.ctx.db.selectFrom('projects').select('id').executeTakeFirstOrThrow()).id
})
afterAll(() => server.close())

const point = (step: number | bigint, timestamp_ms: number | bigint, value: number): PointColumns => {
  const { is_nan, value: stored } = metricRow('', { key: '', value, timestampMs: timestamp_ms, step })
  return { step, timestamp_ms, value: stored, is_nan }
}
const wire = ({ step, timestamp_ms, value, is_nan }: PointColumns) => ({
  key: 'm',
  value: is_nan === 1 ? 'NaN' : value,
  timestamp: timestamp_ms,
  step,
})

async function log(run: string, points: readonly PointColumns[]): Promise<void> {
  for (let at = 0; at < points.length; at += 1_000) {
    const metrics = points.slice(at, at + 1_000).map(wire)
    const text = JSON.stringify({ run_id: run, metrics }, (_, value) =>
      typeof value === 'bigint' ? `int64 ${value}` : value,
    )
    expect((await api.post('runs/log-batch', text.replace(/"int64 (-?\d+)"/g, '$1'))).status).toBe(200)
  }
}

/** The whole history by the wire, page by page. */
async function told(run: string, page: number): Promise<unknown[]> {
  const points: unknown[] = []
  let token: string | undefined
  do {
    const query = { run_id: run, metric_key: 'm', max_results: String(page), page_token: token }
    const { body } = await api.get('metrics/get-history', query)
    points.push(...(body.metrics ?? []))
    token = body.next_page_token
  } while (token !== undefined)
  return points
}

/** The points of a view, which are a row of numbers. */
function drawn(row: Float64Array): PlainPoint[] {
  return Array.from({ length: row.length / FIELDS }, (_, i) => {
    const [step = 0, timestampMs = 0, value = 0] = row.subarray(i * FIELDS, (i + 1) * FIELDS)
    return { step, timestampMs, value }
  })
}

async function seal(run: string, whole: boolean): Promise<void> {
  for (const series of await findSeries(server.ctx.db, projectId, [run], 'm'))
    await sealSeries(server.ctx, [series.id], whole)
}

describe('a chunk', () => {
  test.each([
    ['one point', [point(5, 1_700_000_000_000, 0.25)]],
    [
      'steps that fall, NaN, the greatest doubles',
      [point(9, 1, Number.NaN), point(-4, 7, 1.7e308), point(0, 0, -5e-324)],
    ],
    ['64-bit steps', [point(-9223372036854775808n, 0, 1), point(9223372036854775807n, 9223372036854775807n, 2)]],
    ['a steady run', Array.from({ length: 1_024 }, (_, i) => point(i, 1_700_000_000_000 + i * 10, Math.sin(i)))],
  ])('gives back what it took: %s', (_, points) => {
    const plain = (list: readonly PointColumns[]) =>
      list.map(({ step, timestamp_ms, ...rest }) => [BigInt(step), BigInt(timestamp_ms), rest])
    expect(plain(pointsOf(decodeChunk(encodeChunk(points))))).toEqual(plain(points))
  })

  test('takes fewer than ten bytes for a point of noise, and two for a point that repeats', () => {
    const next = random(3)
    const size = (value: () => number) =>
      encodeChunk(Array.from({ length: 1_024 }, (_, i) => point(i, 1_700_000_000_000 + i * 250, value()))).length /
      1_024
    expect(size(next)).toBeLessThan(10)
    expect(size(() => 0.5)).toBeLessThan(2)
  })
})

describe('whatever order points come in, and whenever they are sealed', () => {
  test.each([1, 2, 3, 4, 5, 6])('the history is told whole and once (seed %i)', async (seed) => {
    const next = random(seed)
    const run = await api.run()
    let model: PointColumns[] = []
    let step = 0
    for (let round = 0; round < 8; round++) {
      const late = next() < 0.3 && step > 0
      const count = Math.ceil(next() * (next() < 0.4 ? 1_500 : 12))
      const from = late ? Math.floor(next() * step) : step
      const fresh = Array.from({ length: count }, (_, i) =>
        point(
          from + i,
          1_000_000 + (seed % 2 === 0 ? Math.floor(next() * 5_000) : (from + i) * 3),
          next() < 0.02 ? Number.NaN : next(),
        ),
      )
      const again = next() < 0.5 ? model.slice(0, 30) : []
      await log(run, [...fresh, ...again])
      model = inOrder([...model, ...fresh])
      step = Math.max(step, from + count)
      if (next() < 0.4) await seal(run, next() < 0.5)
    }
    const byTime = [...model].sort(compareByTime).map(wire)
    expect(await told(run, 700)).toEqual(byTime)
    await seal(run, true)
    expect(await told(run, 25_000)).toEqual(byTime)

    const newest = model.reduce((a, b) => (comparePoints(a, b) > 0 ? a : b))
    const { body } = await api.get('runs/get', { run_id: run })
    expect(body.run.data.metrics).toMatchObject([{ step: newest.step, timestamp: newest.timestamp_ms }])

    const [view] = await viewsOf(server.ctx.db, { projectId, runIds: [run], key: 'm', maxPoints: 100 })
    const points = drawn(view?.points ?? new Float64Array())
    const shown = points.flatMap(({ value }) => (Number.isNaN(value) ? [] : [value]))
    const values = model.flatMap((one) => (one.is_nan === 1 ? [] : [one.value]))
    expect(view?.total).toBe(model.length)
    expect([Math.min(...shown), Math.max(...shown)]).toEqual([Math.min(...values), Math.max(...values)])
    expect([points[0]?.step, points.at(-1)?.step]).toEqual([model[0]?.step, model.at(-1)?.step])
    expect(shown.length).toBeLessThanOrEqual(100 + 4)

    const sampled = await sampledHistory(server.ctx, projectId, { runIds: [run], key: 'm', maxResults: 50 })
    expect(sampled).toHaveLength(Math.min(50, model.length))
    expect(sampled[0]).toEqual({ ...pointOf({ ...(model[0] as PointColumns), key: 'm' }), runId: run })
    expect(sampled.at(-1)).toEqual({ ...pointOf({ ...(model.at(-1) as PointColumns), key: 'm' }), runId: run })
  })
})

test('points that come one by one lie in the row of their series, and go to its tail a piece at a time', async () => {
  const run = await api.run()
  const model = Array.from({ length: 45 }, (_, i) =>
    i % 7 === 3 ? point(BigInt(i) * 2n ** 57n - 2n ** 61n, i, Number.NaN) : point(i * 3, 2 ** 41 + i, (1 - i) / 3),
  )
  for (const [index, one] of model.entries()) await log(run, index % 5 === 0 ? [one, ...model.slice(0, 2)] : [one])
  const { db } = server.ctx
  const series = await db.selectFrom('metric_series').selectAll().where('run_id', '=', run).executeTakeFirstOrThrow()
  const pieces = await db.selectFrom('metric_tails').selectAll().where('series_id', '=', series.id).execute()
  expect([series.tail_points, series.recent?.length, pieces.length]).toEqual([63, 14 * 24, 3])
  expect((await tailsOf(db, [series.id])).get(series.id)).toEqual(inOrder(model))
  const byTime = inOrder(model).sort(compareByTime)
  const texts = (await api.get('metrics/get-history', { run_id: run, metric_key: 'm' })).text.match(/"step":-?\d+/g)
  expect(texts).toEqual(byTime.map(({ step }) => `"step":${step}`))
  for (const after of [null, ...model]) {
    const behind = inOrder(model).filter((one) => after === null || comparePoints(one, after) > 0)
    expect(await tailBehind(db, series.id, after)).toEqual(behind)
  }
  await seal(run, false)
  await seal(run, true)
  const [sealed] = await findSeries(db, projectId, [run], 'm')
  expect([sealed?.tail.length, sealed?.heads.map((head) => head.points)]).toEqual([0, [45]])
})

test('a long series is drawn from summaries: its spikes stay, and hundreds of runs are drawn at once', async () => {
  const runs = [await api.run(), await api.run(), await api.run()]
  const spike = 7_777
  const points = Array.from({ length: 12_000 }, (_, i) => point(i, 1_000 + i, i === spike ? 1e6 : Math.sin(i / 100)))
  await log(runs[0] as string, points)
  await log(runs[1] as string, points.slice(0, 40))
  const views = await viewsOf(server.ctx.db, { projectId, runIds: runs, key: 'm', maxPoints: 120 })
  expect(views.map(({ runId, total }) => [runId, total])).toEqual(
    [
      [runs[0], 12_000],
      [runs[1], 40],
    ].sort(),
  )
  const long = drawn(views.find((view) => view.runId === runs[0])?.points ?? new Float64Array())
  expect(long.length).toBeLessThanOrEqual(124)
  expect(long).toContainEqual({ step: spike, timestampMs: 1_000 + spike, value: 1e6 })
  expect(long.map(({ step }) => step)).toEqual(long.map(({ step }) => step).sort((a, b) => a - b))
})

test('what silent runs left in their tails is sealed, and is theirs as before', async () => {
  const run = await api.run()
  const points = Array.from({ length: 30 }, (_, i) => point(i, 50 + i, i / 7))
  await log(run, points)
  expect(await sealSilentRuns(server.ctx, 0, 100)).toBe(0) // none was silent for so long
  while ((await sealSilentRuns(server.ctx, Date.now() + 1, 100)) > 0);
  const [series] = await findSeries(server.ctx.db, projectId, [run], 'm')
  expect([series?.tail.length, series?.heads.map((head) => head.points)]).toEqual([0, [30]])
  expect(await told(run, 7)).toEqual(points.map(wire))
})

test('an ended run is not waited for, and takes late points all the same', async () => {
  const run = await api.run()
  const points = Array.from({ length: 30 }, (_, i) => point(i, 50 + i, i / 7))
  await log(run, points.slice(0, 20))
  const sizes = async () => {
    const [series] = await findSeries(server.ctx.db, projectId, [run], 'm')
    return [series?.tail.length, series?.heads.map((head) => head.points)]
  }
  await api.post('runs/update', { run_id: run, status: 'FINISHED', end_time: 100 })
  await expect.poll(sizes, { timeout: 5_000 }).toEqual([0, [20]])
  await log(run, points.slice(15))
  expect(await sizes()).toEqual([15, [20]])
  while ((await sealSilentRuns(server.ctx, 0, 100)) > 0);
  expect(await sizes()).toEqual([0, [30]])
  expect(await told(run, 7)).toEqual(points.map(wire))
})

describe('for charts', () => {
  const base = '/api/v1/projects/local/default'

  test('one metric of many runs comes at once; other projects’ runs and unknown ones are left out', async () => {
    const run = await api.run()
    await log(run, [point(0, 5, 1), point(1, 6, Number.NaN)])
    const answer = await server.request('POST', `${base}/metrics/series`, {
      body: { key: 'm', runs: [run, 'unknown'] },
    })
    expect(answer.body).toEqual({
      key: 'm',
      series: [
        {
          run,
          total: 2,
          points: [
            [0, 5, 1],
            [1, 6, null],
          ],
        },
      ],
    })
    await server.request('POST', '/api/v1/projects', { body: { name: 'other' } })
    const other = await server.request('POST', '/api/v1/projects/local/other/metrics/series', {
      body: { key: 'm', runs: [run] },
    })
    expect([other.status, other.body.series]).toEqual([200, []])
    for (const body of [
      { key: 'm', runs: [] },
      { key: 'm', runs: Array(501).fill('x') },
      { key: '', runs: [run] },
    ])
      expect((await server.request('POST', `${base}/metrics/series`, { body })).status).toBe(400)
  })

  test('new points are streamed from a cursor on, sealed or not, each once', async () => {
    const run = await api.run()
    const points = Array.from({ length: 700 }, (_, i) => point(i, 100 + i, i))
    await log(run, points.slice(0, 20))
    const first = await eventsOf(run, null, 1, async () => log(run, points.slice(20, 23)))
    expect(first.points).toEqual([20, 21, 22])
    // The viewer is cut off; meanwhile a chunk is written at once, and single points behind it.
    await log(run, points.slice(23, 600))
    await log(run, points.slice(600))
    await seal(run, true)
    expect((await eventsOf(run, first.cursor, 1)).points).toEqual(points.slice(23).map(({ step }) => step))
  })

  /** Reads the stream until `count` events have come; returns the steps and the last cursor. */
  async function eventsOf(run: string, cursor: string | null, count: number, meanwhile?: () => Promise<void>) {
    const abort = new AbortController()
    const answer = await fetch(`${server.url}${base}/runs/${run}/metrics/stream?key=m`, {
      signal: abort.signal,
      headers: cursor === null ? {} : { 'last-event-id': cursor },
    })
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
    let text = Buffer.from((await reader.read()).value ?? []).toString()
    await meanwhile?.()
    while (text.split('event: points').length <= count || !text.endsWith('\n\n'))
      text += Buffer.from((await reader.read()).value ?? []).toString()
    abort.abort()
    const data = [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json as string))
    return {
      points: data.flatMap((event: { points: number[][] }) => event.points.map(([step]) => step)),
      cursor: /^id: (.*)$/m.exec(text)?.[1] ?? null,
    }
  }
})
