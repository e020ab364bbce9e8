import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ARTIFACTS, type MlflowApi, mlflowApi } from '../harness/mlflow.ts'
import { startTestServer, type TestAnswer, type TestServer } from '../harness/server.ts'
import { start, V3 } from '../harness/traces.ts'

/**
 * Two projects of one person with equal names inside, and a stranger. Whatever id of the one is said at the door of the
 * other, nothing is read, changed or told (rows 41, 42, 71-75, 83).
 */
let server: TestServer
let mine: MlflowApi
let other: MlflowApi
let stranger: MlflowApi
let ada: string
const ids: Record<'experiment' | 'run' | 'model' | 'trace' | 'dataset' | 'webhook' | 'assessment', string> = {
  experiment: '',
  run: '',
  model: '',
  trace: '',
  dataset: '',
  webhook: '',
  assessment: '',
}
/** A run of the other project, which the calls may name as their own. */
let otherRun: string
const SECRET = 'only-for-flood'
const P = '/api/v1/projects/ada'

/** The same things by the same names in a project. Only the values, and `SECRET`, tell them apart. */
async function furnish(api: MlflowApi, value: string) {
  const experiment = await api.experiment('same')
  const run = await api.run(experiment, { run_name: 'same', tags: [{ key: 'k', value }] })
  await api.post('runs/log-batch', {
    run_id: run,
    metrics: [{ key: 'loss', value: 1, timestamp: 1, step: 0 }],
    params: [{ key: 'p', value }],
  })
  await api.put(`${ARTIFACTS}/${experiment}/${run}/artifacts/same/file.txt`, value)
  const model = (await api.post('logged-models', { experiment_id: experiment, name: 'same', source_run_id: run })).body
    .model.info.model_id
  await api.put(`${ARTIFACTS}/${experiment}/models/${model}/artifacts/MLmodel`, value)
  await api.post('registered-models/create', { name: 'same', description: value })
  await api.post('model-versions/create', {
    name: 'same',
    source: `runs:/${run}/same`,
    run_id: run,
    description: value,
  })
  await api.post('registered-models/alias', { name: 'same', alias: 'champion', version: '1' })
  return { experiment, run, model }
}

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  ada = await server.user('ada')
  const stella = await server.user('stella')
  for (const name of ['flood', 'fire']) await server.request('POST', '/api/v1/projects', { body: { name }, token: ada })
  mine = mlflowApi(server, { prefix: '/mlflow/ada/flood/tracking', token: ada })
  other = mlflowApi(server, { prefix: '/mlflow/ada/fire/tracking', token: ada })
  stranger = mlflowApi(server, { prefix: '/mlflow/ada/flood/tracking', token: stella })
  Object.assign(ids, await furnish(mine, SECRET))
  otherRun = (await furnish(other, 'for fire')).run
  ids.trace = await start(mine, ids.experiment)
  const judged = { assessment: { assessment_name: 'good', feedback: { value: SECRET } } }
  ids.assessment = (await mine.send('POST', `${V3}/${ids.trace}/assessments`, judged)).body.assessment.assessment_id
  const evaluation = { name: 'same', experiment_ids: [ids.experiment], tags: `{"k":"${SECRET}"}` }
  ids.dataset = (await mine.send('POST', '/api/3.0/mlflow/datasets/create', evaluation)).body.dataset.dataset_id
  const hook = { name: SECRET, url: 'https://8.8.8.8/', events: [{ entity: 'REGISTERED_MODEL', action: 'CREATED' }] }
  ids.webhook = (await mine.post('webhooks', hook)).body.webhook.webhook_id
})
afterAll(() => server.close())

const pairs = [{ key: 'k', value: 'x' }]
const D3 = '/api/3.0/mlflow/datasets'
type Call = [method: string, path: string, message?: Record<string, unknown>]

/** Every call that takes an id, with ids of the first project. */
const reads = (): Call[] => [
  ['GET', 'experiments/get', { experiment_id: ids.experiment }],
  ['GET', 'runs/get', { run_id: ids.run }],
  ['GET', 'runs/get', { run_uuid: ids.run }],
  ['GET', 'artifacts/list', { run_id: ids.run }],
  ['GET', 'metrics/get-history', { run_id: ids.run, metric_key: 'loss' }],
  ['GET', '/ajax-api/2.0/mlflow/metrics/get-history-bulk', { run_id: ids.run, metric_key: 'loss' }],
  ['GET', '/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval', { run_ids: ids.run, metric_key: 'loss' }],
  ['POST', 'runs/search', { experiment_ids: [ids.experiment] }],
  ['POST', '/ajax-api/2.0/mlflow/experiments/search-datasets', { experiment_ids: [ids.experiment] }],
  ['GET', `logged-models/${ids.model}`],
  ['GET', `logged-models/${ids.model}/artifacts/directories`],
  ['POST', 'logged-models/search', { experiment_ids: [ids.experiment] }],
  ['GET', '/get-artifact', { run_id: ids.run, path: 'same/file.txt' }],
  ['GET', ARTIFACTS, { path: `${ids.experiment}/${ids.run}/artifacts` }],
  ['GET', `${ARTIFACTS}/${ids.experiment}/${ids.run}/artifacts/same/file.txt`],
  ['GET', `${ARTIFACTS}/${ids.experiment}/models/${ids.model}/artifacts/MLmodel`],
  ['GET', `/api/2.0/mlflow-artifacts/presigned/${ids.experiment}/${ids.run}/artifacts/same/file.txt`],
  ['GET', `${V3}/${ids.trace}`],
  ['GET', `${V3}/get`, { trace_id: ids.trace }],
  ['GET', `${V3}/batchGet`, { trace_ids: ids.trace }],
  ['GET', `traces/${ids.trace}/info`],
  ['GET', `${V3}/${ids.trace}/assessments/${ids.assessment}`],
  ['POST', `${V3}/search`, { locations: [{ mlflow_experiment: { experiment_id: ids.experiment } }] }],
  ['GET', `${D3}/${ids.dataset}`],
  ['GET', `${D3}/${ids.dataset}/records`],
  ['GET', `${D3}/${ids.dataset}/experiment-ids`],
  ['GET', `webhooks/${ids.webhook}`],
  ['POST', `webhooks/${ids.webhook}/test`],
]

const writes = (): Call[] => [
  ['POST', 'experiments/update', { experiment_id: ids.experiment, new_name: 'taken' }],
  ['POST', 'experiments/delete', { experiment_id: ids.experiment }],
  ['POST', 'experiments/restore', { experiment_id: ids.experiment }],
  ['POST', 'experiments/set-experiment-tag', { experiment_id: ids.experiment, key: 'k', value: 'x' }],
  ['POST', 'experiments/delete-experiment-tag', { experiment_id: ids.experiment, key: 'k' }],
  ['POST', 'runs/create', { experiment_id: ids.experiment }],
  ['POST', 'runs/update', { run_id: ids.run, status: 'FAILED' }],
  ['POST', 'runs/delete', { run_id: ids.run }],
  ['POST', 'runs/restore', { run_id: ids.run }],
  ['POST', 'runs/log-metric', { run_id: ids.run, key: 'loss', value: 9, timestamp: 9 }],
  ['POST', 'runs/log-parameter', { run_id: ids.run, key: 'q', value: 'x' }],
  ['POST', 'runs/log-batch', { run_id: ids.run, tags: pairs }],
  ['POST', 'runs/set-tag', { run_id: ids.run, key: 'k', value: 'x' }],
  ['POST', 'runs/delete-tag', { run_id: ids.run, key: 'k' }],
  [
    'POST',
    'runs/log-inputs',
    { run_id: ids.run, datasets: [{ dataset: { name: 'd', digest: 'e', source_type: 's', source: '{}' } }] },
  ],
  ['POST', 'runs/log-inputs', { run_id: otherRun, models: [{ model_id: ids.model }] }],
  ['POST', 'runs/outputs', { run_id: ids.run, models: [{ model_id: ids.model }] }],
  ['POST', 'runs/outputs', { run_id: otherRun, models: [{ model_id: ids.model, step: 1 }] }],
  [
    'POST',
    'runs/log-model',
    { run_id: ids.run, model_json: '{"artifact_path":"m","flavors":{},"utc_time_created":"2026-01-01"}' },
  ],
  ['POST', 'logged-models', { experiment_id: ids.experiment, name: 'x' }],
  ['POST', 'logged-models', { experiment_id: '0', name: 'x', source_run_id: ids.run }],
  ['PATCH', `logged-models/${ids.model}`, { status: 'LOGGED_MODEL_READY' }],
  ['PATCH', `logged-models/${ids.model}/tags`, { tags: pairs }],
  ['DELETE', `logged-models/${ids.model}/tags/k`],
  ['POST', `logged-models/${ids.model}/params`, { params: pairs }],
  ['DELETE', `logged-models/${ids.model}`],
  ['POST', 'model-versions/create', { name: 'same', source: `runs:/${ids.run}/same`, run_id: ids.run }],
  ['POST', 'model-versions/create', { name: 'same', source: `models:/${ids.model}`, model_id: ids.model }],
  [
    'POST',
    'model-versions/create',
    { name: 'same', source: `mlflow-artifacts:/${ids.experiment}/${ids.run}/artifacts`, run_id: ids.run },
  ],
  [
    'POST',
    'model-versions/create',
    { name: 'same', source: `mlflow-artifacts:/${ids.experiment}/${ids.run}/artifacts`, run_id: otherRun },
  ],
  ['PUT', `${ARTIFACTS}/${ids.experiment}/${ids.run}/artifacts/same/file.txt`, { x: 1 }],
  ['DELETE', `${ARTIFACTS}/${ids.experiment}/${ids.run}/artifacts/same/file.txt`],
  ['POST', `/ajax-api/2.0/mlflow/upload-artifact?run_uuid=${ids.run}&path=same/file.txt`, { x: 1 }],
  [
    'POST',
    `/api/2.0/mlflow-artifacts/mpu/create/${ids.experiment}/${ids.run}/artifacts/same`,
    { path: 'x', num_parts: 1 },
  ],
  ['PATCH', `${V3}/${ids.trace}/tags`, { key: 'k', value: 'x' }],
  ['POST', 'traces/link-to-run', { trace_ids: [ids.trace], run_id: ids.run }],
  ['POST', 'traces/delete-traces', { experiment_id: ids.experiment, request_ids: [ids.trace] }],
  ['PATCH', `${D3}/${ids.dataset}/tags`, { tags: '{"k":"x"}' }],
  ['POST', `${D3}/${ids.dataset}/records`, { records: '[{"inputs":{"a":1}}]' }],
  ['POST', `${D3}/${ids.dataset}/add-experiments`, { experiment_ids: [ids.experiment] }],
  ['DELETE', `${D3}/${ids.dataset}/records`, { dataset_record_ids: ['x'] }],
  ['DELETE', `${D3}/${ids.dataset}`],
  ['PATCH', `webhooks/${ids.webhook}`, { name: 'x' }],
  ['DELETE', `webhooks/${ids.webhook}`],
]

function send(api: MlflowApi, [method, path, message = {}]: Call): Promise<TestAnswer> {
  return method === 'GET' ? api.get(path, message as Record<string, string>) : api.send(method, path, message)
}

/** All that the first project shows of itself. */
async function everything(): Promise<string> {
  const answers: string[] = []
  for (const call of reads()) {
    if (/presigned|\/test$/.test(call[1])) continue
    answers.push((await send(mine, call)).text)
  }
  for (const path of ['model-versions/search', 'registered-models/search', 'experiments/search?max_results=10'])
    answers.push((await mine.get(path)).text)
  return answers.join('\n')
}

describe('an id of another project', () => {
  test('idor-search, idor-traces, idor-artifacts-read: reads nothing, and is told from nothing', async () => {
    const seen = await everything()
    expect(seen).toContain(SECRET)
    for (const call of reads()) {
      // The call is one that works at home: else it would be refused for another reason.
      const home = await send(mine, call)
      if (!call[1].endsWith('/test')) expect([200, call.join(' ')], home.text).toEqual([home.status, call.join(' ')])
      const there = await send(other, call)
      const what = `${call.join(' ')} ${JSON.stringify(call[2])}: ${there.text}`
      expect([200, 400, 404], what).toContain(there.status)
      expect(there.text.includes(SECRET), what).toBe(false)
      if (there.status === 200) expect(there.body, what).not.toMatchObject({ run: {}, experiment: {}, trace: {} })
      if (there.status === 200)
        expect(there.text.replace(/[\s{}[\]":,]|traces|trace_infos|files|metrics/g, ''), what).toBe('')
      const outside = await send(stranger, call)
      expect([404, what], outside.text).toEqual([outside.status, what])
    }
  })

  test('idor-log-inputs, idor-mv-from-run, idor-artifacts-write: changes nothing', async () => {
    const before = await everything()
    for (const call of writes()) {
      const there = await send(other, call)
      const what = `${call.join(' ')} ${JSON.stringify(call[2])}: ${there.text}`
      // Each project has files of its own below any path: one of the same path is not the other's.
      const own = call[1].includes('mlflow-artifacts') ? [200] : []
      expect([400, 404, ...own], what).toContain(there.status)
      expect((await send(stranger, call)).status, what).toBe(404)
    }
    expect(await everything()).toBe(before)
  })

  test('idor-names: equal names are two things', async () => {
    await other.send('PATCH', 'registered-models/update', { name: 'same', description: 'changed' })
    await other.send('DELETE', 'registered-models/alias', { name: 'same', alias: 'champion' })
    await other.post('experiments/delete', {
      experiment_id: (await other.get('experiments/get-by-name', { experiment_name: 'same' })).body.experiment
        .experiment_id,
    })
    await other.send('DELETE', 'registered-models/delete', { name: 'same' })
    const model = (await mine.get('registered-models/get', { name: 'same' })).body.registered_model
    expect([model.description, model.aliases]).toEqual([SECRET, [{ alias: 'champion', version: '1' }]])
    const experiment = (await mine.get('experiments/get-by-name', { experiment_name: 'same' })).body.experiment
    expect([experiment.experiment_id, experiment.lifecycle_stage]).toEqual([ids.experiment, 'active'])
    const file = await mine.get('/model-versions/get-artifact', { name: 'same', version: '1', path: 'file.txt' })
    expect(file.text).toBe(SECRET)
  })

  test('idor-api: our own API neither', async () => {
    for (const [method, path] of [
      ['GET', `runs/${ids.run}`],
      ['PATCH', `runs/${ids.run}`],
      ['GET', `runs/${ids.run}/artifacts`],
      ['GET', `runs/${ids.run}/artifacts/content?path=same/file.txt`],
      ['GET', `runs/${ids.run}/artifacts/archive`],
      ['GET', `logged-models/${ids.model}/artifacts`],
      ['GET', `webhooks/${ids.webhook}`],
      ['DELETE', `webhooks/${ids.webhook}`],
      ['GET', `traces/${ids.trace}`],
      ['DELETE', `recycle-bin/run/${ids.run}`],
      ['DELETE', `recycle-bin/experiment/${ids.experiment}`],
    ] as const) {
      const body = method === 'PATCH' ? { description: 'x' } : undefined
      const answer = await server.request(method, `${P}/fire/${path}`, { token: ada, body })
      expect([path, answer.status], answer.text).toEqual([path, 404])
    }
    const series = await server.request('GET', `${P}/fire/metrics/series?runs=${ids.run}&key=loss`, { token: ada })
    expect(series.status).toBeLessThan(500)
    expect(series.text).not.toContain('"value":1')
    expect((await mine.get('runs/get', { run_id: ids.run })).body.run.info.lifecycle_stage).toBe('active')
  })

  test('idor-graphql: there is no second way to ask', async () => {
    for (const path of ['/graphql', '/api/graphql', '/ajax-api/2.0/mlflow/graphql'])
      expect([401, 404]).toContain(
        (await server.request('POST', path, { body: { query: '{ __schema { types { name } } }' } })).status,
      )
    expect((await stranger.post('graphql', { query: '{x}' })).status).toBe(404)
  })
})
