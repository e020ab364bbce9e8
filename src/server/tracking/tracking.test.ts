import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ARTIFACTS, type MlflowApi, mlflowApi } from '../../../tests/harness/mlflow.ts'
import { SKLEARN_MLMODEL } from '../../../tests/harness/registry.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { LOCAL } from '../../lib/actor.ts'
import { defaultProject } from '../projects/projects.service.ts'
import { addRunInput, runInputs } from './inputs.service.ts'
import { createRun } from './run-starts.service.ts'
import { endRun } from './runs.service.ts'

let server: TestServer
let api: MlflowApi
const P = '/api/v1/projects/local/default'
const get = async (path: string) => server.request('GET', `${P}${path}`)

beforeAll(async () => {
  server = await startTestServer()
  api = mlflowApi(server)
  await defaultProject(server.ctx, LOCAL)
})
afterAll(() => server.close())

describe('/runs', () => {
  test('a run with all that hangs on it, and its children', async () => {
    const experiment = await api.experiment('whole')
    const run = await api.run(experiment, { run_name: 'parent', user_id: 'ada' })
    const child = await api.run(experiment, { run_name: 'child', tags: [{ key: 'mlflow.parentRunId', value: run }] })
    const metrics = [
      { key: 'acc', value: 0.5, timestamp: 1 },
      { key: 'nan', value: 'NaN', timestamp: 1 },
    ]
    await api.post('runs/log-batch', { run_id: run, metrics, params: [{ key: 'p', value: '1' }] })
    const dataset = { name: 'd', digest: 'x', source_type: 'local', source: 's' }
    await api.post('runs/log-inputs', {
      run_id: run,
      datasets: [{ dataset, tags: [{ key: 'mlflow.data.context', value: 'eval' }] }],
    })
    const model = (await api.post('logged-models', { experiment_id: experiment, name: 'm', source_run_id: run })).body
      .model.info
    await api.put(`${ARTIFACTS}/${experiment}/models/${model.model_id}/artifacts/MLmodel`, SKLEARN_MLMODEL)
    await api.post('registered-models/create', { name: 'reg' })
    expect(
      (
        await api.post('model-versions/create', {
          name: 'reg',
          source: `models:/${model.model_id}`,
          model_id: model.model_id,
        })
      ).status,
    ).toBe(200)
    const { body } = await get(`/runs/${run}`)
    expect(body).toMatchObject({
      id: run,
      name: 'parent',
      experiment_id: experiment,
      experiment_name: 'whole',
      status: 'RUNNING',
      lifecycle: 'active',
      user_name: 'ada',
      started_at_ms: 1000,
      ended_at_ms: null,
      job_id: null,
      parent_id: null,
      params: { p: '1' },
      metrics: { acc: 0.5, nan: null },
      datasets: [{ name: 'd', digest: 'x', context: 'eval', dataset: null, version: null }],
      models: [
        { id: model.model_id, name: 'm', status: 'LOGGED_MODEL_PENDING', registered: [{ name: 'reg', version: 1 }] },
      ],
      children: [{ id: child, name: 'child', status: 'RUNNING' }],
    })
    expect(body.tags['mlflow.runName']).toBe('parent')
    expect((await get(`/runs/${child}`)).body.parent_id).toBe(run)
    expect((await get('/runs/none')).body.error.code).toBe('not_found')
  })

  test('search: filter, order, views and pages', async () => {
    const experiment = await api.experiment('listed')
    for (const [name, value] of [
      ['x', 1],
      ['y', 3],
      ['z', 2],
    ] as const) {
      const run = await api.run(experiment, { run_name: name })
      await api.post('runs/log-metric', { run_id: run, key: 'm', value, timestamp: 1 })
    }
    const list = async (query: Record<string, string>) =>
      (await get(`/runs?${new URLSearchParams({ experiment_id: experiment, ...query })}`)).body
    const names = async (query: Record<string, string>) =>
      (await list(query)).runs.map((run: { name: string }) => run.name)
    expect(await names({ order_by: 'metrics.m DESC' })).toEqual(['y', 'z', 'x'])
    expect(await names({ filter: 'metrics.m >= 2', order_by: 'run_name' })).toEqual(['y', 'z'])
    expect(await names({ view: 'deleted' })).toEqual([])
    const first = await list({ limit: '2', order_by: 'run_name' })
    expect(await names({ limit: '2', order_by: 'run_name', page_token: first.next_page_token })).toEqual(['z'])
    expect((await list({ limit: '3' })).next_page_token).toBeNull()
    expect((await list({ filter: 'nonsense' })).error).toMatchObject({ code: 'bad_request', field: 'filter' })
    expect((await list({ order_by: 'nonsense' })).error).toMatchObject({ code: 'bad_request', field: 'order_by' })
    expect((await list({ limit: '201' })).error.code).toBe('bad_request')
    expect((await get('/runs')).body.runs.length).toBeGreaterThan(3)
  })

  test('rename, describe, delete, restore, with a line of history each', async () => {
    const run = await api.run()
    const changed = await server.request('PATCH', `${P}/runs/${run}`, { body: { name: 'new', description: 'why' } })
    expect(changed.body).toMatchObject({ name: 'new', tags: { 'mlflow.runName': 'new', 'mlflow.note.content': 'why' } })
    expect((await server.request('PATCH', `${P}/runs/${run}`, { body: { status: 'x' } })).status).toBe(400)
    expect((await server.request('PATCH', `${P}/runs/${run}`, { body: { name: 'a\0b' } })).status).toBe(400)
    expect((await server.request('POST', `${P}/runs/${run}/delete`)).status).toBe(204)
    expect((await get(`/runs/${run}`)).body.lifecycle).toBe('deleted')
    expect((await server.request('PATCH', `${P}/runs/${run}`, { body: { name: 'no' } })).status).toBe(400)
    expect((await server.request('POST', `${P}/runs/${run}/restore`)).status).toBe(204)
    const verbs = (await get('/events')).body.events
      .filter((event: { subject: string }) => event.subject === run)
      .map((event: { verb: string }) => event.verb)
    expect(verbs).toEqual(['restored', 'deleted', 'updated', 'updated', 'created'])
  })

  test('experiments with their number of runs', async () => {
    const experiment = await api.experiment('counted')
    for (let i = 0; i < 3; i++) await api.run(experiment)
    await api.post('runs/delete', { run_id: await api.run(experiment) })
    const { experiments } = (await get('/experiments')).body
    expect(experiments[0]).toMatchObject({ id: '0', name: 'Default' })
    expect(experiments.find((one: { id: string }) => one.id === experiment)).toMatchObject({
      name: 'counted',
      lifecycle: 'active',
      run_count: 3,
    })
  })

  test('history is thinned, but no spike is lost', async () => {
    const run = await api.run()
    for (let from = 0; from < 5_000; from += 1_000) {
      const metrics = Array.from({ length: 1_000 }, (_, i) => ({
        key: 'loss',
        value: from + i === 3_333 ? 99 : from + i === 777 ? -99 : 1,
        timestamp: from + i,
        step: from + i,
      }))
      await api.post('runs/log-batch', { run_id: run, metrics })
    }
    const { body } = await get(`/runs/${run}/history?key=loss&max_points=100`)
    expect([body.key, body.total]).toEqual(['loss', 5_000])
    expect(body.points.length).toBeLessThanOrEqual(100)
    expect(body.points.length).toBeGreaterThan(40)
    expect([body.points[0].step, body.points.at(-1).step]).toEqual([0, 4_999])
    const values = body.points.map((point: { value: number }) => point.value)
    expect([Math.min(...values), Math.max(...values)]).toEqual([-99, 99])
    expect((await get(`/runs/${run}/history?key=none`)).body).toEqual({ key: 'none', total: 0, points: [] })
    expect((await get(`/runs/${run}/history?key=loss&max_points=5000`)).body.points).toHaveLength(5_000)
  })

  test('files of runs and of logged models', async () => {
    const run = await api.run()
    await api.put(`${ARTIFACTS}/0/${run}/artifacts/d/a.txt`, 'hello')
    expect((await get(`/runs/${run}/artifacts`)).body).toEqual({
      path: '',
      next: null,
      entries: [{ name: 'd', path: 'd', is_folder: true, size_bytes: 0 }],
    })
    expect((await get(`/runs/${run}/artifacts?path=d`)).body.entries).toEqual([
      { name: 'a.txt', path: 'd/a.txt', is_folder: false, size_bytes: 5 },
    ])
    const content = await get(`/runs/${run}/artifacts/content?path=d/a.txt`)
    expect([content.text, content.headers.get('content-disposition')]).toEqual([
      'hello',
      expect.stringContaining('attachment'),
    ])
    const { model_id } = (await api.post('logged-models', { experiment_id: '0' })).body.model.info
    await api.put(`${ARTIFACTS}/0/models/${model_id}/artifacts/MLmodel`, 'x: 1')
    expect((await get(`/logged-models/${model_id}/artifacts`)).body.entries).toHaveLength(1)
    expect((await get(`/logged-models/${model_id}/artifacts/content?path=MLmodel`)).text).toBe('x: 1')
    for (const path of ['../../x', '%2e%2e/x', '/etc/passwd']) {
      expect((await get(`/runs/${run}/artifacts/content?path=${encodeURIComponent(path)}`)).status, path).toBe(400)
      expect((await get(`/runs/${run}/artifacts?path=${encodeURIComponent(path)}`)).status, path).toBe(400)
    }
    expect((await get(`/runs/${run}/artifacts/content?path=none`)).status).toBe(404)
    const outside = (await api.post('experiments/create', { name: 'outside', artifact_location: 's3://bucket/x' })).body
      .experiment_id
    const far = await api.run(outside)
    expect((await api.get('runs/get', { run_id: far })).body.run.info.artifact_uri).toBe(
      `s3://bucket/x/${far}/artifacts`,
    )
    expect((await get(`/runs/${far}/artifacts`)).body.error.message).toContain('outside this server')
  })
})

describe('services', () => {
  test('a run of a job keeps its dataset version, and ends', async () => {
    const project = await defaultProject(server.ctx, LOCAL)
    const run = await createRun(server.ctx, LOCAL, project, { name: 'job run', jobId: 'j1' })
    const input = { name: 'd', digest: 'abc', sourceType: 'trainyard', source: '{}', tags: [] }
    await addRunInput(server.ctx, project, run.id, { ...input, datasetVersionId: 'v1' })
    expect(await runInputs(server.ctx, project.id, run.id)).toMatchObject([
      { name: 'd', datasetVersionId: 'v1', tags: {} },
    ])
    expect(await endRun(server.ctx, LOCAL, project, run.id, 'FAILED', 5)).toMatchObject({
      status: 'FAILED',
      endedAtMs: 5,
      jobId: 'j1',
    })
    expect((await get(`/runs/${run.id}`)).body.datasets).toEqual([
      { name: 'd', digest: 'abc', context: null, dataset: null, version: null },
    ])
  })
})
