import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BinWorld, binWorld, FLOOD } from '../../../tests/harness/bin.ts'
import { sha256, upload } from '../../../tests/harness/datasets.ts'

let world: BinWorld
beforeAll(async () => {
  world = await binWorld()
})
afterAll(() => world.server.close())

describe('the recycle bin', () => {
  it('says what was deleted, by whom and when, and how much it would free', async () => {
    const { api, call, listed, runWithFile } = world
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
    const { api, call, listed, tokens } = world
    const run = (await listed('run'))[0].id
    expect((await call('POST', `/run/${run}/restore`, tokens.editor)).status).toBe(204)
    expect((await api.get('runs/get', { run_id: run })).body.run.info.lifecycle_stage).toBe('active')
    expect((await call('POST', `/run/${run}/restore`, tokens.editor)).status).toBe(404)
    expect((await call('GET', '/experiment/999999')).status).toBe(404)
    expect((await call('GET', '/spaceship/1')).status).toBe(400)
  })

  it('lets viewers look, editors restore, and only owners delete for ever', async () => {
    const { api, call, tokens } = world
    const run = await api.run('0')
    await api.post('runs/delete', { run_id: run })
    expect((await call('GET', '', tokens.viewer)).status).toBe(200)
    expect((await call('POST', `/run/${run}/restore`, tokens.viewer)).status).toBe(403)
    expect((await call('DELETE', `/run/${run}`, tokens.editor)).status).toBe(403)
    expect((await call('DELETE', `/run/${run}`)).status).toBe(200)
    expect((await api.get('runs/get', { run_id: run })).status).toBe(404)
  })

  it('gives a model back with the versions that went with it, and refuses a taken name', async () => {
    const { server, api, call, listed } = world
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

  it('restoring an experiment onto a taken name says so', async () => {
    const { server, api, call, experimentRow } = world
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
    const { server, call, listed, tokens } = world
    const files = (text: string) => [{ path: 'notes.bin', content: text }]
    for (const text of ['one', 'two', 'three'])
      expect((await upload(server, FLOOD, 'gauges', files(text), { token: tokens.editor })).status).toBe(201)
    expect(
      (await server.request('DELETE', `${FLOOD}/datasets/gauges/versions/3`, { token: tokens.viewer })).status,
    ).toBe(403)
    expect(
      (await server.request('DELETE', `${FLOOD}/datasets/gauges/versions/3`, { token: tokens.editor })).status,
    ).toBe(204)
    const dataset = await server.request('GET', `${FLOOD}/datasets/gauges`, { token: tokens.viewer })
    expect(dataset.body.versions.map((one: { version: number }) => one.version)).toEqual([2, 1])
    expect(dataset.body.latest.version).toBe(2)
    expect((await server.request('GET', `${FLOOD}/datasets/gauges/versions/3`, { token: tokens.viewer })).status).toBe(
      404,
    )
    const all = await server.request('GET', `${FLOOD}/datasets`, { token: tokens.viewer })
    expect(all.body.datasets[0].latest.version).toBe(2)
    expect((await upload(server, FLOOD, 'gauges', files('four'), { token: tokens.editor })).body.version).toBe(4)

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

    await server.request('DELETE', `${FLOOD}/datasets/gauges`, { token: tokens.editor })
    expect((await server.request('GET', `${FLOOD}/datasets/gauges`, { token: tokens.viewer })).status).toBe(404)
    const [item] = await listed('dataset')
    expect(item).toMatchObject({ name: 'gauges', contents: 3, size_bytes: 10 })
    expect((await call('POST', `/dataset/${item.id}/restore`)).status).toBe(204)
    const file = await server.request('GET', `${FLOOD}/datasets/gauges/versions/4/files/content?path=notes.bin`, {
      token: tokens.viewer,
    })
    expect(file.text).toBe('four')
    expect(sha256(file.text)).toBe(sha256('four'))
  })

  it('pages through everything once', async () => {
    const { api, call } = world
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
    const { server, api, call, tokens } = world
    const run = await api.run('0')
    await api.post('runs/delete', { run_id: run })
    await call('POST', `/run/${run}/restore`, tokens.editor)
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
})
