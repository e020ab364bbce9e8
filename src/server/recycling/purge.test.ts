import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BinWorld, binWorld } from '../../../tests/harness/bin.ts'
import { SYSTEM } from '../../lib/actor.ts'
import { tidy } from './retention.service.ts'

const ARTIFACTS = '/api/2.0/mlflow-artifacts/artifacts'

let world: BinWorld
beforeAll(async () => {
  world = await binWorld()
})
afterAll(() => world.server.close())

describe('deletion for ever', () => {
  it('deletes a run for ever with its params, metrics, tags, models and files', async () => {
    const { server, api, call, runWithFile } = world
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
    const again = await call('DELETE', `/run/${run}`)
    expect(again.status).toBe(404)
    expect(again.body.error.message).toContain('was deleted for ever by ada on 20')
  })

  it('refuses to delete a run for ever that a model version was made of, and names it', async () => {
    const { api, call, listed, runWithFile } = world
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

  it('refuses to delete a model for ever that an endpoint serves', async () => {
    const { server, api, call, listed } = world
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
    const { api, call, listed, experimentRow, runWithFile } = world
    const experiment = await api.experiment('reused')
    const runs = [await runWithFile(experiment, 100), await runWithFile(experiment, 100)]
    await api.post('runs/delete', { run_id: runs[0] })
    // What belongs to none of its runs, as the files of traces.
    await api.put(`${ARTIFACTS}/${experiment}/traces/tr-1/artifacts/traces.json`, '{}')
    await api.post('experiments/delete', { experiment_id: experiment })
    const [item] = await listed('experiment')
    expect(item).toMatchObject({ id: experiment, name: 'reused', contents: 2, size_bytes: 202, deleted_by: 'edgar' })
    expect((await listed('run')).map((one: { id: string }) => one.id)).not.toContain(runs[0])
    expect((await api.post('experiments/create', { name: 'reused' })).status).toBe(400)
    expect((await call('DELETE', `/experiment/${experiment}`)).body).toEqual({ freed_bytes: 202 })
    const files = world.server.ctx.db.selectFrom('artifact_entries').select('name')
    expect(await files.where('folder', 'like', `${experiment}/%`).execute()).toEqual([])
    expect(await experimentRow(Number(experiment))).toBeUndefined()
    expect((await api.get('runs/get', { run_id: runs[1] as string })).status).toBe(404)
    expect((await api.post('experiments/create', { name: 'reused' })).status).toBe(200)
  })

  it('deletes by itself what lies longer than the configuration says, and keeps what is needed', async () => {
    const { server, api } = world
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
