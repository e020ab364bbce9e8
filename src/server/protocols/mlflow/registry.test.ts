import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { localProject, mlflow } from '../../../../tests/harness/registry.ts'
import { startTestServer, type TestServer } from '../../../../tests/harness/server.ts'
import type { Project } from '../../projects/projects.service.ts'
import { findModelVersion } from '../../registry/versions.service.ts'

let server: TestServer
let project: Project
let call: ReturnType<typeof mlflow>
let count = 0
let name = ''

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  project = await localProject(server, 'registry')
  call = mlflow(server, project)
})
afterAll(() => server.close())
beforeEach(() => {
  name = `model ${++count}`
})

const register = (message: Record<string, unknown> = {}) =>
  call('POST', 'model-versions/create', { name, source: 's3://bucket/model', ...message })
const newModel = () => call('POST', 'registered-models/create', { name })

describe('registered models', () => {
  it('are made, found, described, renamed and deleted', async () => {
    const made = await call('POST', 'registered-models/create', {
      name,
      description: 'd',
      tags: [{ key: 'team', value: 'a' }],
    })
    expect(made.status).toBe(200)
    expect(made.body.registered_model).toMatchObject({ name, description: 'd', tags: [{ key: 'team', value: 'a' }] })
    expect(made.body.registered_model).not.toHaveProperty('latest_versions')
    expect(await newModel()).toMatchObject({ status: 400, body: { error_code: 'RESOURCE_ALREADY_EXISTS' } })
    expect(
      (await call('PATCH', 'registered-models/update', { name, description: 'e' })).body.registered_model.description,
    ).toBe('e')
    await register()
    await call('POST', 'registered-models/alias', { name, alias: 'champion', version: '1' })
    const renamed = await call('POST', 'registered-models/rename', { name, new_name: `${name} b` })
    expect(renamed.body.registered_model).toMatchObject({
      name: `${name} b`,
      aliases: [{ alias: 'champion', version: '1' }],
      latest_versions: [{ name: `${name} b`, version: '1', current_stage: 'None' }],
    })
    expect(await call('GET', 'registered-models/get', { name })).toMatchObject({
      status: 404,
      body: { error_code: 'RESOURCE_DOES_NOT_EXIST' },
    })
    await newModel()
    expect(await call('POST', 'registered-models/rename', { name, new_name: `${name} b` })).toMatchObject({
      status: 400,
      body: { error_code: 'RESOURCE_ALREADY_EXISTS' },
    })
    expect((await call('DELETE', 'registered-models/delete', { name })).body).toEqual({})
    expect((await call('DELETE', 'registered-models/delete', { name })).status).toBe(404)
  })

  it('have names without "/" and ":"', async () => {
    for (const wrong of ['', '  ', 'a/b', 'a:b', '.', '..', '..a', 'x'.repeat(257), 'a\nb', 7]) {
      expect(await call('POST', 'registered-models/create', { name: wrong }), String(wrong)).toMatchObject({
        status: 400,
        body: { error_code: 'INVALID_PARAMETER_VALUE' },
      })
    }
    expect((await call('POST', 'registered-models/create', { name: `.hidden é ${count}` })).status).toBe(200)
    await newModel()
    expect((await call('POST', 'registered-models/rename', { name, new_name: 'a/b' })).status).toBe(400)
  })

  it('begin again at version 1 when deleted and made anew, and keep the old versions for lineage', async () => {
    await newModel()
    await register()
    const old = await findModelVersion(server.ctx, project.id, name, { version: 1 })
    await call('DELETE', 'registered-models/delete', { name })
    expect((await register()).status).toBe(404)
    await newModel()
    expect((await register()).body.model_version.version).toBe('1')
    const { modelVersionById } = await import('../../registry/versions.service.ts')
    expect(await modelVersionById(server.ctx, old.id)).toMatchObject({ version: 1, deletedAtMs: expect.any(Number) })
  })

  it('carry tags', async () => {
    await newModel()
    expect((await call('POST', 'registered-models/set-tag', { name, key: 'a/b c', value: '1' })).body).toEqual({})
    await call('POST', 'registered-models/set-tag', { name, key: 'a/b c', value: '2' })
    expect((await call('GET', 'registered-models/get', { name })).body.registered_model.tags).toEqual([
      { key: 'a/b c', value: '2' },
    ])
    expect((await call('DELETE', 'registered-models/delete-tag', { name, key: 'none' })).status).toBe(200)
    await call('DELETE', 'registered-models/delete-tag', { name, key: 'a/b c' })
    expect((await call('GET', 'registered-models/get', { name })).body.registered_model).not.toHaveProperty('tags')
    for (const key of ['a//b', './a', '../a', '', 'a,b', 'x'.repeat(251)]) {
      expect((await call('POST', 'registered-models/set-tag', { name, key, value: '' })).status, key).toBe(400)
    }
    expect(
      (await call('POST', 'registered-models/set-tag', { name, key: 'k', value: 'x'.repeat(100_001) })).status,
    ).toBe(400)
  })
})

describe('versions', () => {
  it('get twenty numbers when twenty are made at once', async () => {
    await newModel()
    const made = await Promise.all(Array.from({ length: 20 }, () => register()))
    expect(made.map((answer) => answer.status)).toEqual(Array(20).fill(200))
    expect(made.map((answer) => Number(answer.body.model_version.version)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    )
  })

  it('never reuse a number, and take their aliases with them', async () => {
    await newModel()
    await register()
    await register({ description: 'second', run_link: 'http://x', tags: [{ key: 'k', value: 'v' }] })
    await call('POST', 'registered-models/alias', { name, alias: 'champion', version: '2' })
    expect((await call('GET', 'model-versions/get', { name, version: '2' })).body.model_version).toMatchObject({
      name,
      version: '2',
      description: 'second',
      run_link: 'http://x',
      status: 'READY',
      current_stage: 'None',
      aliases: ['champion'],
      tags: [{ key: 'k', value: 'v' }],
      source: 's3://bucket/model',
    })
    expect((await call('DELETE', 'model-versions/delete', { name, version: '2' })).body).toEqual({})
    expect((await call('GET', 'model-versions/get', { name, version: '2' })).status).toBe(404)
    expect((await call('GET', 'registered-models/get', { name })).body.registered_model).not.toHaveProperty('aliases')
    expect((await register()).body.model_version.version).toBe('3')
    expect((await call('GET', 'model-versions/get', { name, version: 'two' })).status).toBe(400)
    expect(
      (await call('PATCH', 'model-versions/update', { name, version: '3', description: 'new' })).body.model_version
        .description,
    ).toBe('new')
    await call('POST', 'model-versions/set-tag', { name, version: '3', key: 'k', value: 'w' })
    expect((await call('GET', 'model-versions/get', { name, version: '3' })).body.model_version.tags).toEqual([
      { key: 'k', value: 'w' },
    ])
    expect((await call('DELETE', 'model-versions/delete-tag', { name, version: '3', key: 'k' })).status).toBe(200)
    expect((await call('DELETE', 'model-versions/delete-tag', { name, version: '3', key: 'k' })).status).toBe(200)
    expect((await call('DELETE', 'model-versions/delete-tag', { name, version: '4', key: 'k' })).status).toBe(404)
  })

  it('move through stages in any case', async () => {
    await newModel()
    await register()
    await register()
    const move = (version: string, stage: string, archive = false) =>
      call('POST', 'model-versions/transition-stage', { name, version, stage, archive_existing_versions: archive })
    expect((await move('1', 'PRODUCTION')).body.model_version.current_stage).toBe('Production')
    expect((await move('1', 'shipped')).status).toBe(400)
    expect((await move('1', 'Archived', true)).status).toBe(400)
    expect((await move('9', 'Staging')).status).toBe(404)
    await move('2', 'production', true)
    expect((await call('GET', 'model-versions/get', { name, version: '1' })).body.model_version.current_stage).toBe(
      'Archived',
    )
    for (const method of ['GET', 'POST']) {
      const latest = await call(method, 'registered-models/get-latest-versions', { name, stages: ['production'] })
      expect(latest.body.model_versions.map((version: { version: string }) => version.version)).toEqual(['2'])
    }
    const all = await call('POST', 'registered-models/get-latest-versions', { name })
    expect(
      all.body.model_versions.map((version: { version: string; current_stage: string }) => [
        version.version,
        version.current_stage,
      ]),
    ).toEqual([
      ['1', 'Archived'],
      ['2', 'Production'],
    ])
    expect((await call('POST', 'registered-models/get-latest-versions', { name, stages: ['None'] })).body).toEqual({})
    expect((await call('POST', 'registered-models/get-latest-versions', { name, stages: ['x'] })).status).toBe(400)
  })
})

describe('aliases', () => {
  it('move, are looked up, and leave a trace of who moved them', async () => {
    await newModel()
    await register()
    await register()
    const set = (alias: string, version: string) => call('POST', 'registered-models/alias', { name, alias, version })
    const get = (alias: string) => call('GET', 'registered-models/alias', { name, alias })
    expect((await set('champion', '1')).body).toEqual({})
    await set('champion', '2')
    expect((await get('champion')).body.model_version.version).toBe('2')
    expect((await get('latest')).body.model_version.version).toBe('2')
    expect(await get('none')).toMatchObject({
      status: 400,
      body: { error_code: 'INVALID_PARAMETER_VALUE', message: 'Registered model alias none not found.' },
    })
    expect((await call('GET', 'registered-models/alias', { name: 'no model', alias: 'champion' })).status).toBe(404)
    expect((await set('champion', '3')).status).toBe(404)
    for (const wrong of ['Latest', 'v1', 'V22', 'a b', 'a.b', 'x'.repeat(256)])
      expect((await set(wrong, '1')).status, wrong).toBe(400)
    expect((await set('version_1-é', '1')).status).toBe(200)
    const events = (await server.request('GET', '/api/v1/projects/local/registry/events')).body.events
    const moves = events.filter(
      (event: { kind: string; detail: Record<string, unknown> }) =>
        event.kind === 'alias' && event.detail.model === name && event.detail.alias === 'champion',
    )
    expect(moves).toMatchObject([
      { verb: 'promoted', actor: 'local', subject: `${name}/2`, detail: { from: 1, to: 2 } },
      { verb: 'promoted', actor: 'local', subject: `${name}/1`, detail: { from: null, to: 1 } },
    ])
    for (let twice = 0; twice < 2; twice++)
      expect((await call('DELETE', 'registered-models/alias', { name, alias: 'champion' })).body).toEqual({})
    expect((await get('champion')).status).toBe(400)
  })
})
