import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ARTIFACTS, type MlflowApi, mlflowApi } from '../../../../tests/harness/mlflow.ts'
import { startTestServer, type TestServer } from '../../../../tests/harness/server.ts'
import { failure, get, info, start, V3 } from '../../../../tests/harness/traces.ts'
import { LOCAL } from '../../../lib/actor.ts'
import { addToken, findUser } from '../../identity/identity.service.ts'
import { findProject } from '../../projects/projects.service.ts'
import { createRun } from '../../tracking/run-starts.service.ts'

describe('who may do what with traces', () => {
  let server: TestServer
  const tokens: Record<string, string> = {}
  let own: MlflowApi
  let other: MlflowApi
  let as: (name: string) => MlflowApi
  let experiment: string
  const ids: Record<string, string> = {}

  beforeAll(async () => {
    server = await startTestServer()
    for (const name of ['ada', 'vera', 'edgar', 'stella']) tokens[name] = await server.user(name)
    for (const name of ['one', 'two']) {
      await server.request('POST', '/api/v1/projects', { body: { name }, token: tokens.ada })
    }
    for (const [name, role] of [
      ['vera', 'viewer'],
      ['edgar', 'editor'],
    ]) {
      await server.request('PUT', `/api/v1/projects/ada/one/members/${name}`, { body: { role }, token: tokens.ada })
    }
    as = (name) => mlflowApi(server, { prefix: '/mlflow/ada/one/tracking', token: tokens[name] ?? '' })
    own = as('ada')
    other = mlflowApi(server, { prefix: '/mlflow/ada/two/tracking', token: tokens.ada ?? '' })
    experiment = await own.experiment('same')
    ids.trace = await start(own, experiment)
    const project = await findProject(server.ctx, LOCAL, 'ada', 'one')
    const user = await findUser(server.ctx, 'ada')
    const run = await createRun(server.ctx, LOCAL, project!, {})
    ids.run = run.id
    ids.otherRun = (await createRun(server.ctx, LOCAL, project!, {})).id
    const job = { userId: user.id, name: 'job', scope: 'write', expiresAtMs: null } as const
    tokens.job = (await addToken(server.ctx, { ...job, run: { runId: run.id, projectId: project!.id } })).token
  })
  afterAll(() => server.close())

  /** Every call that names a trace. */
  const calls = (id: string): [string, string, unknown?][] => [
    ['GET', `${V3}/${id}`],
    ['GET', `${V3}/get?trace_id=${id}`],
    ['PATCH', `${V3}/${id}/tags`, { key: 'a', value: 'b' }],
    ['DELETE', `${V3}/${id}/tags`, { key: 'a' }],
    ['PATCH', `traces/${id}/tags`, { key: 'a', value: 'b' }],
    ['PATCH', `traces/${id}`, { timestamp_ms: 1 }],
    ['GET', `traces/${id}/info`],
    ['POST', `${V3}/${id}/assessments`, { assessment: { assessment_name: 'x', feedback: { value: 1 } } }],
    ['GET', `${V3}/${id}/assessments/a-1`],
    ['PATCH', `${V3}/${id}/assessments/a-1`, { assessment: {}, update_mask: 'rationale' }],
    ['DELETE', `${V3}/${id}/assessments/a-1`],
    ['POST', 'traces/link-prompts', { trace_id: id, prompt_versions: [{ name: 'p', version: '1' }] }],
  ]

  test('idor-traces: a trace of another project is not there, by whatever call', async () => {
    const id = ids.trace ?? ''
    for (const [method, path, body] of calls(id)) {
      const answer = method === 'GET' ? await other.get(path) : await other.send(method, path, body)
      expect([method, path, ...failure(answer)]).toEqual([method, path, 404, 'RESOURCE_DOES_NOT_EXIST'])
    }
    expect((await other.get(`${V3}/batchGet`, { trace_ids: [id] })).body).toEqual({ traces: [] })
    expect((await other.send('POST', `${V3}/batchGetInfos`, { trace_ids: [id] })).body).toEqual({ trace_infos: [] })
    const locations = [{ mlflow_experiment: { experiment_id: experiment } }]
    expect((await other.send('POST', `${V3}/search`, { locations })).body).toEqual({})
    const deletion = await other.post('traces/delete-traces', { experiment_id: experiment, request_ids: [id] })
    expect(deletion.status).toBe(404)
    const inOther = await other.experiment('same')
    const gone = await other.post('traces/delete-traces', { experiment_id: inOther, request_ids: [id] })
    expect(gone.body).toEqual({ traces_deleted: 0 })
    // The same id in both projects: two traces.
    await start(other, inOther, { trace_id: id, state: 'ERROR' })
    expect([(await get(own, id)).state, (await get(other, id)).state]).toEqual(['OK', 'ERROR'])
    const link = await other.post('traces/link-to-run', { trace_ids: [id], run_id: ids.run })
    expect(failure(link)).toEqual([404, 'RESOURCE_DOES_NOT_EXIST'])
  })

  test('anonymous, a stranger, a viewer and an editor', async () => {
    const id = await start(own, experiment)
    await own.send('PATCH', `${V3}/${id}/tags`, { key: 'a', value: 'b' })
    for (const [method, path, body] of calls(id)) {
      const by = async (name: string) => {
        const api = name === '' ? mlflowApi(server, { prefix: '/mlflow/ada/one/tracking' }) : as(name)
        return (method === 'GET' ? await api.get(path) : await api.send(method, path, body)).status
      }
      expect([path, await by('')]).toEqual([path, 401])
      expect([path, await by('stella')]).toEqual([path, 404])
      const [viewer, editor] = [await by('vera'), await by('edgar')]
      if (method !== 'GET') expect([path, viewer]).toEqual([path, 403])
      else expect([path, viewer]).toEqual([path, editor])
      expect([200, 404]).toContain(editor)
    }
  })

  test('the token of a job writes traces of its own run and no others', async () => {
    const job = as('job')
    const mine = await start(job, experiment)
    expect(
      (
        await own.send('POST', `${V3}/search`, {
          locations: [{ mlflow_experiment: { experiment_id: experiment } }],
          filter: `run_id = '${ids.run}'`,
        })
      ).body.traces.map((one: { trace_id: string }) => one.trace_id),
    ).toEqual([mine])
    expect((await job.send('PATCH', `${V3}/${mine}/tags`, { key: 'a', value: 'b' })).status).toBe(200)
    expect((await job.put(`${ARTIFACTS}/${experiment}/traces/${mine}/artifacts/traces.json`, '{}')).status).toBe(200)
    const foreign = ids.trace ?? ''
    expect((await job.put(`${ARTIFACTS}/${experiment}/traces/${foreign}/artifacts/traces.json`, '{}')).status).toBe(403)
    expect((await job.get(`${V3}/${foreign}`)).status).toBe(200)
    for (const [method, path, body] of calls(foreign)) {
      if (method !== 'GET') expect([path, (await job.send(method, path, body)).status]).toEqual([path, 403])
    }
    const forged = info(experiment, { trace_metadata: { 'mlflow.sourceRun': ids.otherRun } })
    expect((await job.send('POST', V3, { trace: { trace_info: forged } })).status).toBe(403)
    expect(
      (await job.send('POST', V3, { trace: { trace_info: info(experiment, { trace_id: foreign }) } })).status,
    ).toBe(403)
    const deletion = { experiment_id: experiment, request_ids: [mine] }
    expect((await job.post('traces/delete-traces', deletion)).status).toBe(403)
  })

  test('each change leaves one row in the audit log', async () => {
    const id = await start(own, experiment)
    await own.send('PATCH', `${V3}/${id}/tags`, { key: 'a', value: 'b' })
    await own.post('traces/delete-traces', { experiment_id: experiment, request_ids: [id] })
    const rows = await server.ctx.db.selectFrom('events').selectAll().where('subject', '=', id).orderBy('id').execute()
    expect(rows.map((row) => [row.actor, row.kind, row.verb])).toEqual([
      ['ada', 'trace', 'created'],
      ['ada', 'trace', 'updated'],
      ['ada', 'trace', 'deleted'],
    ])
  })
})
