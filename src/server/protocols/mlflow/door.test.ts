import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ARTIFACTS, mlflowApi } from '../../../../tests/harness/mlflow.ts'
import { startTestServer, type TestServer } from '../../../../tests/harness/server.ts'
import { addToken } from '../../identity/identity.service.ts'
import { hashPassword } from '../../identity/passwords.ts'

const error = (answer: { status: number; body: { error_code: string } }) => [answer.status, answer.body.error_code]
const forbidden = [403, 'PERMISSION_DENIED']

describe('without accounts', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
  })
  afterAll(() => server.close())

  test('HEAD is answered as the stock server does: as a message with nothing in it', async () => {
    const head = async (path: string) => {
      const answer = await fetch(`${server.url}/api/2.0/mlflow/${path}`, { method: 'HEAD' })
      return [answer.status, await answer.text()]
    }
    expect(await head('experiments/get?experiment_id=0')).toEqual([400, ''])
    expect(await head('runs/get?run_id=x')).toEqual([400, ''])
    expect(await head('registered-models/search')).toEqual([200, ''])
    expect(await head('runs/create')).toEqual([404, ''])
  })

  test('what clients probe first', async () => {
    const project = '/mlflow/local/default/tracking'
    await mlflowApi(server).get('experiments/get', { experiment_id: '0' })
    for (const prefix of ['', project]) {
      expect((await server.request('GET', `${prefix}/health`)).text).toBe('OK')
      expect((await server.request('GET', `${prefix}/version`)).text).toMatch(/^3\.\d+\.\d+$/)
      const info = (await server.request('GET', `${prefix}/api/3.0/mlflow/server-info`)).body
      expect(info.workspaces_enabled).toBe(true)
      for (const version of ['api/2.0', 'ajax-api/2.0']) {
        const answer = await server.request('GET', `${prefix}/${version}/mlflow/experiments/get?experiment_id=0`)
        expect(answer.body.experiment.name).toBe('Default')
        expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
      }
      expect(error(await server.request('POST', `${prefix}/api/3.0/mlflow/scorers/register`, { body: {} }))).toEqual([
        404,
        'ENDPOINT_NOT_FOUND',
      ])
      expect(error(await server.request('GET', `${prefix}/api/2.0/mlflow/runs/create`))).toEqual([
        404,
        'ENDPOINT_NOT_FOUND',
      ])
    }
  })

  test('a person who opens a tracking URI lands on our page, and only there', async () => {
    const open = (path: string, accept = 'text/html,*/*') =>
      fetch(server.url + path, { headers: { accept }, redirect: 'manual' })
    for (const path of ['/mlflow/local/default/tracking', '/mlflow/local/default/tracking/']) {
      const answer = await open(path)
      expect([answer.status, answer.headers.get('location')]).toEqual([302, '/local/default/runs'])
    }
    expect((await open('/mlflow/%2fevil.example/x/tracking/')).status).toBe(404)
    expect((await open('/mlflow/local/default/tracking', 'application/json')).status).toBe(404)
  })

  test('a workspace header chooses the project', async () => {
    await server.request('POST', '/api/v1/projects', { body: { owner: 'local', name: 'second' } })
    const at = (workspace: string) =>
      server.request('POST', '/api/2.0/mlflow/experiments/create', {
        body: { name: 'w' },
        headers: { 'x-mlflow-workspace': workspace },
      })
    expect((await at('local--second')).status).toBe(200)
    expect((await at('local--none')).status).toBe(404)
    const found = await mlflowApi(server, { prefix: '/mlflow/local/second/tracking' }).get('experiments/get-by-name', {
      experiment_name: 'w',
    })
    expect(found.status).toBe(200)
    expect((await mlflowApi(server).get('experiments/get-by-name', { experiment_name: 'w' })).status).toBe(404)
  })
})

describe('with accounts', () => {
  let server: TestServer
  let owner: string
  let viewer: string
  let stranger: string
  let reader: string
  const prefix = '/mlflow/ada/flood/tracking'
  beforeAll(async () => {
    server = await startTestServer()
    owner = await server.user('ada')
    viewer = await server.user('vera')
    stranger = await server.user('stella')
    reader = await server.user('rita', { scope: 'read' })
    await server.request('POST', '/api/v1/projects', { body: { name: 'flood' }, token: owner })
    await server.request('PUT', '/api/v1/projects/ada/flood/members/vera', { token: owner, body: { role: 'viewer' } })
    await server.request('PUT', '/api/v1/projects/ada/flood/members/rita', { token: owner, body: { role: 'editor' } })
  })
  afterAll(() => server.close())

  test('who may not is told in MLflow words: 401, 404, 403', async () => {
    const calls = [
      (api: ReturnType<typeof mlflowApi>) => api.post('runs/create', { experiment_id: '0' }),
      (api: ReturnType<typeof mlflowApi>) => api.put(`${ARTIFACTS}/0/x`, 'x'),
      (api: ReturnType<typeof mlflowApi>) => api.post('registered-models/create', { name: 'x' }),
    ]
    for (const call of calls) {
      const anonymous = await call(mlflowApi(server, { prefix }))
      expect([error(anonymous), anonymous.headers.get('www-authenticate')]).toEqual([
        [401, 'UNAUTHENTICATED'],
        expect.stringContaining('Bearer'),
      ])
      expect((await call(mlflowApi(server))).status).toBe(401)
      expect(error(await call(mlflowApi(server, { prefix, token: 'ty_wrong' })))).toEqual([401, 'UNAUTHENTICATED'])
      expect(error(await call(mlflowApi(server, { prefix, token: stranger })))).toEqual([
        404,
        'RESOURCE_DOES_NOT_EXIST',
      ])
      expect(error(await call(mlflowApi(server, { prefix, token: viewer })))).toEqual(forbidden)
      expect(error(await call(mlflowApi(server, { prefix, token: reader })))).toEqual(forbidden)
      expect((await call(mlflowApi(server, { prefix, token: owner }))).status).toBe(200)
    }
    expect(
      (await mlflowApi(server, { prefix, token: viewer }).post('runs/search', { experiment_ids: ['0'] })).status,
    ).toBe(200)
    expect((await mlflowApi(server, { prefix }).get(ARTIFACTS)).status).toBe(401)
  })

  test('a cookie opens no client door; a password in the place of a token does', async () => {
    await server.ctx.db
      .updateTable('users')
      .set({ password_hash: await hashPassword('correct horse battery') })
      .where('name', '=', 'ada')
      .execute()
    const signedIn = await server.request('POST', '/api/v1/session', {
      body: { name: 'ada', password: 'correct horse battery' },
    })
    const cookie = (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    expect((await server.request('GET', '/api/v1/projects/ada/flood', { headers: { cookie } })).status).toBe(200)
    expect(
      (await server.request('GET', `${prefix}/api/2.0/mlflow/experiments/get?experiment_id=0`, { headers: { cookie } }))
        .status,
    ).toBe(401)
    const basic = `Basic ${Buffer.from(`ada:${owner}`).toString('base64')}`
    expect(
      (
        await server.request('GET', `${prefix}/api/2.0/mlflow/experiments/get?experiment_id=0`, {
          headers: { authorization: basic },
        })
      ).status,
    ).toBe(200)
  })

  test('at the root a user acts in their own default project', async () => {
    const id = await mlflowApi(server, { token: owner }).experiment('mine')
    expect(
      (
        await mlflowApi(server, { prefix: '/mlflow/ada/default/tracking', token: owner }).get('experiments/get', {
          experiment_id: id,
        })
      ).status,
    ).toBe(200)
    expect((await mlflowApi(server, { token: stranger }).get('experiments/get', { experiment_id: id })).status).toBe(
      404,
    )
  })

  test("a job's token writes to its own run and what is below it, and to nothing else", async () => {
    const api = mlflowApi(server, { prefix, token: owner })
    const [own, other] = [await api.run(), await api.run()]
    const projectRow = await server.ctx.db
      .selectFrom('projects')
      .select('id')
      .where('owner', '=', 'ada')
      .where('name', '=', 'flood')
      .executeTakeFirstOrThrow()
    const user = await server.ctx.db
      .selectFrom('users')
      .select('id')
      .where('name', '=', 'ada')
      .executeTakeFirstOrThrow()
    const { token } = await addToken(server.ctx, {
      userId: user.id,
      name: 'job',
      scope: 'write',
      expiresAtMs: null,
      run: { runId: own, projectId: projectRow.id },
    })
    const job = mlflowApi(server, { prefix, token })
    const metric = { key: 'a', value: 1, timestamp: 1 }
    const child = await job.run('0', { tags: [{ key: 'mlflow.parentRunId', value: own }] })
    const grandchild = await job.run('0', { tags: [{ key: 'mlflow.parentRunId', value: child }] })
    const unnamed = await job.run()
    for (const run of [own, child, grandchild, unnamed]) {
      expect((await job.post('runs/log-metric', { run_id: run, ...metric })).status).toBe(200)
      expect((await job.put(`${ARTIFACTS}/0/${run}/artifacts/x`, '1')).status).toBe(200)
    }
    expect((await job.get('runs/get', { run_id: unnamed })).body.run.data.tags).toContainEqual({
      key: 'mlflow.parentRunId',
      value: own,
    })
    const model = (await job.post('logged-models', { experiment_id: '0', source_run_id: own })).body.model.info
    expect((await job.put(`${ARTIFACTS}/0/models/${model.model_id}/artifacts/MLmodel`, 'x')).status).toBe(200)
    expect((await job.send('PATCH', `logged-models/${model.model_id}`, { status: 'LOGGED_MODEL_READY' })).status).toBe(
      200,
    )
    const foreign = (await api.post('logged-models', { experiment_id: '0', source_run_id: other })).body.model.info
      .model_id
    const refused = [
      await job.post('runs/log-metric', { run_id: other, ...metric }),
      await job.post('runs/log-batch', { run_id: other, params: [{ key: 'p', value: '1' }] }),
      await job.post('runs/update', { run_id: other, status: 'FAILED' }),
      await job.post('runs/delete', { run_id: other }),
      await job.post('runs/log-inputs', { run_id: other }),
      await job.post('runs/create', { experiment_id: '0', tags: [{ key: 'mlflow.parentRunId', value: other }] }),
      await job.post('logged-models', { experiment_id: '0', source_run_id: other }),
      await job.send('PATCH', `logged-models/${foreign}`, { status: 'LOGGED_MODEL_READY' }),
      await job.put(`${ARTIFACTS}/0/${other}/artifacts/x`, '1'),
      await job.put(`${ARTIFACTS}/0/models/${foreign}/artifacts/x`, '1'),
      await job.put(`${ARTIFACTS}/elsewhere/x`, '1'),
      await job.send('DELETE', `${ARTIFACTS}/0/${other}/artifacts/x`),
    ]
    expect(refused.map(error)).toEqual(refused.map(() => forbidden))
    expect((await job.get('runs/get', { run_id: other })).body.run.data).not.toHaveProperty('metrics')
    expect(
      (
        await mlflowApi(server, { prefix: '/mlflow/ada/default/tracking', token }).get('experiments/get', {
          experiment_id: '0',
        })
      ).status,
    ).toBe(404)
  })
})
