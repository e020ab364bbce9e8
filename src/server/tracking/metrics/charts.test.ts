import { build as buildWriter } from 'fast-json-stringify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { random } from '../../../../tests/harness/hostile.ts'
import { type MlflowApi, mlflowApi } from '../../../../tests/harness/mlflow.ts'
import { startTestServer, type TestServer } from '../../../../tests/harness/server.ts'
import { HistoryBody } from '../tracking.schema.ts'
import { SeriesBody } from './metrics.schema.ts'
import { FIELDS, type PlainPoint } from './summary.ts'
import { tailsOf } from './tails.ts'
import { Thinner } from './thinner.ts'

let server: TestServer
let api: MlflowApi
beforeAll(async () => {
  server = await startTestServer()
  api = mlflowApi(server)
})
afterAll(() => server.close())

const base = '/api/v1/projects/local/default'

async function log(run: string, key: string, values: readonly (number | string)[]): Promise<void> {
  for (let at = 0; at < values.length; at += 1_000) {
    const metrics = values
      .slice(at, at + 1_000)
      .map((value, i) => ({ key, value, step: at + i, timestamp: 1_700_000_000_000 + 7 * (at + i) }))
    expect((await api.post('runs/log-batch', { run_id: run, metrics })).status).toBe(200)
  }
}

describe('answers that a thread writes as text', () => {
  const next = random(11)
  // Sealed and not, shorter and longer than the picture, and numbers of all sizes.
  const noise = (count: number) => Array.from({ length: count }, () => (next() < 0.01 ? 'NaN' : next() * 10 - 5))
  const shapes: [string, (number | string)[]][] = [
    ['hard/numbers', [0, -0, 'NaN', 1e21, 1e-7, -1.5, 5e-324, 'Infinity', '-Infinity', 2 ** 53, 0.1]],
    ['short', noise(40)],
    ['middle', noise(3_000)],
    ['long', noise(9_000)],
  ]
  const runs: string[] = []
  beforeAll(async () => {
    for (let i = 0; i < 3; i++) {
      const run = await api.run()
      runs.push(run)
      for (const [key, values] of shapes) await log(run, key, values.slice(0, Math.ceil(values.length / (i + 1))))
    }
    await log(runs[0] as string, 'once', [1])
  })

  test.each([...shapes.map(([key]) => key), 'once', 'unknown "\\\u2028 é'])(
    'are to the byte what their schemas would write: %s',
    async (key) => {
      for (const max_points of [4, 60, 1_000]) {
        const series = await server.request('POST', `${base}/metrics/series`, { body: { key, runs, max_points } })
        expect([series.status, series.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8'])
        expect(series.text).toBe(buildWriter(SeriesBody)(series.body))
        expect(series.body.key).toBe(key)
        const own = `${base}/runs/${runs[0]}/history?${new URLSearchParams({ key, max_points: String(max_points) })}`
        const history = await server.request('GET', own)
        expect([history.status, history.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8'])
        expect(history.text).toBe(buildWriter(HistoryBody)(history.body))
        // Both tell the same points.
        const first = series.body.series.find((one: { run: string }) => one.run === runs[0])
        expect([history.body.key, history.body.total]).toEqual([key, first?.total ?? 0])
        expect(
          history.body.points.map((point: PlainPoint & { timestamp_ms: number }) => [
            point.step,
            point.timestamp_ms,
            point.value,
          ]),
        ).toEqual(first?.points ?? [])
      }
    },
  )

  test('have NaN as null and every other number as it was logged', async () => {
    const [key, values] = shapes[0] as (typeof shapes)[number]
    const { body } = await server.request('POST', `${base}/metrics/series`, { body: { key, runs: [runs[0]] } })
    const told = body.series[0].points.map(([, , value]: (number | null)[]) => value)
    const limits = { NaN: null, Infinity: Number.MAX_VALUE, '-Infinity': -Number.MAX_VALUE } as const
    const wanted = values.map((value) => (typeof value === 'string' ? limits[value as 'NaN'] : value + 0))
    expect(told.map((value: number | null) => value?.toPrecision(4))).toEqual(
      wanted.map((value: number | null) => value?.toPrecision(4)),
    )
  })

  test('show more runs than are looked at together, by their ids', async () => {
    const many = await Promise.all(Array.from({ length: 120 }, () => api.run()))
    await Promise.all(many.map((run, i) => log(run, 'many', [i, i + 0.5])))
    const { body } = await server.request('POST', `${base}/metrics/series`, { body: { key: 'many', runs: many } })
    const told = body.series.map(({ run, points }: { run: string; points: number[][] }) => [run, points[0]?.[2]])
    expect(told).toEqual(many.map((run, i) => [run, i]).sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1)))
  })
})

describe('thinning', () => {
  /** The corners of every stretch, in the plainest way. */
  function thinned(points: PlainPoint[], stretch: number): PlainPoint[] {
    const kept: PlainPoint[] = []
    for (let at = 0; at < points.length; at += stretch) {
      const part = points.slice(at, at + stretch)
      const numbers = part.filter(({ value }) => !Number.isNaN(value))
      const least = numbers.find(({ value }) => numbers.every((other) => value <= other.value))
      const greatest = numbers.find(({ value }) => numbers.every((other) => value >= other.value))
      const corners = new Set([part[0], least, greatest, part.at(-1)])
      kept.push(...(part.length <= 4 ? part : part.filter((point) => corners.has(point))))
    }
    return kept
  }

  test.each([1, 2, 4, 5, 7, 256])('keeps first, least, greatest and last of each stretch of %i points', (stretch) => {
    const next = random(stretch)
    for (const count of [0, 1, 4, 5, 300]) {
      const points = Array.from({ length: count }, (_, step) => ({
        step,
        timestampMs: step * 3,
        value: next() < 0.2 ? Number.NaN : Math.floor(next() * 6),
      }))
      const thinner = new Thinner(stretch)
      for (const { step, timestampMs, value } of points) thinner.add(step, timestampMs, value)
      const row = [...thinner.done()]
      const kept = Array.from({ length: row.length / FIELDS }, (_, i) => row.slice(i * FIELDS, (i + 1) * FIELDS))
      expect(kept).toEqual(thinned(points, stretch).map(({ step, timestampMs, value }) => [step, timestampMs, value]))
    }
  })
})

test('a run that ends is sealed soon after the answer, and again when it ends again', async () => {
  const run = await api.run()
  for (const key of ['a', 'b', 'c']) await log(run, key, [3, 2, 1])
  const waiting = async () => {
    const { db } = server.ctx
    const series = await db.selectFrom('metric_series').selectAll().where('run_id', '=', run).execute()
    const tails = await tailsOf(
      db,
      series.map(({ id }) => id),
    )
    return [[...tails.values()].flat().length, series.reduce((sum, one) => sum + one.tail_points, 0)]
  }
  await api.post('runs/update', { run_id: run, status: 'RUNNING' })
  expect(await waiting()).toEqual([9, 9])
  await api.post('runs/update', { run_id: run, status: 'KILLED', end_time: 9 })
  await expect.poll(waiting, { timeout: 5_000 }).toEqual([0, 0])
  // It may end again, with more to seal and with nothing.
  await log(run, 'a', [7, 7, 7, 7])
  for (let i = 0; i < 2; i++) await api.post('runs/update', { run_id: run, status: 'FINISHED', end_time: 10 })
  await expect.poll(waiting, { timeout: 5_000 }).toEqual([0, 0])
  const { body } = await server.request('POST', `${base}/metrics/series`, { body: { key: 'a', runs: [run] } })
  expect(body.series[0].total).toBe(7)
  expect(body.series[0].points.map(([step, , value]: number[]) => [step, value])).toEqual([
    [0, 3],
    [0, 7],
    [1, 2],
    [1, 7],
    [2, 1],
    [2, 7],
    [3, 7],
  ])
})
