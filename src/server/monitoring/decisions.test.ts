import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { IRIS_MLMODEL } from '../../../tests/harness/model-rows.ts'
import {
  decisionWhen,
  finishRetraining,
  flower,
  flowers,
  monitoringOf,
  traffic,
} from '../../../tests/harness/monitoring.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { jobById } from '../training/jobs.service.ts'
import { compareTask } from './challenge.service.ts'
import { retrainingFinished } from './retraining.service.ts'

const BASE = '/api/v1/projects/local/default'
let server: TestServer
let api: ReturnType<typeof monitoringOf>

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  api = monitoringOf(server)
})
afterAll(() => server.close())

describe('the challenger', () => {
  it('is promoted when it wins by every rule; the endpoint follows; undoing brings the old one back', async () => {
    const { watched, decision } = await api.fallen('win')
    // Feedback that comes while the challenger is trained is unseen by it, too.
    await traffic(server, 'win', flowers(40, 2))
    await finishRetraining(server, watched, decision.job_id, { onnx: 'iris-like.onnx' })
    const won = await api.ended('win')
    expect(won).toMatchObject({ state: 'promoted', challenger: { model: 'win', version: 2 } })
    const [feedback, reference] = won.comparison.sets
    expect(feedback.rows).toBeGreaterThan(40 + 30)
    expect(feedback.rows).toBeLessThan(40 + 100)
    expect(feedback.challenger).toBe(1)
    expect(feedback.interval[0]).toBeGreaterThan(0)
    expect(reference).toMatchObject({ name: 'reference test (test.csv)', rows: 300, challenger: 1 })
    expect(won.comparison.rules.every((rule: { passed: boolean }) => rule.passed)).toBe(true)
    expect(won.comparison.rules).toHaveLength(5)
    expect(await api.champion('win')).toBe(2)
    await new Promise((resolve) => setTimeout(resolve, 300))
    const virginica = { rows: [flower(0, 'virginica')].map(({ kind: _kind, ...inputs }) => inputs) }
    const answer = async () => (await server.request('POST', `${BASE}/endpoints/win/predict`, { body: virginica })).body
    await answer()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await answer()).toMatchObject({ version: 2, predictions: [{ value: 'virginica' }] })

    expect((await server.request('POST', `${BASE}/decisions/${won.id}/approve`)).status).toBe(409)
    const undone = await server.request('POST', `${BASE}/decisions/${won.id}/undo`)
    expect(undone.body).toMatchObject({ state: 'undone', reason: expect.stringContaining('Undone by local') })
    expect(await api.champion('win')).toBe(1)
    expect((await server.request('POST', `${BASE}/decisions/${won.id}/undo`)).status).toBe(409)
    const verbs = await server.ctx.db
      .selectFrom('events')
      .select('verb')
      .where('kind', '=', 'decision')
      .where('subject', '=', won.id)
      .orderBy('id')
      .execute()
    expect(verbs.map((event) => event.verb)).toEqual(['created', 'updated', 'updated', 'updated', 'promoted', 'undone'])
    // The model's own history says the same, with the decision's reasons.
    const history = await server.request('GET', `${BASE}/models/win/history`)
    expect(history.body.changes.slice(0, 2)).toMatchObject([
      { by: 'local', alias: 'champion', from: 2, to: 1, decision_id: won.id, because: undone.body.reason },
      { by: 'trainyard', alias: 'champion', from: 1, to: 2, decision_id: won.id, because: won.reason },
    ])
  })

  it('is refused when it gains nothing, and each refusal doubles the rest', async () => {
    const { watched, decision } = await api.fallen('same', { cooldown_ms: 1_000_000 })
    await finishRetraining(server, watched, decision.job_id, { onnx: 'iris-weak.onnx' })
    const refused = await api.ended('same')
    expect(refused).toMatchObject({ state: 'refused', reason: expect.stringContaining('gains at least') })
    expect(refused.comparison.rules.filter((rule: { passed: boolean }) => !rule.passed)).toHaveLength(2)
    expect(await api.champion('same')).toBe(1)
    const decidedAgo = (ms: number) =>
      server.ctx.db
        .updateTable('decisions')
        .set({ decided_at_ms: Date.now() - ms })
        .where('id', '=', refused.id)
        .execute()
    await decidedAgo(1_500_000)
    expect((await api.policy('same')).state).toBe('cooling')
    await decidedAgo(2_500_000)
    expect((await api.policy('same')).state).toBe('watching')
    // The second retraining adds to the feedback of the champion's own data only: the refused one's is not built upon.
    await api.evaluate('same')
    const second = await decisionWhen(server, 'same', (one) => one.id !== refused.id && one.job_id !== null)
    expect(second.dataset).toEqual({ name: 'same', version: 2 })
  })

  it('is refused when it loses on the reference test, however well it does on feedback', async () => {
    // By this test file every virginica is a versicolor, as the champion says.
    const test = flowers(300, 3).map((row) => (row.kind === 'virginica' ? { ...row, kind: 'versicolor' } : row))
    const { watched, decision } = await api.fallen('regress', {}, { test })
    await finishRetraining(server, watched, decision.job_id, { onnx: 'iris-like.onnx' })
    const refused = await api.ended('regress')
    expect(refused).toMatchObject({ state: 'refused', reason: expect.stringContaining('reference test') })
    expect(refused.comparison.sets[0].difference).toBeGreaterThan(0.2)
    expect(refused.comparison.sets[1].difference).toBeLessThan(-0.2)
    expect(await api.champion('regress')).toBe(1)
  })

  it('is refused when it takes other inputs', async () => {
    const { watched, decision } = await api.fallen('other')
    await finishRetraining(server, watched, decision.job_id, {
      onnx: 'iris-like.onnx',
      mlmodel: IRIS_MLMODEL.replace('"name": "age"', '"name": "years"'),
    })
    const refused = await api.ended('other')
    expect(refused).toMatchObject({ state: 'refused', reason: expect.stringContaining('other inputs') })
  })

  it('is refused when somebody moved the alias meanwhile', async () => {
    const { watched, decision } = await api.fallen('moved')
    await server.request('PATCH', `${BASE}/endpoints/moved`, { body: { version: 1 } })
    await finishRetraining(server, watched, decision.job_id, { onnx: 'iris-like.onnx' })
    const refused = await api.ended('moved')
    expect(refused).toMatchObject({
      state: 'refused',
      reason: expect.stringContaining('pointed at version 1 in another way'),
    })
    expect(await api.champion('moved')).toBe(1)
  })

  it('waits for a person where the policy asks, who may agree or refuse', async () => {
    for (const [name, act, state, version] of [
      ['agree', 'approve', 'promoted', 2],
      ['object', 'undo', 'refused', 1],
    ] as const) {
      const { watched, decision } = await api.fallen(name, { promote: 'ask' })
      await finishRetraining(server, watched, decision.job_id, { onnx: 'iris-like.onnx' })
      const waiting = await api.ended(name)
      expect(waiting).toMatchObject({ state: 'waiting', decided_at_ms: null })
      expect(await api.champion(name)).toBe(1)
      const answer = await server.request('POST', `${BASE}/decisions/${waiting.id}/${act}`)
      expect(answer.body).toMatchObject({ state, comparison: waiting.comparison })
      expect(await api.champion(name)).toBe(version)
    }
  })

  it('is judged once, however often its tasks run', async () => {
    const { watched, decision } = await api.fallen('again')
    await finishRetraining(server, watched, decision.job_id, { onnx: 'iris-like.onnx' })
    await decisionWhen(server, 'again', (one) => one.state === 'promoted')
    const events = async () =>
      (
        await server.ctx.db
          .selectFrom('events')
          .select('id')
          .where('kind', '=', 'decision')
          .where('subject', '=', decision.id)
          .execute()
      ).length
    const before = await events()
    await retrainingFinished(server.ctx, await jobById(server.ctx, decision.job_id))
    await Promise.all([1, 2].map(() => compareTask(server.ctx, { decision_id: decision.id })))
    expect(await events()).toBe(before)
    expect(await api.champion('again')).toBe(2)
  })
})

it('decisions of another project are not found', async () => {
  await server.request('POST', '/api/v1/projects', { body: { name: 'elsewhere' } })
  const [one] = await api.decisions('win')
  expect((await server.request('GET', `${BASE}/decisions/${one.id}`)).status).toBe(200)
  for (const path of ['', '/approve', '/undo']) {
    const answer = await server.request(
      path === '' ? 'GET' : 'POST',
      `/api/v1/projects/local/elsewhere/decisions/${one.id}${path}`,
    )
    expect(answer.status, path).toBe(404)
  }
})
