import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { localProject, mlflow, runWithModel, SKLEARN_MLMODEL } from '../../../../tests/harness/registry.ts'
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
const OWN = /^mlflow-artifacts:\/model-versions\/[0-9a-f]{32}\/artifacts$/
const newModel = () => call('POST', 'registered-models/create', { name })

describe('sources', () => {
  it('inside the project are followed', async () => {
    await newModel()
    const { run, model } = await runWithModel(server, project, { MLmodel: SKLEARN_MLMODEL })
    const uri = (version: string) => call('GET', 'model-versions/get-download-uri', { name, version })
    const logged = await register({ source: `models:/${model.id}`, model_id: model.id })
    expect(logged.body.model_version).toMatchObject({
      source: `models:/${model.id}`,
      run_id: run.id,
      model_id: model.id,
    })
    // Files that are there become the version's own; where there are none, it is what its source is.
    expect((await uri('1')).body.artifact_uri).toMatch(OWN)
    const inRun = `mlflow-artifacts:/${run.artifactUri.replace('mlflow-artifacts:/', '')}/my%20model`
    await register({ source: inRun, run_id: run.id })
    expect((await uri('2')).body.artifact_uri).toBe(inRun)
    await register({ source: `runs:/${run.id}/sub/model`, run_id: run.id })
    await call('POST', 'registered-models/alias', { name, alias: 'c', version: '1' })
    await register({ source: `models:/${name}@c` })
    expect((await call('GET', 'model-versions/get', { name, version: '4' })).body.model_version).toMatchObject({
      source: `models:/${name}/1`,
      model_id: model.id,
      run_id: run.id,
    })
    expect((await uri('4')).body.artifact_uri).toMatch(OWN)
    const paths = await Promise.all(
      [1, 2, 3, 4].map((version) => findModelVersion(server.ctx, project.id, name, { version })),
    )
    const runFolder = run.artifactUri.replace('mlflow-artifacts:/', '')
    expect(paths.map((version) => version.artifactPath)).toEqual([
      `model-versions/${paths[0]?.id}/artifacts`,
      `${runFolder}/my model`,
      `${runFolder}/sub/model`,
      `model-versions/${paths[3]?.id}/artifacts`,
    ])
    expect(paths.map((version) => version.storageUri)).toEqual([
      model.artifactUri,
      inRun,
      `runs:/${run.id}/sub/model`,
      model.artifactUri,
    ])
    expect(paths[3]?.contentDigest).toBe(paths[0]?.contentDigest)
    expect(paths[0]?.mlmodel?.flavors).toEqual(['python_function', 'sklearn'])
    const tags = await call('GET', `logged-models/${model.id}`)
    if (tags.status === 200) expect(JSON.stringify(tags.body)).toContain('mlflow.modelVersions')
  })

  it('that reach out of the named run, the project or the protocol are refused', async () => {
    await newModel()
    const other = await localProject(server, 'other')
    const foreign = await runWithModel(server, other)
    const { run, model } = await runWithModel(server, project)
    const mine = run.artifactUri
    const refused: Record<string, unknown>[] = [
      { source: '/etc/passwd' },
      { source: 'file:///etc/passwd', run_id: run.id },
      { source: 'relative/path', run_id: run.id },
      { source: 'C:\\models' },
      { source: 'dummy-source' },
      { source: `${mine}/model` },
      { source: `${mine}/model`, run_id: foreign.run.id },
      { source: `${foreign.run.artifactUri}/model`, run_id: foreign.run.id },
      { source: `${foreign.run.artifactUri}/model`, run_id: run.id },
      { source: `${mine}/../../x`, run_id: run.id },
      { source: `${mine}/%2e%2e/%2e%2e/x`, run_id: run.id },
      { source: `${mine}/%252e%252e/x`, run_id: run.id },
      { source: `${mine}/a#b`, run_id: run.id },
      { source: `${mine}/a%23b`, run_id: run.id },
      { source: `${mine}/a;b`, run_id: run.id },
      { source: `${mine}/a?b=c`, run_id: run.id },
      { source: `${mine}/a\\b`, run_id: run.id },
      { source: `${mine}/a%00b`, run_id: run.id },
      { source: `${mine}-more/model`, run_id: run.id },
      { source: mine.replace('mlflow-artifacts:/', 'mlflow-artifacts://evil.example/'), run_id: run.id },
      { source: `http://x/api/2.0/mlflow-artifacts/artifacts/${foreign.folder}`, run_id: run.id },
      { source: `runs:/${run.id}/model` },
      { source: `runs:/${run.id}/model`, run_id: foreign.run.id },
      { source: `runs:/${foreign.run.id}/model`, run_id: foreign.run.id },
      { source: `runs:/${run.id}`, run_id: run.id },
      { source: `runs://host/${run.id}/model`, run_id: run.id },
      { source: `models:/${model.id}` },
      { source: `models:/${model.id}`, model_id: foreign.model.id },
      { source: `models:/${foreign.model.id}`, model_id: foreign.model.id },
      { source: `models:/${name}@none` },
      { source: 's3://bucket/a/../b' },
      { source: 's3://bucket' },
      { source: 'ftp://host/model' },
      { source: 'https://host/model' },
      { source: `s3://${'x'.repeat(2100)}` },
    ]
    for (const message of refused) {
      expect(await register(message), JSON.stringify(message)).toMatchObject({
        status: 400,
        body: { error_code: 'INVALID_PARAMETER_VALUE' },
      })
    }
    expect(await register({ source: `models:/${name}/7` })).toMatchObject({ status: 404 })
    expect((await register({ source: 'models:/none/1' })).status).toBe(404)
    expect((await register({ source: '' })).status).toBe(400)
    expect((await call('GET', 'registered-models/get', { name })).body.registered_model).not.toHaveProperty(
      'latest_versions',
    )
    for (const source of ['s3://bucket/a', 'gs://x/y', 's3://x.example/m?sig=1', 'dbfs:/m']) {
      expect((await register({ source })).status, source).toBe(200)
      expect((await findModelVersion(server.ctx, project.id, name, { alias: 'latest' })).artifactPath).toBeNull()
    }
  })

  it('of a version give its files as downloads', async () => {
    await newModel()
    const { model } = await runWithModel(server, project, { MLmodel: SKLEARN_MLMODEL, 'data/a b.txt': 'hello' })
    await register({ source: `models:/${model.id}`, model_id: model.id })
    await register()
    const file = (path: string, version = '1') =>
      server.request(
        'GET',
        `/mlflow/local/registry/tracking/model-versions/get-artifact?${new URLSearchParams({ name, version, path })}`,
      )
    const answer = await file('data/a b.txt')
    expect(answer).toMatchObject({ status: 200, text: 'hello' })
    expect(answer.headers.get('content-disposition')).toContain('attachment; filename="a b.txt"')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect((await file('none')).status).toBe(404)
    expect((await file('data')).status).toBe(400)
    expect((await file('../../MLmodel')).status).toBe(400)
    expect((await file('MLmodel', '2')).status).toBe(400)
    expect((await file('MLmodel', '9')).status).toBe(404)
  })
})
