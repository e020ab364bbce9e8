import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { localProject, mlflow, runWithModel, SKLEARN_MLMODEL } from '../../../tests/harness/registry.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { LOCAL } from '../../lib/actor.ts'
import { putArtifact } from '../artifacts/artifacts.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { createModelVersion } from './versions.service.ts'

/** What a version holds is what was there when it was registered. */
const MODELS = '/api/v1/projects/local/held/models'
let server: TestServer
let project: Project
beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  project = await localProject(server, 'held')
})
afterAll(() => server.close())

const put = (path: string, text: string) => putArtifact(server.ctx, project, path, Readable.from([Buffer.from(text)]))
const content = async (name: string, version: number, file: string) =>
  (await server.request('GET', `${MODELS}/${name}/versions/${version}/files/content?path=${file}`)).text
const version = async (name: string, number: number) =>
  (await server.request('GET', `${MODELS}/${name}/versions/${number}`)).body

it('keeps its files when those of its run are written anew, and a version made then has the new ones', async () => {
  const { model, folder } = await runWithModel(server, project, { MLmodel: SKLEARN_MLMODEL, weights: 'one' })
  const input = { name: 'river', source: `models:/${model.id}`, createModel: true }
  await createModelVersion(server.ctx, LOCAL, project, input)
  await put(`${folder}/weights`, 'two')
  await put(`${folder}/more`, 'came later')
  await createModelVersion(server.ctx, LOCAL, project, input)
  expect([await content('river', 1, 'weights'), await content('river', 2, 'weights')]).toEqual(['one', 'two'])
  const [first, second] = [await version('river', 1), await version('river', 2)]
  expect(first.content_digest).toMatch(/^[0-9a-f]{64}$/)
  expect(second.content_digest).not.toBe(first.content_digest)
  const listed = await server.request('GET', `${MODELS}/river/versions/1/files`)
  expect(listed.body.entries.map((file: { name: string }) => file.name)).toEqual(['MLmodel', 'weights'])
})

it('is fetched by MLflow’s clients from its own folder, which they cannot write to', async () => {
  const { artifact_uri } = (
    await mlflow(server, project)('GET', 'model-versions/get-download-uri', { name: 'river', version: '1' })
  ).body
  const file = `/mlflow/local/held/tracking/api/2.0/mlflow-artifacts/artifacts/${artifact_uri.slice('mlflow-artifacts:/'.length)}/weights`
  expect((await server.request('GET', file)).text).toBe('one')
  const refused = await server.request('PUT', file, { body: 'three' })
  expect([400, 403]).toContain(refused.status)
  expect(await content('river', 1, 'weights')).toBe('one')
})

it('has the files of its source as long as there were none to hold', async () => {
  const { model, folder } = await runWithModel(server, project)
  await createModelVersion(server.ctx, LOCAL, project, {
    name: 'late',
    source: `models:/${model.id}`,
    createModel: true,
  })
  expect(await version('late', 1)).toMatchObject({ content_digest: null })
  await put(`${folder}/MLmodel`, SKLEARN_MLMODEL)
  expect(await content('late', 1, 'MLmodel')).toBe(SKLEARN_MLMODEL)
})
