import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { localProject, mlflow, runWithModel, SKLEARN_MLMODEL } from '../../../tests/harness/registry.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { LOCAL } from '../../lib/actor.ts'
import { addToken } from '../identity/identity.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { logBatch } from '../tracking/run-data.service.ts'

let server: TestServer
let project: Project
const P = '/api/v1/projects/local/census'

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  project = await localProject(server, 'census')
})
afterAll(() => server.close())

describe('models of our API', () => {
  it('go from a logged model to a version with all that stands behind it', async () => {
    const { run, model } = await runWithModel(server, project, {
      MLmodel: SKLEARN_MLMODEL,
      'requirements.txt': 'scikit-learn==1.9.1\n',
      'sub/x.txt': 'hello',
    })
    await logBatch(server.ctx, LOCAL, project, run.id, {
      metrics: [
        { key: 'accuracy', value: 0.9, timestampMs: 1, step: 0 },
        { key: 'loss', value: Number.NaN, timestampMs: 1, step: 0 },
      ],
      params: [{ key: 'depth', value: '5' }],
    })
    const made = await server.request('POST', `${P}/models/income/versions`, {
      body: { source: `models:/${model.id}`, description: 'first' },
    })
    expect(made.status, made.text).toBe(201)
    expect(made.body).toMatchObject({
      name: 'income',
      version: 1,
      description: 'first',
      run_id: run.id,
      run_name: run.name,
      logged_model_id: model.id,
      created_by: 'local',
      flavors: ['python_function', 'sklearn'],
      runs_code: false,
      size_bytes: 1410801,
      metrics: { accuracy: 0.9, loss: null },
      params: { depth: '5' },
      onnx: { state: 'queued', job_id: expect.stringMatching(/^[0-9a-f]{32}$/), report: null },
    })
    expect(made.body.signature.inputs[0]).toEqual({ name: 'age', type: 'long', required: true })
    const one = await server.request('GET', `${P}/models/income/versions/1`)
    expect(one.body).toEqual(made.body)
    const listed = await server.request('GET', `${P}/models/income`)
    expect(listed.body).toMatchObject({
      version_count: 1,
      latest_version: 1,
      versions: [{ version: 1, onnx_state: 'queued', metrics: { accuracy: 0.9, loss: null }, run_id: run.id }],
    })
    expect((await server.request('GET', `${P}/models`)).body.models).toMatchObject([
      { name: 'income', version_count: 1 },
    ])

    expect(
      (await server.request('GET', `${P}/models/income/versions/1/files`)).body.entries.map(
        (entry: { path: string }) => entry.path,
      ),
    ).toEqual(['MLmodel', 'requirements.txt', 'sub'])
    expect((await server.request('GET', `${P}/models/income/versions/1/files?path=sub`)).body.entries).toEqual([
      { name: 'x.txt', path: 'sub/x.txt', is_folder: false, size_bytes: 5 },
    ])
    expect((await server.request('GET', `${P}/models/income/versions/1/files/content?path=sub/x.txt`)).text).toBe(
      'hello',
    )
    expect((await server.request('GET', `${P}/models/income/versions/1/files/content?path=../x`)).status).toBe(400)
    expect((await server.request('GET', `${P}/models/income/versions/1/onnx/content`)).status).toBe(409)
    expect((await server.request('GET', `${P}/models/income/versions/9`)).status).toBe(404)
    expect((await server.request('GET', `${P}/models/none`)).status).toBe(404)
  })

  it('find the run in the source, and refuse what lies outside of the project', async () => {
    const { run } = await runWithModel(server, project)
    const add = (source: string) => server.request('POST', `${P}/models/sources/versions`, { body: { source } })
    expect((await add(`${run.artifactUri}/model`)).body).toMatchObject({
      version: 1,
      run_id: run.id,
      onnx: null,
      flavors: [],
      signature: null,
    })
    expect((await add(`runs:/${run.id}/model`)).body).toMatchObject({ version: 2, run_id: run.id })
    const foreign = await runWithModel(server, await localProject(server, 'elsewhere'), { MLmodel: SKLEARN_MLMODEL })
    for (const source of [
      `models:/${foreign.model.id}`,
      foreign.run.artifactUri,
      `runs:/${foreign.run.id}/m`,
      '/etc/passwd',
      `mlflow-artifacts:/${foreign.folder}`,
    ]) {
      const answer = await add(source)
      expect(answer.status, source).toBe(400)
      expect(answer.body.error.field).toBe('source')
    }
    expect((await server.request('GET', `${P}/models/sources`)).body.latest_version).toBe(2)
  })

  it('do not show figures of a run of another project, whatever run id a version claims', async () => {
    const foreign = await runWithModel(server, await localProject(server, 'elsewhere'))
    await logBatch(server.ctx, LOCAL, await localProject(server, 'elsewhere'), foreign.run.id, {
      metrics: [{ key: 'secret', value: 1, timestampMs: 1, step: 0 }],
    })
    const made = await server.request('POST', `${P}/models/claims/versions`, {
      body: { source: 's3://b/m', run_id: foreign.run.id },
    })
    expect(made.body).toMatchObject({ run_name: null, metrics: {}, params: {}, datasets: [] })
    expect((await server.request('GET', `${P}/models/claims`)).body.versions[0].metrics).toEqual({})
  })

  it('carry aliases, descriptions and names', async () => {
    expect((await server.request('POST', `${P}/models`, { body: { name: 'named', description: 'x' } })).status).toBe(
      201,
    )
    expect((await server.request('POST', `${P}/models`, { body: { name: 'named' } })).status).toBe(409)
    expect((await server.request('POST', `${P}/models`, { body: { name: 'a/b' } })).body.error.field).toBe('name')
    await server.request('POST', `${P}/models/named/versions`, { body: { source: 's3://b/m' } })
    expect((await server.request('PUT', `${P}/models/named/aliases/champion`, { body: { version: 1 } })).body).toEqual({
      alias: 'champion',
      version: 1,
    })
    expect((await server.request('PUT', `${P}/models/named/aliases/champion`, { body: { version: 2 } })).status).toBe(
      404,
    )
    expect(
      (await server.request('PUT', `${P}/models/named/aliases/latest`, { body: { version: 1 } })).body.error.field,
    ).toBe('alias')
    expect(
      (await server.request('PUT', `${P}/models/named/aliases/champion`, { body: { version: '1' } })).body.error.field,
    ).toBe('body.version')
    expect(
      (await server.request('PATCH', `${P}/models/named/versions/1`, { body: { description: 'better' } })).body,
    ).toMatchObject({ description: 'better', aliases: ['champion'] })
    expect((await server.request('DELETE', `${P}/models/named/aliases/champion`)).status).toBe(204)
    expect((await server.request('GET', `${P}/models/named`)).body).toMatchObject({ aliases: [], description: 'x' })
  })

  it('are made once when two first versions come at once', async () => {
    const made = await Promise.all(
      [1, 2, 3, 4].map(() => server.request('POST', `${P}/models/rush/versions`, { body: { source: 's3://b/m' } })),
    )
    expect(made.map((answer) => answer.body.version).sort()).toEqual([1, 2, 3, 4])
  })
})

describe('the token of a job', () => {
  it('registers versions and changes its own, and nobody else’s', async () => {
    const { run, model } = await runWithModel(server, project, { MLmodel: SKLEARN_MLMODEL })
    const other = await runWithModel(server, project)
    const { token } = await addToken(server.ctx, {
      userId: null,
      name: 'job',
      scope: 'write',
      expiresAtMs: null,
      run: { runId: run.id, projectId: project.id },
    })
    const call = mlflow(server, project, token)
    const as = mlflow(server, project)
    await as('POST', 'registered-models/create', { name: 'jobs' })
    await as('POST', 'model-versions/create', {
      name: 'jobs',
      source: `models:/${other.model.id}`,
      model_id: other.model.id,
    })
    await as('POST', 'registered-models/alias', { name: 'jobs', alias: 'champion', version: '1' })
    const made = await call('POST', 'model-versions/create', {
      name: 'jobs',
      source: `models:/${model.id}`,
      model_id: model.id,
    })
    expect(made, made.text).toMatchObject({ status: 200, body: { model_version: { version: '2' } } })
    expect((await server.request('GET', `${P}/models/jobs/versions/2`)).body.onnx.state).toBe('queued')
    expect(
      (await call('POST', 'registered-models/alias', { name: 'jobs', alias: 'challenger', version: '2' })).status,
    ).toBe(200)
    expect(
      (await call('POST', 'model-versions/set-tag', { name: 'jobs', version: '2', key: 'k', value: 'v' })).status,
    ).toBe(200)
    const refused = [
      call('POST', 'registered-models/alias', { name: 'jobs', alias: 'champion', version: '2' }),
      call('POST', 'registered-models/alias', { name: 'jobs', alias: 'new', version: '1' }),
      call('DELETE', 'registered-models/alias', { name: 'jobs', alias: 'champion' }),
      call('POST', 'model-versions/set-tag', { name: 'jobs', version: '1', key: 'k', value: 'v' }),
      call('PATCH', 'model-versions/update', { name: 'jobs', version: '1', description: 'x' }),
      call('POST', 'model-versions/transition-stage', { name: 'jobs', version: '1', stage: 'Staging' }),
      call('POST', 'model-versions/transition-stage', {
        name: 'jobs',
        version: '2',
        stage: 'Staging',
        archive_existing_versions: true,
      }),
      call('DELETE', 'model-versions/delete', { name: 'jobs', version: '1' }),
      call('DELETE', 'model-versions/delete', { name: 'jobs', version: '2' }),
      call('POST', 'registered-models/rename', { name: 'jobs', new_name: 'stolen' }),
      call('DELETE', 'registered-models/delete', { name: 'jobs' }),
    ]
    for (const answer of await Promise.all(refused))
      expect(answer).toMatchObject({ status: 403, body: { error_code: 'PERMISSION_DENIED' } })
    expect((await server.request('GET', `${P}/models/jobs`)).body.aliases).toEqual([
      { alias: 'challenger', version: 2 },
      { alias: 'champion', version: 1 },
    ])
  })
})

describe('whoever may only read', () => {
  it('changes nothing, and a stranger sees nothing', async () => {
    const owner = await server.user('rita')
    const stranger = await server.user('sam')
    await server.request('POST', '/api/v1/projects', { body: { name: 'mine' }, token: owner })
    const url = '/api/v1/projects/rita/mine/models'
    await server.request('POST', url, { body: { name: 'm' }, token: owner })
    expect((await server.request('GET', `${url}/m`, { token: stranger })).status).toBe(404)
    await server.request('PATCH', '/api/v1/projects/rita/mine', { body: { visibility: 'public' }, token: owner })
    expect((await server.request('GET', `${url}/m`, { token: stranger })).status).toBe(200)
    expect((await server.request('POST', url, { body: { name: 'n' }, token: stranger })).status).toBe(403)
    expect((await server.request('PUT', `${url}/m/aliases/a`, { body: { version: 1 }, token: stranger })).status).toBe(
      403,
    )
    expect(
      (
        await mlflow(server, { owner: 'rita', name: 'mine' }, stranger)('DELETE', 'registered-models/delete', {
          name: 'm',
        })
      ).status,
    ).toBe(403)
  })
})
