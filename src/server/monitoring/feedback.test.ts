import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { flowers, traffic, watchedEndpoint } from '../../../tests/harness/monitoring.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'

const BASE = '/api/v1/projects/local/default'
let server: TestServer

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  await watchedEndpoint(server, 'one')
  await watchedEndpoint(server, 'two')
})
afterAll(() => server.close())

const say = (endpoint: string, feedback: unknown[]) =>
  server.request('POST', `${BASE}/endpoints/${endpoint}/feedback`, { body: { feedback } })
const predict = async (endpoint: string, count: number): Promise<{ id: string; value: string }[]> => {
  const rows = flowers(count, 3).map(({ kind: _kind, ...inputs }) => inputs)
  return (await server.request('POST', `${BASE}/endpoints/${endpoint}/predict`, { body: { rows } })).body.predictions
}
const stored = async (id: string | undefined) =>
  server.ctx.db
    .selectFrom('feedback')
    .selectAll()
    .where('prediction_id', '=', id ?? '')
    .executeTakeFirst()

describe('feedback', () => {
  it('counts truth against the prediction, is corrected by saying it again, and reports unknown ids', async () => {
    const [first, second, third] = await predict('one', 3)
    const foreign = (await predict('two', 1))[0]
    const answer = await say('one', [
      { prediction_id: first?.id, truth: first?.value },
      { prediction_id: second?.id, truth: 'other' },
      { prediction_id: third?.id, correct: false },
      { prediction_id: foreign?.id, truth: 'x' },
      { prediction_id: 'nobody', truth: 'x' },
    ])
    expect(answer.body).toEqual({ accepted: 3, unknown: [foreign?.id, 'nobody'] })
    expect([await stored(first?.id), await stored(second?.id), await stored(third?.id)]).toMatchObject([
      { correct: 1, truth: JSON.stringify(first?.value) },
      { correct: 0, truth: '"other"' },
      { correct: 0, truth: null },
    ])
    expect(await stored(foreign?.id)).toBeUndefined()
    const before = await stored(second?.id)
    expect(
      (
        await say('one', [
          { prediction_id: second?.id, truth: 'x' },
          { prediction_id: second?.id, truth: second?.value },
        ])
      ).body.accepted,
    ).toBe(1)
    expect(await stored(second?.id)).toMatchObject({ correct: 1, created_at_ms: before?.created_at_ms })
  })

  it('writes one event a call, and none when nothing was accepted', async () => {
    const count = async () =>
      (await server.ctx.db.selectFrom('events').select('id').where('kind', '=', 'feedback').execute()).length
    const predictions = await predict('one', 5)
    const before = await count()
    await say(
      'one',
      predictions.map((one) => ({ prediction_id: one.id, correct: true })),
    )
    expect(await count()).toBe(before + 1)
    await say('one', [{ prediction_id: 'nobody', correct: true }])
    expect(await count()).toBe(before + 1)
  })

  it('refuses an entry that says nothing, or two things, or nothing known', async () => {
    const [one] = await predict('one', 1)
    for (const entry of [{}, { truth: 'x', correct: true }, { truth: null }, { truth: 'x'.repeat(10_001) }]) {
      const answer = await say('one', [
        { prediction_id: one?.id, correct: true },
        { prediction_id: one?.id, ...entry },
      ])
      expect(answer.status, JSON.stringify(entry).slice(0, 50)).toBe(400)
      expect(answer.body.error.field).toMatch(/^feedback\[1\]/)
    }
    expect(await stored(one?.id)).toBeUndefined()
    expect((await say('one', [])).status).toBe(400)
    expect((await say('one', [{ prediction_id: one?.id, correct: 'yes' }])).status).toBe(400)
    expect((await say('none', [{ prediction_id: one?.id, correct: true }])).status).toBe(404)
  })
})

describe('performance', () => {
  it('is empty before there is feedback', async () => {
    await watchedEndpoint(server, 'quiet')
    const { body } = await server.request('GET', `${BASE}/endpoints/quiet/performance`)
    expect(body).toMatchObject({
      metric: 'accuracy',
      coverage: { predicted: 0, labelled: 0 },
      window: { size: 500, labelled: 0, value: null, interval: null },
      by_version: [],
      series: [],
    })
  })

  it('says the accuracy of the newest window, with its interval, by version and over time', async () => {
    await watchedEndpoint(server, 'busy')
    await traffic(server, 'busy', flowers(60, 2)) // every second one is a virginica, which the champion misses
    await traffic(server, 'busy', flowers(40, 4))
    await predict('busy', 10)
    const { body } = await server.request('GET', `${BASE}/endpoints/busy/performance?window=40&buckets=10`)
    expect(body.coverage).toEqual({ predicted: 110, labelled: 100 })
    expect(body.window).toMatchObject({ size: 40, labelled: 40, value: 0.75 })
    // Wilson for 30 of 40.
    expect(body.window.interval[0]).toBeCloseTo(0.5981, 4)
    expect(body.window.interval[1]).toBeCloseTo(0.8581, 4)
    expect(body.by_version).toEqual([{ version: 1, labelled: 100, accuracy: 0.6 }])
    expect(body.series).toHaveLength(10)
    expect(body.series.reduce((sum: number, point: { labelled: number }) => sum + point.labelled, 0)).toBe(100)
    expect(body.series[0]).toMatchObject({ labelled: 10, accuracy: 0.5, version: 1 })
    expect(body.series[9].accuracy).toBeGreaterThan(0.65)
  })
})
