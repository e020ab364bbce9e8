import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  decisionWhen,
  finishRetraining,
  flowers,
  monitoringOf,
  traffic,
  watchedEndpoint,
} from '../../../tests/harness/monitoring.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { readRows } from '../datasets/tables.service.ts'
import { versionFiles } from '../datasets/versions.service.ts'
import { jobById } from '../training/jobs.service.ts'
import { isHeldOut } from './truth.ts'

const BASE = '/api/v1/projects/local/default'
let server: TestServer
let api: ReturnType<typeof monitoringOf>

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  api = monitoringOf(server)
})
afterAll(() => server.close())

describe('a policy', () => {
  it('gets defaults, is shown, and is refused where it could never act', async () => {
    await watchedEndpoint(server, 'policy')
    expect((await server.request('GET', `${BASE}/endpoints/policy/policy`)).status).toBe(404)
    const made = await api.put('policy', { threshold: 0.8 })
    expect(made.body).toMatchObject({
      enabled: true,
      threshold: 0.8,
      window: 500,
      min_samples: 250,
      holdout_share: 0.3,
      alias: 'champion',
      promote: 'auto',
      state: 'watching',
      created_by: 'local',
    })
    expect((await api.put('policy', { threshold: 0.9, enabled: false })).body).toMatchObject({
      enabled: false,
      threshold: 0.9,
    })
    for (const [policy, field] of [
      [{}, 'body.threshold'],
      [{ threshold: 2 }, 'body.threshold'],
      [{ threshold: 0.8, window: 100, min_samples: 200 }, 'body.min_samples'],
      [{ threshold: 0.8, colour: 1 }, 'body.colour'],
    ] as const) {
      const answer = await api.put('policy', policy)
      expect([answer.status, answer.body.error.field]).toEqual([400, field])
    }
    const unknown = await api.put('policy', { threshold: 0.8, retrain: { parameters: { colour: 1 } } })
    expect([unknown.status, unknown.body.error.field]).toEqual([409, 'body.retrain.parameters'])
    await server.request('PATCH', `${BASE}/endpoints/policy`, { body: { version: 1 } })
    expect((await api.put('policy', { threshold: 0.8 })).body.error.message).toContain('alias')
    await server.request('PATCH', `${BASE}/endpoints/policy`, { body: { alias: 'champion' } })
    await server.ctx.db
      .updateTable('model_versions')
      .set({ run_id: null })
      .where(
        'model_id',
        '=',
        (
          await server.ctx.db
            .selectFrom('registered_models')
            .select('id')
            .where('name', '=', 'policy')
            .executeTakeFirstOrThrow()
        ).id,
      )
      .execute()
    // The endpoint remembers what its alias points at for a moment.
    await new Promise((resolve) => setTimeout(resolve, 300))
    const handmade = await api.put('policy', { threshold: 0.8 })
    expect([handmade.status, handmade.body.error.message]).toEqual([
      409,
      expect.stringContaining('did not come from a job'),
    ])
  })

  it('acts only on enough labelled predictions of the champion since it serves, below the threshold', async () => {
    const watched = await watchedEndpoint(server, 'calm')
    await api.watch('calm')
    await traffic(server, 'calm', flowers(99, 1))
    expect(await api.evaluate('calm')).toEqual({ evaluated: true, decision_id: null })
    await traffic(server, 'calm', flowers(200, 5))
    expect(await api.evaluate('calm')).toEqual({ evaluated: true, decision_id: null })
    // Bad days of before the promotion say nothing about the version that serves since.
    await server.ctx.db
      .updateTable('model_aliases')
      .set({ updated_at_ms: Date.now() + 60_000 })
      .where('model_id', '=', watched.champion.modelId)
      .execute()
    await traffic(server, 'calm', flowers(200, 1))
    expect(await api.evaluate('calm')).toEqual({ evaluated: true, decision_id: null })
    await server.ctx.db
      .updateTable('model_aliases')
      .set({ updated_at_ms: 0 })
      .where('model_id', '=', watched.champion.modelId)
      .execute()
    await api.watch('calm', { enabled: false })
    expect(await api.evaluate('calm')).toEqual({ evaluated: true, decision_id: null })
    await api.watch('calm')
    await decisionWhen(server, 'calm', (one) => one.state === 'retraining')
    const first = await api.evaluate('calm')
    expect(first.decision_id).toMatch(/^[0-9a-f]{32}$/)
    expect(await api.evaluate('calm')).toEqual(first)
    expect(await api.decisions('calm')).toHaveLength(1)
    expect((await api.policy('calm')).state).toBe('retraining')
  })

  it('opens one decision when many look at once', async () => {
    await watchedEndpoint(server, 'crowd')
    await traffic(server, 'crowd', flowers(200, 2))
    await api.watch('crowd')
    await Promise.all(Array.from({ length: 8 }, () => api.evaluate('crowd')))
    expect(await api.decisions('crowd')).toHaveLength(1)
  })
})

describe('retraining', () => {
  it('repeats the champion’s job on its data and the feedback that is not held out', async () => {
    const { watched, decision } = await api.fallen('repeat', {
      retrain: { parameters: { depth: 7 } },
      holdout_share: 0.4,
    })
    const job = await jobById(server.ctx, decision.job_id)
    const before = await jobById(server.ctx, watched.jobId)
    expect(job.spec.train).toMatchObject({ parameters: { depth: 7 }, experiment: 'flowers', registerAs: 'repeat' })
    expect(job).toMatchObject({
      codeDigest: before.codeDigest,
      createdBy: 'trainyard',
      dataset: { name: 'repeat', version: 2 },
    })
    const files = await versionFiles(server.ctx, job.datasetVersionId ?? '')
    expect(files.map((file) => file.path)).toEqual(['feedback.parquet', 'test.csv', 'train.csv'])
    const feedback = await readRows(server.ctx, files[0]?.sha256 ?? '', 'feedback.parquet', { limit: 1000 })
    expect(feedback.columns.map((column) => column.name)).toEqual(['colour', 'age', 'petal_width', 'kind'])
    const expected = flowers(200, 3).filter(({ kind: _truth, ...inputs }) => !isHeldOut(JSON.stringify(inputs), 0.4))
    expect(feedback.rows).toEqual(expected)
    expect(feedback.rows.length).toBeGreaterThan(80)
    expect(decision).toMatchObject({
      endpoint: 'repeat',
      state: 'retraining',
      champion: { model: 'repeat', version: 1 },
      challenger: null,
      dataset: { name: 'repeat', version: 2 },
      comparison: null,
    })
  })

  it('builds on the feedback that the champion was trained on already', async () => {
    const { watched, decision } = await api.fallen('grow', { cooldown_ms: 0 })
    await finishRetraining(server, watched, decision.job_id, { onnx: 'iris-like.onnx' })
    expect((await api.ended('grow')).state).toBe('promoted')
    // From now on, so it is said, what looks like a setosa is a versicolor.
    const turned = flowers(150, 3).map((row) => (row.kind === 'setosa' ? { ...row, kind: 'versicolor' } : row))
    await new Promise((resolve) => setTimeout(resolve, 300))
    await traffic(server, 'grow', turned.slice(0, 1)) // lets the endpoint load the new champion
    await new Promise((resolve) => setTimeout(resolve, 300))
    await traffic(server, 'grow', turned)
    const second = await decisionWhen(server, 'grow', (one) => one.id !== decision.id && one.job_id !== null)
    expect(second).toMatchObject({ champion: { version: 2 }, dataset: { name: 'grow', version: 3 } })
    const rowsOf = async (jobId: string) => {
      const job = await jobById(server.ctx, jobId)
      const file = (await versionFiles(server.ctx, job.datasetVersionId ?? ''))[0]
      return (await readRows(server.ctx, file?.sha256 ?? '', 'feedback.parquet', { limit: 1000 })).rows
    }
    const [before, after] = [await rowsOf(decision.job_id), await rowsOf(second.job_id)]
    expect(after.slice(0, before.length)).toEqual(before)
    expect(after.length).toBeGreaterThan(before.length + 50)
  })

  it('fails with the job’s own words, then rests', async () => {
    const { watched, decision } = await api.fallen('broken')
    await finishRetraining(server, watched, decision.job_id, { error: 'train.py ended with exit code 3' })
    const failed = await api.ended('broken')
    expect(failed).toMatchObject({ state: 'failed', reason: expect.stringContaining('exit code 3') })
    expect((await api.policy('broken')).state).toBe('cooling')
    expect(await api.champion('broken')).toBe(1)
    await traffic(server, 'broken', flowers(100, 2))
    expect((await api.evaluate('broken')).decision_id).toBeNull()
  })

  it('fails at once when feedback never says what was right', async () => {
    await watchedEndpoint(server, 'wordless')
    await api.watch('wordless')
    const rows = flowers(150, 1).map(({ kind: _kind, ...inputs }) => inputs)
    const { body } = await server.request('POST', `${BASE}/endpoints/wordless/predict`, { body: { rows } })
    await server.request('POST', `${BASE}/endpoints/wordless/feedback`, {
      body: { feedback: body.predictions.map((one: { id: string }) => ({ prediction_id: one.id, correct: false })) },
    })
    const failed = await api.ended('wordless')
    expect(failed).toMatchObject({ state: 'failed', job_id: null, reason: expect.stringContaining('Send truth') })
  })
})
