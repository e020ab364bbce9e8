import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mlflowApi } from '../../../tests/harness/mlflow.ts'
import { runWithModel, SKLEARN_MLMODEL } from '../../../tests/harness/registry.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { onDisk, tasksDone } from '../../../tests/harness/store-model.ts'
import { LOCAL, SYSTEM } from '../../lib/actor.ts'
import { exportStore } from '../moves/export.service.ts'
import { openTarget } from '../moves/open-target.ts'
import { projectReader } from '../moves/project-reader.service.ts'
import { createReport } from '../moves/report.ts'
import { findProject, type Project } from '../projects/projects.service.ts'
import { DEFAULT_GRACE_MS, reclaim } from '../recycling/reclaim.service.ts'
import { createModelVersion } from './versions.service.ts'

const FILES = { MLmodel: SKLEARN_MLMODEL, 'data/model.skops': 'the weights', 'requirements.txt': 'scikit-learn\n' }
const SWEEP = { dryRun: false, graceMs: DEFAULT_GRACE_MS }
const ARTIFACTS = '/api/2.0/mlflow-artifacts/artifacts'
let server: TestServer
let source: Project
let runId: string
let loggedModelId: string
const tokens: Record<string, string> = {}

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  for (const name of ['ada', 'bob', 'vera', 'stella']) tokens[name] = await server.user(name)
  for (const [owner, name] of [
    ['ada', 'flood'],
    ['bob', 'dam'],
  ] as const)
    await server.request('POST', '/api/v1/projects', { body: { name }, token: tokens[owner] })
  // Bob may read ada's project, vera both, ada not bob's.
  for (const [project, user] of [
    ['ada/flood', 'bob'],
    ['ada/flood', 'vera'],
    ['bob/dam', 'vera'],
  ] as const) {
    const owner = project.split('/')[0] ?? ''
    const path = `/api/v1/projects/${project}/members/${user}`
    await server.request('PUT', path, { body: { role: 'viewer' }, token: tokens[owner] })
  }
  source = (await findProject(server.ctx, LOCAL, 'ada', 'flood')) as Project
  const made = await runWithModel(server, source, FILES)
  runId = made.run.id
  loggedModelId = made.model.id
  await createModelVersion(server.ctx, LOCAL, source, {
    name: 'river',
    source: `models:/${loggedModelId}`,
    createModel: true,
    description: 'from the gauges',
    tags: [{ key: 'team', value: 'red' }],
  })
})
afterAll(() => server.close())

const river = { project: 'ada/flood', model: 'river', version: 1 }
const copy = (who: string, body: unknown = river, into = 'bob/dam', name = 'river') =>
  server.request('POST', `/api/v1/projects/${into}/models/${name}/copies`, { body, token: tokens[who] })
const bob = (method: string, path: string) =>
  server.request(method, `/api/v1/projects/bob/dam${path}`, { token: tokens.bob })
const objects = async () =>
  (
    await server.ctx.db.selectFrom('artifact_entries').select('object_id').where('object_id', 'is not', null).execute()
  ).map((row) => row.object_id)

describe('a copy of a version in another project', () => {
  it('has the content, a digest and where it came from, and shares the bytes', async () => {
    const before = new Set(await objects())
    const { status, body } = await copy('bob')
    expect([status, body]).toMatchObject([
      201,
      {
        name: 'river',
        version: 1,
        description: 'from the gauges',
        tags: { team: 'red' },
        flavors: ['python_function', 'sklearn'],
        created_by: 'bob',
        run_id: null,
        logged_model_id: null,
        stage: 'None',
        aliases: [],
        copied_from: river,
        content_digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ])
    const after = await objects()
    expect(new Set(after)).toEqual(before)
    // The logged model's names, the version's and the copy's.
    expect(after).toHaveLength(before.size * 3)
    const text = await bob('GET', '/models/river/versions/1/files/content?path=data/model.skops')
    expect([text.status, text.text]).toEqual([200, 'the weights'])
    // The same content has the same digest, whatever folder it is in.
    expect(
      (await copy('bob', { project: 'bob/dam', model: 'river', version: 1 }, 'bob/dam', 'again')).body,
    ).toMatchObject({
      content_digest: body.content_digest,
      copied_from: { project: 'bob/dam', model: 'river', version: 1 },
    })
  })

  it('is downloaded by MLflow’s clients, and copied on inside its project', async () => {
    const api = mlflowApi(server, { prefix: '/mlflow/bob/dam/tracking', token: tokens.bob })
    const { artifact_uri } = (await api.get('model-versions/get-download-uri', { name: 'river', version: '1' })).body
    const path = artifact_uri.replace('mlflow-artifacts:/', '')
    const file = await server.request('GET', `/mlflow/bob/dam/tracking${ARTIFACTS}/${path}/MLmodel`, {
      token: tokens.bob,
    })
    expect([file.status, file.text]).toEqual([200, SKLEARN_MLMODEL])
    await api.post('registered-models/create', { name: 'prod' })
    const made = await api.post('model-versions/create', { name: 'prod', source: 'models:/river/1' })
    expect([made.status, made.body]).toMatchObject([200, { model_version: { version: '1' } }])
    // Its files do not change under it.
    for (const attempt of [
      await api.put(`${ARTIFACTS}/${path}/data/model.skops`, 'poison'),
      await api.put(`${ARTIFACTS}/${path}/new.txt`, 'more'),
      await api.put(`${ARTIFACTS}/model-versions`, 'a file in the way'),
      await api.send('DELETE', `${ARTIFACTS}/${path}/MLmodel`),
      await api.send('POST', `/api/2.0/mlflow-artifacts/mpu/create/${path}/x`, { path: 'x', num_parts: 2 }),
    ])
      expect([attempt.status, attempt.text]).toEqual([400, expect.stringContaining('which nobody changes')])
  })

  it('is told on both sides, without the names of the other project', async () => {
    const events = await server.ctx.db
      .selectFrom('events')
      .selectAll()
      .where('verb', 'in', ['copied', 'created'])
      .execute()
    const copied = events.filter((event) => event.verb === 'copied')
    expect(copied).toMatchObject([{ project_id: source.id, actor: 'bob', kind: 'model_version', subject: 'river/1' }])
    expect(copied[0]?.detail).not.toContain('dam')
    const made = events.find(
      (event) =>
        event.project_id !== source.id &&
        event.actor === 'bob' &&
        event.kind === 'model_version' &&
        event.subject === 'river/1',
    )
    expect(made?.verb).toBe('created')
    expect(made?.detail).toContain('copied_from')
    expect(made?.detail).not.toContain('flood')
  })

  it('is missed by an export aloud: its files lie below no run of the project', async () => {
    const dam = (await findProject(server.ctx, LOCAL, 'bob', 'dam')) as Project
    const report = createReport()
    const { writer, finish } = await openTarget(join(server.folder, 'exported'), undefined, report)
    await exportStore(projectReader(server.ctx, dam), writer, report)
    await finish()
    expect(report.problems).toContain(
      'model version river/1: it is a copy with files of its own; they were not exported',
    )
  })

  it('tells its origin to those only who may know of it', async () => {
    await server.request('DELETE', '/api/v1/projects/ada/flood/members/bob', { token: tokens.ada })
    await expect
      .poll(async () => (await bob('GET', '/models/river/versions/1')).body.copied_from, { timeout: 5_000 })
      .toEqual({ project: null, model: null, version: null })
    const seen = await server.request('GET', '/api/v1/projects/bob/dam/models/river/versions/1', { token: tokens.vera })
    expect(seen.body.copied_from).toEqual(river)
    const plain = await server.request('GET', '/api/v1/projects/ada/flood/models/river/versions/1', {
      token: tokens.ada,
    })
    expect(plain.body).toMatchObject({ copied_from: null, content_digest: seen.body.content_digest })
  })
})

describe('a copy is refused', () => {
  const absent = { code: 'not_found' }
  it.each([
    ['without an account', '', river, 'bob/dam', 401, { code: 'unauthenticated' }],
    ['to those who do not see the destination', 'ada', river, 'bob/dam', 404, absent],
    ['to those who may only read the destination', 'vera', river, 'bob/dam', 403, { code: 'forbidden' }],
    ['of a project one may not see', 'stella', river, 'stella/default', 404, absent],
    ['of a project that is not there', 'stella', { ...river, project: 'ada/nothing' }, 'stella/default', 404, absent],
    ['of a version that is not there', 'ada', { ...river, version: 7 }, 'ada/flood', 404, absent],
    ['of no project’s name', 'ada', { ...river, project: 'flood' }, 'ada/flood', 400, { field: 'project' }],
    ['of a name too deep', 'ada', { ...river, project: 'ada/flood/x' }, 'ada/flood', 400, { field: 'project' }],
    ['with more fields', 'ada', { ...river, force: true }, 'ada/flood', 400, {}],
  ])('%s', async (_, who, body, into, status, error) => {
    const answer = await copy(who, body, into)
    expect([answer.status, answer.body]).toMatchObject([status, { error }])
  })

  it('alike for a project that is not there and one that the caller may not see', async () => {
    const hidden = await copy('stella', river, 'stella/default')
    const nothing = await copy('stella', { ...river, project: 'ada/nothing' }, 'stella/default')
    expect(hidden.body.error.message).toBe(nothing.body.error.message)
  })

  it('of a prompt, and of a version without files', async () => {
    const api = mlflowApi(server, { prefix: '/mlflow/ada/flood/tracking', token: tokens.ada })
    const tags = [{ key: 'mlflow.prompt.is_prompt', value: 'true' }]
    await api.post('registered-models/create', { name: 'ask', tags })
    await api.post('model-versions/create', { name: 'ask', source: 'dummy-source', tags })
    const prompt = await copy('ada', { ...river, model: 'ask' }, 'ada/flood')
    expect([prompt.status, prompt.body.error.message]).toEqual([400, expect.stringContaining('Prompt versions')])
    const empty = await runWithModel(server, source)
    await createModelVersion(server.ctx, LOCAL, source, {
      name: 'empty',
      source: `models:/${empty.model.id}`,
      createModel: true,
    })
    expect(await copy('ada', { ...river, model: 'empty' }, 'ada/flood')).toMatchObject({ status: 409 })
  })
})

describe('the bytes of a copy', () => {
  const bin = (project: string, method: string, path: string, who: string) =>
    server.request(method, `/api/v1/projects/${project}/recycle-bin${path}`, { token: tokens[who] })
  async function deleteForEver(project: string, who: string, kind: string) {
    const { items } = (await bin(project, 'GET', `?kind=${kind}`, who)).body
    expect(items).not.toEqual([])
    for (const { id } of items)
      expect(await bin(project, 'DELETE', `/${kind}/${id}`, who)).toMatchObject({ status: 200 })
  }

  it('stay when the source with its run is deleted for ever, and go with the last copy', async () => {
    const ada = mlflowApi(server, { prefix: '/mlflow/ada/flood/tracking', token: tokens.ada })
    await ada.send('DELETE', 'registered-models/delete', { name: 'river' })
    await deleteForEver('ada/flood', 'ada', 'model')
    await ada.post('runs/delete', { run_id: runId })
    await deleteForEver('ada/flood', 'ada', 'run')
    await tasksDone(server.ctx, 'recycling.sweep')
    await reclaim({ ...server.ctx, now: () => Date.now() + 10 * DEFAULT_GRACE_MS }, SYSTEM, SWEEP)
    const text = await bob('GET', '/models/river/versions/1/files/content?path=data/model.skops')
    expect([text.status, text.text]).toEqual([200, 'the weights'])
    // `prod` was made of the copy: the files stay for as long as one of the two does.
    const api = mlflowApi(server, { prefix: '/mlflow/bob/dam/tracking', token: tokens.bob })
    for (const name of ['river', 'again']) await api.send('DELETE', 'registered-models/delete', { name })
    await deleteForEver('bob/dam', 'bob', 'model')
    await tasksDone(server.ctx, 'recycling.sweep')
    const later = await bob('GET', '/models/prod/versions/1/files/content?path=data/model.skops')
    expect([later.status, later.text]).toEqual([200, 'the weights'])
    expect(await onDisk(server.ctx)).toHaveLength(3)
    await api.send('DELETE', 'registered-models/delete', { name: 'prod' })
    const [last] = (await bin('bob/dam', 'GET', '?kind=model', 'bob')).body.items
    const bytes = Object.values(FILES).join('').length
    expect((await bin('bob/dam', 'DELETE', `/model/${last.id}`, 'bob')).body).toEqual({ freed_bytes: bytes })
    await tasksDone(server.ctx, 'recycling.sweep')
    expect([await objects(), await onDisk(server.ctx)]).toEqual([[], []])
  })
})
