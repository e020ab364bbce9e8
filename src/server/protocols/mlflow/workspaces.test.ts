import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ARTIFACTS, mlflowApi } from '../../../../tests/harness/mlflow.ts'
import { startTestServer, type TestServer } from '../../../../tests/harness/server.ts'
import { isPostgres } from '../../../db/dialect.ts'
import { PROJECT_CONTENT } from '../../projects/deletion.store.ts'

const PATH = '/api/3.0/mlflow/workspaces'
let server: TestServer
let ada: string
let bob: string
let vera: string
let job: string
beforeAll(async () => {
  server = await startTestServer()
  ada = await server.user('ada')
  bob = await server.user('bob')
  vera = await server.user('vera')
  for (const name of ['flood', 'fire']) await server.request('POST', '/api/v1/projects', { body: { name }, token: ada })
  await server.request('PUT', '/api/v1/projects/ada/flood/members/vera', { token: ada, body: { role: 'viewer' } })
  job = await server.user('jo', { scope: 'read' })
})
afterAll(() => server.close())

/** A call at the root, in a workspace. */
async function call(method: string, path: string, token: string | undefined, workspace?: string, body?: unknown) {
  const answer = await server.request(method, path, {
    ...(token === undefined ? {} : { token }),
    ...(body === undefined ? {} : { body }),
    headers: workspace === undefined ? {} : { 'x-mlflow-workspace': workspace },
  })
  return { ...answer, said: [answer.status, answer.body?.error_code] }
}
const names = async (token: string) =>
  ((await call('GET', PATH, token)).body.workspaces ?? []).map((workspace: { name: string }) => workspace.name)
const INVALID = [400, 'INVALID_PARAMETER_VALUE']
const MISSING = [404, 'RESOURCE_DOES_NOT_EXIST']
const FORBIDDEN = [403, 'PERMISSION_DENIED']

describe('the list', () => {
  test('shows each caller what they may see, and nobody anything without an account', async () => {
    expect(await names(ada)).toEqual(['ada--fire', 'ada--flood'])
    expect(await names(vera)).toEqual(['ada--flood'])
    expect(await names(bob)).toEqual([])
    expect((await call('GET', PATH, bob)).text).toBe('{}')
    expect((await call('GET', PATH, undefined)).said).toEqual([401, 'UNAUTHENTICATED'])
  })

  test('at a project it is that project', async () => {
    const prefix = '/mlflow/ada/flood/tracking'
    const listed = await call('GET', prefix + PATH, vera)
    expect(listed.body).toEqual({ workspaces: [{ name: 'ada--flood', description: '' }] })
    expect((await call('GET', `${prefix}${PATH}/ada--flood`, vera)).body.workspace.name).toBe('ada--flood')
    expect((await call('GET', `${prefix}${PATH}/ada--fire`, ada)).said).toEqual(INVALID)
    expect((await call('GET', prefix + PATH, bob)).said).toEqual(MISSING)
    expect((await call('POST', prefix + PATH, ada, undefined, { name: 'ada--new' })).said).toEqual(INVALID)
  })
})

describe('create, get, update', () => {
  test('makes a project, with MLflow’s statuses', async () => {
    const made = await call('POST', PATH, ada, undefined, { name: 'ada--storm', description: 'Wind' })
    expect([made.status, made.body]).toEqual([201, { workspace: { name: 'ada--storm', description: 'Wind' } }])
    expect((await server.request('GET', '/api/v1/projects/ada/storm', { token: ada })).body.description).toBe('Wind')
    const again = await call('POST', PATH, ada, undefined, { name: 'ada--storm' })
    expect(again.said).toEqual([400, 'RESOURCE_ALREADY_EXISTS'])
    const changed = await call('PATCH', `${PATH}/ada--storm`, ada, undefined, { description: '' })
    expect(changed.body).toEqual({ workspace: { name: 'ada--storm', description: '' } })
    expect((await call('GET', `/ajax-api/3.0/mlflow/workspaces/ada--storm`, ada)).body).toEqual(changed.body)
    expect((await call('PATCH', `${PATH}/ada--storm`, ada, undefined, {})).said).toEqual(INVALID)
    expect((await call('DELETE', `${PATH}/ada--storm`, ada)).status).toBe(204)
  })

  test.each([
    'default',
    'a',
    'x'.repeat(64),
    'Ada--Flood',
    '-ada--x',
    'ada--x-',
    'workspaces',
    'team-a',
    'ada--x--y',
    `ada--${'x'.repeat(32)}`,
    'api--x',
  ])('%s cannot be made', async (name) => {
    expect((await call('POST', PATH, ada, undefined, { name })).said).toEqual(INVALID)
  })

  test('a name without an owner is answered with the one to take', async () => {
    expect((await call('POST', PATH, ada, undefined, { name: 'team-a' })).body.message).toContain("'ada--team-a'")
  })

  test('what the server would not do is refused', async () => {
    const body = { name: 'ada--s3', default_artifact_root: 's3://elsewhere/' }
    expect((await call('POST', PATH, ada, undefined, body)).said).toEqual(INVALID)
    const archival = { name: 'ada--s3', trace_archival_config: { retention: '30d' } }
    expect((await call('POST', PATH, ada, undefined, archival)).said).toEqual(INVALID)
  })

  test('default is the caller’s own', async () => {
    expect((await call('GET', `${PATH}/default`, bob)).body.workspace.name).toBe('default')
    expect((await call('GET', `${PATH}/bob--default`, bob)).status).toBe(200)
    expect((await call('GET', `${PATH}/bob--default`, ada)).said).toEqual(MISSING)
  })
})

test('an experiment says its workspace as the request named it, at a tracking URI the project’s', async () => {
  const path = '/api/2.0/mlflow/experiments/get?experiment_id=0'
  const said = async (prefix: string, header?: string) =>
    (await call('GET', prefix + path, ada, header)).body.experiment.workspace
  expect([await said(''), await said('', 'ada--flood')]).toEqual(['default', 'ada--flood'])
  expect(await said('/mlflow/ada/flood/tracking', 'default')).toBe('ada--flood')
})

describe('idor-workspace', () => {
  test('what one may not see is not there; what one may only see does not change', async () => {
    for (const [method, body] of [['GET'], ['PATCH', { description: 'x' }], ['DELETE']] as const) {
      const seen = await call(method, `${PATH}/ada--fire`, bob, undefined, body)
      const unseen = await call(method, `${PATH}/ada--nothing`, bob, undefined, body)
      expect([seen.said, seen.text]).toEqual([MISSING, unseen.text.replace('ada--nothing', 'ada--fire')])
    }
    expect((await call('PATCH', `${PATH}/ada--flood`, vera, undefined, { description: 'x' })).said).toEqual(FORBIDDEN)
    expect((await call('DELETE', `${PATH}/ada--flood`, vera)).said).toEqual(FORBIDDEN)
    expect((await call('POST', PATH, bob, undefined, { name: 'ada--fire' })).said).toEqual(FORBIDDEN)
    expect((await call('POST', PATH, bob, undefined, { name: 'ada--nothing' })).said).toEqual(FORBIDDEN)
    expect((await call('POST', PATH, job, undefined, { name: 'jo--x' })).said).toEqual(FORBIDDEN)
  })

  test('a header that names what is not there, or what one may not see, is 404 everywhere and tells no difference', async () => {
    for (const path of ['/api/2.0/mlflow/experiments/get?experiment_id=0', PATH, `${ARTIFACTS}?path=x`]) {
      const unseen = await call('GET', path, bob, 'ada--fire')
      const absent = await call('GET', path, bob, 'ada--nothing')
      expect(unseen.said).toEqual(MISSING)
      expect(unseen.text).toBe(absent.text.replace('ada--nothing', 'ada--fire'))
    }
    expect((await call('GET', PATH, bob, 'nonsense')).said).toEqual(MISSING)
  })

  test('server-info and version answer whatever the header says', async () => {
    for (const prefix of ['', '/mlflow/ada/flood/tracking']) {
      const info = await call('GET', `${prefix}/api/3.0/mlflow/server-info`, bob, 'ada--nothing')
      expect(info.body).toMatchObject({ store_type: 'SqlStore', workspaces_enabled: true })
      expect((await call('GET', `${prefix}/version`, undefined, 'ada--nothing')).text).toBe('3.17.2')
    }
  })

  test('a project’s own tracking URI takes no other workspace', async () => {
    const path = '/mlflow/ada/flood/tracking/api/2.0/mlflow/experiments/get?experiment_id=0'
    expect((await call('GET', path, ada, 'ada--flood')).status).toBe(200)
    expect((await call('GET', path, ada, 'default')).status).toBe(200)
    const other = await call('GET', path, ada, 'ada--fire')
    expect(other.said).toEqual(INVALID)
    expect(other.body.message).toContain('ada/flood')
    expect((await call('GET', path, bob, 'ada--fire')).said).toEqual(MISSING)
    expect((await call('GET', path, undefined, 'ada--fire')).said).toEqual([401, 'UNAUTHENTICATED'])
  })

  test('same-named experiments and models in two workspaces never meet', async () => {
    const api = '/api/2.0/mlflow'
    const ids: Record<string, string> = {}
    for (const workspace of ['ada--flood', 'ada--fire']) {
      const made = await call('POST', `${api}/experiments/create`, ada, workspace, { name: 'same' })
      const run = await call('POST', `${api}/runs/create`, ada, workspace, { experiment_id: made.body.experiment_id })
      ids[workspace] = run.body.run.info.run_id
      await call('POST', `${api}/registered-models/create`, ada, workspace, { name: 'same', description: workspace })
    }
    for (const [workspace, other] of [
      ['ada--flood', 'ada--fire'],
      ['ada--fire', 'ada--flood'],
    ] as const) {
      const model = await call('GET', `${api}/registered-models/get?name=same`, ada, workspace)
      expect(model.body.registered_model.description).toBe(workspace)
      expect((await call('GET', `${api}/runs/get?run_id=${ids[other]}`, ada, workspace)).said).toEqual(MISSING)
      const write = { run_id: ids[other], key: 'a', value: 'b' }
      expect((await call('POST', `${api}/runs/set-tag`, ada, workspace, write)).said).toEqual(MISSING)
      const found = await call('POST', `${api}/runs/search`, ada, workspace, {
        experiment_ids: Array.from({ length: 20 }, (_, id) => String(id)),
      })
      expect(found.body.runs.map((run: { info: { run_id: string } }) => run.info.run_id)).toEqual([ids[workspace]])
    }
  })
})

describe('proxied paths', () => {
  const at = (path: string) => `${ARTIFACTS}/${path}`
  const put = (path: string, workspace: string) =>
    fetch(server.url + at(path), {
      method: 'PUT',
      body: 'bytes',
      headers: { authorization: `Bearer ${ada}`, 'x-mlflow-workspace': workspace },
    })

  test('may begin with workspaces/<name>/, of the request’s own workspace', async () => {
    expect((await put('workspaces/ada--flood/0/notes/a.txt', 'ada--flood')).status).toBe(200)
    expect((await call('GET', at('0/notes/a.txt'), ada, 'ada--flood')).text).toBe('bytes')
    expect((await call('GET', at('workspaces/ada--flood/0/notes/a.txt'), ada, 'ada--flood')).text).toBe('bytes')
    const listed = await call('GET', `${ARTIFACTS}?path=workspaces/ada--flood/0/notes`, ada, 'ada--flood')
    expect(listed.body.files).toEqual([{ path: 'a.txt', is_dir: false, file_size: 5 }])
    expect((await call('GET', at('0/notes/a.txt'), ada, 'ada--fire')).said).toEqual(MISSING)
  })

  test('and of no other', async () => {
    for (const path of [
      'workspaces/ada--flood/0/notes/a.txt',
      'workspaces%2Fada--flood/0/notes/a.txt',
      'workspaces/default/0/a.txt',
      'workspaces/',
    ]) {
      expect((await call('GET', at(path), ada, 'ada--fire')).said).toEqual(INVALID)
      expect((await put(path, 'ada--fire')).status).toBe(400)
    }
    const prefixed = `/mlflow/ada/fire/tracking${at('workspaces/ada--flood/0/notes/a.txt')}`
    expect((await call('GET', prefixed, ada)).said).toEqual(INVALID)
    expect((await call('GET', at('workspaces/ada--fire/..%2f..%2fada--flood/a'), ada, 'ada--fire')).status).toBe(400)
  })
})

describe('delete', () => {
  test('an empty project goes, with its members and webhooks; its name is free again', async () => {
    await call('POST', PATH, ada, undefined, { name: 'ada--gone' })
    await server.request('PUT', '/api/v1/projects/ada/gone/members/vera', { token: ada, body: { role: 'editor' } })
    await call('GET', '/api/2.0/mlflow/experiments/get?experiment_id=0', ada, 'ada--gone')
    expect((await call('DELETE', `${PATH}/ada--gone`, ada)).said).toEqual([204, undefined])
    expect((await call('GET', `${PATH}/ada--gone`, ada)).said).toEqual(MISSING)
    expect((await call('DELETE', `${PATH}/ada--gone`, ada)).said).toEqual(MISSING)
    expect((await call('POST', PATH, ada, undefined, { name: 'ada--gone' })).status).toBe(201)
    const left = await server.request('GET', '/api/v1/projects/ada/gone/members', { token: ada })
    expect(left.body.members).toEqual([])
  })

  test('one that holds anything stays, also what lies in the bin, and says what it holds', async () => {
    await call('POST', PATH, ada, undefined, { name: 'ada--full' })
    const run = await call('POST', '/api/2.0/mlflow/runs/create', ada, 'ada--full', { experiment_id: '0' })
    await call('POST', '/api/2.0/mlflow/runs/delete', ada, 'ada--full', { run_id: run.body.run.info.run_id })
    const answer = await call('DELETE', `${PATH}/ada--full`, ada)
    expect([answer.said, answer.body.message]).toEqual([INVALID, expect.stringContaining('still holds 1 run.')])
    expect((await call('GET', `${PATH}/ada--full`, ada)).status).toBe(200)
  })

  test('what is acknowledged while it is being deleted is never lost', async () => {
    const outcomes = new Set<string>()
    for (let round = 0; round < 12; round++) {
      const name = `ada--race${round}`
      await call('POST', PATH, ada, undefined, { name })
      const create = (model: string) =>
        call('POST', '/api/2.0/mlflow/registered-models/create', ada, name, { name: model })
      const [deleted, ...models] = await Promise.all([call('DELETE', `${PATH}/${name}`, ada), create('a'), create('b')])
      for (const model of models) {
        expect([200, 404]).toContain(model.status)
        if (model.status === 200) expect(deleted.said).toEqual(INVALID)
      }
      outcomes.add(String(deleted.status))
    }
    expect([...outcomes].filter((status) => !['204', '400'].includes(status))).toEqual([])
  })

  test('never with what is in it, never what everybody needs', async () => {
    for (const mode of ['CASCADE', 'SET_DEFAULT', 'nonsense'])
      expect((await call('DELETE', `${PATH}/ada--fire?mode=${mode}`, ada)).said).toEqual(INVALID)
    for (const name of ['default', 'bob--default'])
      expect((await call('DELETE', `${PATH}/${name}`, bob)).said).toEqual(INVALID)
  })

  test('every table of a project is content, hangs below content, or goes along', async () => {
    const { db } = server.ctx
    const { rows } = isPostgres(db)
      ? await sql<{ name: string }>`SELECT table_name AS name FROM information_schema.columns
          WHERE column_name = 'project_id' AND table_schema = 'public'`.execute(db)
      : await sql<{ name: string }>`SELECT m.name AS name FROM sqlite_master m, pragma_table_info(m.name) c
          WHERE m.type = 'table' AND c.name = 'project_id'`.execute(db)
    const below = {
      run_inputs: 'runs',
      lost_runs: 'runs',
      model_versions: 'registered_models',
      model_forms: 'registered_models',
      dataset_versions: 'datasets',
      predictions: 'endpoints',
      feedback: 'endpoints',
      policies: 'endpoints',
      decisions: 'endpoints',
    }
    const along = ['members', 'tokens', 'webhooks', 'events', 'tombstones', 'imported_things']
    const known = new Set([...Object.keys(PROJECT_CONTENT), ...Object.keys(below), ...along])
    expect(rows.map((row) => row.name).filter((name) => !known.has(name))).toEqual([])
  })
})

test('without accounts everything is the one person’s', async () => {
  const local = await startTestServer()
  try {
    const made = await local.request('POST', PATH, { body: { name: 'local--x' } })
    expect(made.status).toBe(201)
    expect((await mlflowApi(local).get('experiments/get', { experiment_id: '0' })).status).toBe(200)
    const listed = await local.request('GET', PATH)
    expect(listed.body.workspaces.map((one: { name: string }) => one.name)).toEqual(['local--default', 'local--x'])
  } finally {
    await local.close()
  }
})
