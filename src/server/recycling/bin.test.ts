import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256, upload } from '../../../tests/harness/datasets.ts'
import { type MlflowApi, mlflowApi } from '../../../tests/harness/mlflow.ts'
import { startTestServer, type TestAnswer, type TestServer } from '../../../tests/harness/server.ts'
import { SYSTEM } from '../../lib/actor.ts'
import { tidy } from './retention.service.ts'

const BASE = '/api/v1/projects/ada/flood'
const BIN = `${BASE}/recycle-bin`
const ARTIFACTS = '/api/2.0/mlflow-artifacts/artifacts'

let server: TestServer
let owner: string
let editor: string
let viewer: string
let api: MlflowApi
beforeAll(async () => {
  server = await startTestServer()
  owner = await server.user('ada')
  editor = await server.user('edgar')
  viewer = await server.user('vera')
  await server.request('POST', '/api/v1/projects', { body: { name: 'flood' }, token: owner })
  for (const [name, role] of [
    ['edgar', 'editor'],
    ['vera', 'viewer'],
  ])
    await server.request('PUT', `${BASE}/members/${name}`, { body: { role }, token: owner })
  api = mlflowApi(server, { prefix: '/mlflow/ada/flood/tracking', token: editor })
})
afterAll(() => server.close())

const call = (method: string, path: string, token = owner): Promise<TestAnswer> =>
  server.request(method, `${BIN}${path}`, { token })
const listed = async (kind: string) => (await call('GET', `?kind=${kind}`)).body.items

const experimentRow = (id: number) =>
  server.ctx.db.selectFrom('experiments').selectAll().where('id', '=', id).executeTakeFirst()

/** A run with one file in the artifacts. */
async function runWithFile(experiment: string, bytes: number): Promise<string> {
  const run = await api.run(experiment)
  expect(
    (await api.put(`${ARTIFACTS}/${experiment}/${run}/artifacts/model/weights.bin`, 'x'.repeat(bytes))).status,
  ).toBe(200)
  return run
}

describe('the recycle bin', () => {
  it('says what was deleted, by whom and when, and how much it would free', async () => {
    const experiment = await api.experiment('bins')
    const run = await runWithFile(experiment, 1_000)
    const before = Date.now()
    await api.post('runs/delete', { run_id: run })
    const [item] = await listed('run')
    expect(item).toMatchObject({ kind: 'run', id: run, deleted_by: 'edgar', size_bytes: 1_000, purge_at_ms: null })
    expect(item.deleted_at_ms).toBeGreaterThanOrEqual(before)
    expect((await call('GET', `/run/${run}`)).body.needed_by).toEqual([])
  })

  it('brings a run back, and says 404 for what does not lie in it', async () => {
    const run = (await listed('run'))[0].id
    expect((await call('POST', `/run/${run}/restore`, editor)).status).toBe(204)
    expect((await api.get('runs/get', { run_id: run })).body.run.info.lifecycle_stage).toBe('active')
    expect((await call('POST', `/run/${run}/restore`, editor)).status).toBe(404)
    expect((await call('GET', '/experiment/999999')).status).toBe(404)
    expect((await call('GET', '/spaceship/1')).status).toBe(400)
  })

  it('lets viewers look, editors restore, and only owners delete for ever', async () => {
    const run = await api.run('0')
    await api.post('runs/delete', { run_id: run })
    expect((await call('GET', '', viewer)).status).toBe(200)
    expect((await call('POST', `/run/${run}/restore`, viewer)).status).toBe(403)
    expect((await call('DELETE', `/run/${run}`, editor)).status).toBe(403)
    expect((await call('DELETE', `/run/${run}`)).status).toBe(200)
    expect((await api.get('runs/get', { run_id: run })).status).toBe(404)
  })

  it('deletes a run for ever with its params, metrics, tags, models and files', async () => {
    const experiment = await api.experiment('for-ever')
    const run = await runWithFile(experiment, 500)
    await api.post('runs/log-batch', {
      run_id: run,
      metrics: [{ key: 'loss', value: 1, step: 0, timestamp: 1 }],
      params: [{ key: 'depth', value: '3' }],
      tags: [{ key: 'who', value: 'me' }],
    })
    const made = await api.post('logged-models', { experiment_id: experiment, name: 'net', source_run_id: run })
    const model = made.body.model.info.model_id
    await api.put(`${ARTIFACTS}/${experiment}/models/${model}/artifacts/MLmodel`, 'y'.repeat(250))
    await api.post('runs/delete', { run_id: run })
    const gone = await call('DELETE', `/run/${run}`)
    expect(gone.body).toEqual({ freed_bytes: 750 })
    const { db } = server.ctx
    for (const table of ['metric_series', 'run_params', 'run_tags', 'run_inputs'] as const)
      expect(await db.selectFrom(table).selectAll().where('run_id', '=', run).execute(), table).toEqual([])
    const files = await db.selectFrom('artifact_entries').select('folder').where('folder', 'like', `%${run}%`).execute()
    expect(files).toEqual([])
    expect((await api.get(`logged-models/${model}`)).status).toBe(404)
    const stones = await db.selectFrom('tombstones').selectAll().where('thing_id', 'in', [run, model]).execute()
    expect(stones.map(({ kind, deleted_by }) => `${kind} ${deleted_by}`).sort()).toEqual([
      'logged_model ada',
      'run ada',
    ])
    expect((await call('DELETE', `/run/${run}`)).status).toBe(404)
  })

  it('refuses to delete a run for ever that a model version was made of, and names it', async () => {
    const experiment = await api.experiment('needed')
    const run = await runWithFile(experiment, 10)
    await api.post('registered-models/create', { name: 'dam' })
    const version = await api.post('model-versions/create', {
      name: 'dam',
      source: `mlflow-artifacts:/${experiment}/${run}/artifacts/model`,
      run_id: run,
    })
    expect(version.status).toBe(200)
    await api.post('runs/delete', { run_id: run })
    expect((await call('GET', `/run/${run}`)).body.needed_by).toEqual([
      { kind: 'model_version', name: 'dam/1', why: 'was made of it' },
    ])
    const refused = await call('DELETE', `/run/${run}`)
    expect(refused.status).toBe(409)
    expect(refused.body.error.message).toContain('model version dam/1 was made of it')
    expect((await api.get('runs/get', { run_id: run })).status).toBe(200)
    // Also from the bin: restoring it must give back something whole.
    await api.send('DELETE', 'model-versions/delete', { name: 'dam', version: '1' })
    expect((await call('DELETE', `/run/${run}`)).body.error.message).toContain('in the recycle bin')
    const [item] = await listed('model_version')
    expect(item).toMatchObject({ name: 'dam/1', deleted_by: 'edgar' })
    expect((await call('DELETE', `/model_version/${item.id}`)).status).toBe(200)
    expect((await call('DELETE', `/run/${run}`)).status).toBe(200)
  })

  it('gives a model back with the versions that went with it, and refuses a taken name', async () => {
    const made = async (name: string) => api.post('registered-models/create', { name })
    await made('levee')
    for (let i = 0; i < 3; i++)
      await api.post('model-versions/create', { name: 'levee', source: 's3://elsewhere/model' })
    await api.send('DELETE', 'model-versions/delete', { name: 'levee', version: '2' })
    await server.ctx.db.updateTable('model_versions').set({ deleted_at_ms: 1 }).where('deleted_at_ms', '>', 1).execute()
    await api.send('DELETE', 'registered-models/delete', { name: 'levee' })
    await made('levee')
    const [item] = await listed('model')
    expect(item).toMatchObject({ name: 'levee', contents: 2 })
    const refused = await call('POST', `/model/${item.id}/restore`)
    expect(refused.status).toBe(409)
    expect(refused.body.error.message).toContain('named "levee" by now')
    await api.post('registered-models/rename', { name: 'levee', new_name: 'dyke' })
    expect((await call('POST', `/model/${item.id}/restore`)).status).toBe(204)
    const found = await api.get('model-versions/search', { filter: "name = 'levee'" })
    expect(found.body.model_versions.map((one: { version: string }) => one.version).sort()).toEqual(['1', '3'])
    expect((await listed('model_version')).map((one: { name: string }) => one.name)).toContain('levee/2')
  })

  it('refuses to delete a model for ever that an endpoint serves', async () => {
    await api.post('registered-models/create', { name: 'served' })
    await api.post('model-versions/create', { name: 'served', source: 's3://elsewhere/model' })
    const { db } = server.ctx
    const model = await db
      .selectFrom('registered_models')
      .selectAll()
      .where('name', '=', 'served')
      .executeTakeFirstOrThrow()
    await db
      .insertInto('endpoints')
      .values({
        id: 'e'.repeat(32),
        project_id: model.project_id,
        name: 'warn',
        description: '',
        model_id: model.id,
        alias: null,
        version: 1,
        created_by: 'ada',
        created_at_ms: 1,
        updated_at_ms: 1,
        deleted_at_ms: null,
      })
      .execute()
    await api.send('DELETE', 'registered-models/delete', { name: 'served' })
    const refused = await call('DELETE', `/model/${model.id}`)
    expect(refused.status).toBe(409)
    expect(refused.body.error.message).toContain('endpoint warn serves it')
    await db.updateTable('endpoints').set({ deleted_at_ms: 2 }).where('id', '=', 'e'.repeat(32)).execute()
    expect((await call('DELETE', `/model/${model.id}`)).status).toBe(200)
    expect((await listed('model')).map((one: { id: string }) => one.id)).not.toContain(model.id)
  })

  it('frees the name of an experiment that is deleted for ever, and its runs go with it', async () => {
    const experiment = await api.experiment('reused')
    const runs = [await runWithFile(experiment, 100), await runWithFile(experiment, 100)]
    await api.post('runs/delete', { run_id: runs[0] })
    await api.post('experiments/delete', { experiment_id: experiment })
    const [item] = await listed('experiment')
    expect(item).toMatchObject({ id: experiment, name: 'reused', contents: 2, size_bytes: 200, deleted_by: 'edgar' })
    expect((await listed('run')).map((one: { id: string }) => one.id)).not.toContain(runs[0])
    expect((await api.post('experiments/create', { name: 'reused' })).status).toBe(400)
    expect((await call('DELETE', `/experiment/${experiment}`)).body).toEqual({ freed_bytes: 200 })
    expect(await experimentRow(Number(experiment))).toBeUndefined()
    expect((await api.get('runs/get', { run_id: runs[1] as string })).status).toBe(404)
    expect((await api.post('experiments/create', { name: 'reused' })).status).toBe(200)
  })

  it('restoring an experiment onto a taken name says so', async () => {
    const experiment = await api.experiment('twice')
    await api.post('experiments/delete', { experiment_id: experiment })
    const { db } = server.ctx
    const row = await experimentRow(Number(experiment))
    await db
      .insertInto('experiments')
      .values({ ...row, id: undefined, lifecycle: 'active' } as never)
      .execute()
    const refused = await call('POST', `/experiment/${experiment}/restore`)
    expect(refused.status).toBe(409)
    expect(refused.body.error.message).toContain('named "twice" by now')
  })

  it('takes datasets and their versions, and keeps those that runs and other versions come from', async () => {
    const files = (text: string) => [{ path: 'notes.bin', content: text }]
    for (const text of ['one', 'two', 'three'])
      expect((await upload(server, BASE, 'gauges', files(text), { token: editor })).status).toBe(201)
    expect((await server.request('DELETE', `${BASE}/datasets/gauges/versions/3`, { token: viewer })).status).toBe(403)
    expect((await server.request('DELETE', `${BASE}/datasets/gauges/versions/3`, { token: editor })).status).toBe(204)
    const dataset = await server.request('GET', `${BASE}/datasets/gauges`, { token: viewer })
    expect(dataset.body.versions.map((one: { version: number }) => one.version)).toEqual([2, 1])
    expect(dataset.body.latest.version).toBe(2)
    expect((await server.request('GET', `${BASE}/datasets/gauges/versions/3`, { token: viewer })).status).toBe(404)
    const all = await server.request('GET', `${BASE}/datasets`, { token: viewer })
    expect(all.body.datasets[0].latest.version).toBe(2)
    expect((await upload(server, BASE, 'gauges', files('four'), { token: editor })).body.version).toBe(4)

    const [version] = await listed('dataset_version')
    expect(version).toMatchObject({ name: 'gauges/3', size_bytes: 5, deleted_by: 'edgar' })
    const { db } = server.ctx
    const child = await db
      .updateTable('dataset_versions')
      .set({ parent_id: version.id })
      .where('version', '=', 4)
      .returning('id')
      .executeTakeFirstOrThrow()
    const refused = await call('DELETE', `/dataset_version/${version.id}`)
    expect(refused.status).toBe(409)
    expect(refused.body.error.message).toContain('dataset version gauges/4 was made from it')
    await db.updateTable('dataset_versions').set({ parent_id: null }).where('id', '=', child.id).execute()
    expect((await call('DELETE', `/dataset_version/${version.id}`)).body).toEqual({ freed_bytes: 5 })

    await server.request('DELETE', `${BASE}/datasets/gauges`, { token: editor })
    expect((await server.request('GET', `${BASE}/datasets/gauges`, { token: viewer })).status).toBe(404)
    const [item] = await listed('dataset')
    expect(item).toMatchObject({ name: 'gauges', contents: 3, size_bytes: 10 })
    expect((await call('POST', `/dataset/${item.id}/restore`)).status).toBe(204)
    const file = await server.request('GET', `${BASE}/datasets/gauges/versions/4/files/content?path=notes.bin`, {
      token: viewer,
    })
    expect(file.text).toBe('four')
    expect(sha256(file.text)).toBe(sha256('four'))
  })

  it('pages through everything once', async () => {
    for (let i = 0; i < 4; i++) await api.post('runs/delete', { run_id: await api.run('0') })
    const seen: string[] = []
    let token = ''
    for (let pages = 0; pages < 50; pages++) {
      const { body } = await call('GET', `?limit=2${token === '' ? '' : `&page_token=${token}`}`)
      seen.push(...body.items.map((one: { kind: string; id: string }) => `${one.kind} ${one.id}`))
      token = body.next_page_token ?? ''
      if (token === '') break
    }
    const { body } = await call('GET', '?limit=200')
    expect(seen).toEqual(body.items.map((one: { kind: string; id: string }) => `${one.kind} ${one.id}`))
    expect(seen.length).toBeGreaterThan(3)
    expect((await call('GET', '?page_token=nonsense')).status).toBe(400)
  })

  it('leaves one event for each restore and each deletion for ever, in the name of who did it', async () => {
    const run = await api.run('0')
    await api.post('runs/delete', { run_id: run })
    await call('POST', `/run/${run}/restore`, editor)
    await api.post('runs/delete', { run_id: run })
    await call('DELETE', `/run/${run}`)
    const events = await server.ctx.db
      .selectFrom('events')
      .selectAll()
      .where('subject', '=', run)
      .orderBy('id')
      .execute()
    expect(events.map(({ actor, verb }) => `${actor} ${verb}`)).toEqual([
      'edgar created',
      'edgar deleted',
      'edgar restored',
      'edgar deleted',
      'ada purged',
    ])
    expect(events.at(-1)?.address).not.toBe('')
  })

  it('deletes by itself what lies longer than the configuration says, and keeps what is needed', async () => {
    const free = await api.run('0')
    const needed = await api.run('0')
    await api.post('registered-models/create', { name: 'kept' })
    await api.post('model-versions/create', { name: 'kept', source: `runs:/${needed}/model`, run_id: needed })
    for (const run_id of [free, needed]) await api.post('runs/delete', { run_id })
    const fresh = await api.run('0')
    await api.post('runs/delete', { run_id: fresh })
    const week = 7 * 24 * 3600_000
    await server.ctx.db
      .updateTable('runs')
      .set({ deleted_at_ms: Date.now() - week })
      .where('id', 'in', [free, needed])
      .execute()
    const ctx = { ...server.ctx, config: { ...server.ctx.config, recycleBinDays: 5 } }
    await tidy(ctx)
    expect((await api.get('runs/get', { run_id: free })).status).toBe(404)
    expect((await api.get('runs/get', { run_id: needed })).status).toBe(200)
    expect((await api.get('runs/get', { run_id: fresh })).status).toBe(200)
    const event = await server.ctx.db
      .selectFrom('events')
      .select('actor')
      .where('subject', '=', free)
      .where('verb', '=', 'purged')
      .executeTakeFirst()
    expect(event?.actor).toBe(SYSTEM.name)
  })
})
