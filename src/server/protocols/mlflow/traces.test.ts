import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ARTIFACTS, type MlflowApi, mlflowApi } from '../../../../tests/harness/mlflow.ts'
import { startTestServer, type TestAnswer, type TestServer } from '../../../../tests/harness/server.ts'
import { failure, get, info, type More, newId, start, V3 } from '../../../../tests/harness/traces.ts'

describe('traces', () => {
  let server: TestServer
  let api: MlflowApi
  let experiment: string
  beforeAll(async () => {
    server = await startTestServer()
    api = mlflowApi(server)
    experiment = await api.experiment('traces')
  })
  afterAll(() => server.close())

  const search = async (filter: string, more: More = {}) => {
    const locations = [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experiment } }]
    return api.send('POST', `${V3}/search`, { locations, filter, ...more })
  }
  const ids = (answer: TestAnswer) => (answer.body.traces ?? []).map((one: { trace_id: string }) => one.trace_id)

  test('what a client says comes back: maps keep their keys, unset fields are left out', async () => {
    const metadata = { 'mlflow.sourceRun': 'r1', camelKey: 'A', 'mlflow.trace.sizeStats': '{"num_spans": 0}' }
    const id = await start(api, experiment, {
      trace_metadata: metadata,
      tags: { 'mlflow.traceName': 'answer', someTag: 'x', 'mlflow.trace.spansLocation': 'forged' },
      request_preview: '"why"',
      client_request_id: 'c-1',
    })
    const trace = await get(api, id)
    expect(trace).toEqual({
      trace_id: id,
      client_request_id: 'c-1',
      trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experiment } },
      request_preview: '"why"',
      request_time: '2026-01-02T03:04:05.678Z',
      execution_duration: '0.250s',
      state: 'OK',
      trace_metadata: metadata,
      tags: {
        someTag: 'x',
        'mlflow.traceName': 'answer',
        'mlflow.artifactLocation': `mlflow-artifacts:/${experiment}/traces/${id}/artifacts`,
      },
    })
    const camel = { traceInfo: { traceId: newId(), traceLocation: { mlflowExperiment: { experimentId: experiment } } } }
    expect((await api.send('POST', V3, { trace: camel })).status).toBe(200)
  })

  test('refuses what cannot be a trace', async () => {
    for (const [more, code] of [
      [{ trace_id: '../../x' }, 400],
      [{ trace_id: '' }, 400],
      [{ request_time: 'yesterday' }, 400],
      [{ request_time: '9999999-01-01T00:00:00Z' }, 400],
      [{ execution_duration: '-1s' }, 400],
      [{ trace_metadata: 'no map' }, 400],
      [{ tags: { '../x': 'y' } }, 400],
      [{ trace_location: { mlflow_experiment: { experiment_id: '424242' } } }, 404],
      [{ trace_location: {} }, 400],
      [{ assessments: [{ assessment_name: 'x' }] }, 400],
      [{ assessments: Array.from({ length: 1001 }, () => ({ assessment_name: 'x', feedback: { value: 1 } })) }, 400],
    ] as [More, number][]) {
      const answer = await api.send('POST', V3, { trace: { trace_info: info(experiment, more) } })
      expect([JSON.stringify(more).slice(0, 60), answer.status]).toEqual([JSON.stringify(more).slice(0, 60), code])
    }
    expect(failure(await api.send('POST', V3, {}))).toEqual([400, 'INVALID_PARAMETER_VALUE'])
    const gone = await api.experiment('gone')
    await api.post('experiments/delete', { experiment_id: gone })
    const answer = await api.send('POST', V3, { trace: { trace_info: info(gone) } })
    expect(failure(answer)).toEqual([400, 'INVALID_PARAMETER_VALUE'])
    for (const path of [`${V3}/${newId()}`, `${V3}/get?trace_id=${newId()}`, `traces/${newId()}/info`])
      expect(failure(await api.get(path)), path).toEqual([404, 'RESOURCE_DOES_NOT_EXIST'])
    expect(failure(await api.get(`${V3}/x/y/z`))).toEqual([404, 'ENDPOINT_NOT_FOUND'])
  })

  test('tags of both protocols; those that say where things lie are the server’s', async () => {
    const id = await start(api, experiment)
    for (const root of ['traces', V3]) {
      expect((await api.send('PATCH', `${root}/${id}/tags`, { key: 'colour', value: root })).body).toEqual({})
      expect((await get(api, id)).tags.colour).toBe(root)
      await api.send('PATCH', `${root}/${id}/tags`, { key: 'mlflow.traceName', value: 'renamed' })
      expect((await get(api, id)).tags['mlflow.traceName']).toBe('renamed')
      for (const key of ['colour', 'mlflow.traceName']) {
        expect((await api.send('DELETE', `${root}/${id}/tags`, { key })).body).toEqual({})
        expect(failure(await api.send('DELETE', `${root}/${id}/tags`, { key }))).toEqual([
          404,
          'RESOURCE_DOES_NOT_EXIST',
        ])
      }
      for (const key of ['mlflow.artifactLocation', '', 'a//b', 'k'.repeat(251)]) {
        const answer = await api.send('PATCH', `${root}/${id}/tags`, { key, value: 'x' })
        expect(failure(answer), key).toEqual([400, 'INVALID_PARAMETER_VALUE'])
      }
    }
  })

  test('assessments keep free JSON exactly; an override takes the place of another until it goes', async () => {
    const id = await start(api, experiment, {
      assessments: [{ assessment_id: 'a-1', assessment_name: 'early', feedback: { value: { A: null, b: [] } } }],
    })
    const make = async (assessment: More) =>
      (await api.send('POST', `${V3}/${id}/assessments`, { assessment })).body.assessment
    const source = { source_type: 'HUMAN', source_id: 'ada' }
    const first = await make({
      assessment_name: 'good',
      feedback: { value: false },
      source,
      metadata: { camelKey: 'v' },
    })
    expect(first).toMatchObject({
      assessment_name: 'good',
      trace_id: id,
      source,
      valid: true,
      metadata: { camelKey: 'v' },
    })
    const over = await make({ assessment_name: 'good', feedback: { value: true }, overrides: first.assessment_id })
    const at = (assessment: { assessment_id: string }) => `${V3}/${id}/assessments/${assessment.assessment_id}`
    expect((await api.get(at(first))).body.assessment.valid).toBe(false)
    const { assessments } = await get(api, id)
    expect(assessments.map((one: { assessment_name: string }) => one.assessment_name).toSorted()).toEqual([
      'early',
      'good',
      'good',
    ])
    expect(assessments.find((one: More) => one.assessment_id === 'a-1').feedback.value).toEqual({ A: null, b: [] })
    expect(ids(await search(`feedback.good = 'true' AND trace_id = '${id}'`))).toEqual([id])
    expect(ids(await search(`feedback.good > 0.5 AND trace_id = '${id}'`))).toEqual([id])
    expect(ids(await search(`feedback.good = 'false' AND trace_id = '${id}'`))).toEqual([])
    const patch = (assessment: More, paths: string) => api.send('PATCH', at(over), { assessment, update_mask: paths })
    const changed = await patch({ rationale: 'why', metadata: { n: '1' } }, 'rationale,metadata')
    expect(changed.body.assessment).toMatchObject({ rationale: 'why', feedback: { value: true }, metadata: { n: '1' } })
    expect(failure(await patch({ expectation: { value: 1 } }, 'expectation'))).toEqual([400, 'INVALID_PARAMETER_VALUE'])
    expect(failure(await patch({}, 'sourceId'))).toEqual([400, 'INVALID_PARAMETER_VALUE'])
    await api.send('DELETE', at(over))
    expect((await api.get(at(first))).body.assessment.valid).toBe(true)
    expect((await api.send('DELETE', at(over))).body).toEqual({})
    expect(failure(await api.get(at(over)))).toEqual([404, 'RESOURCE_DOES_NOT_EXIST'])
    const missing = await api.send('POST', `${V3}/${id}/assessments`, {
      assessment: { assessment_name: 'x', feedback: { value: 1 }, overrides: 'a-none' },
    })
    expect(failure(missing)).toEqual([404, 'RESOURCE_DOES_NOT_EXIST'])
  })

  test('deletion takes spans, assessments and files with it, by ids or by age', async () => {
    const own = await api.experiment('to delete')
    const all: string[] = []
    for (const second of [1, 2, 3])
      all.push(
        await start(api, own, { request_time: `2026-03-01T00:00:0${second}Z`, tags: { second: String(second) } }),
      )
    const [first, second, third] = all as [string, string, string]
    const file = `${ARTIFACTS}/${own}/traces/${first}/artifacts/traces.json`
    expect((await api.put(file, '{"spans":[]}')).status).toBe(200)
    const remove = async (more: More) => api.post('traces/delete-traces', { experiment_id: own, ...more })
    for (const wrong of [
      {},
      { request_ids: [first], max_timestamp_millis: 1 },
      { max_timestamp_millis: 1, max_traces: 0 },
    ])
      expect(failure(await remove(wrong))).toEqual([400, 'INVALID_PARAMETER_VALUE'])
    expect((await remove({ request_ids: [first, 'tr-none'] })).body).toEqual({ traces_deleted: 1 })
    expect((await api.get(file)).status).toBe(404)
    const before = Date.parse('2026-03-01T00:00:03Z')
    expect((await remove({ max_timestamp_millis: before, max_traces: 1 })).body).toEqual({ traces_deleted: 1 })
    expect((await api.get(`${V3}/${second}`)).status).toBe(404)
    expect((await get(api, third)).trace_id).toBe(third)
    const { rows } = await server.ctx.db
      .selectFrom('trace_values')
      .select('value')
      .where('key', '=', 'second')
      .execute()
      .then((found) => ({ rows: found.map((row) => row.value) }))
    expect(rows).toEqual(['3'])
  })

  test('the older protocol: begun, then ended, and seen by both', async () => {
    const pairs = (values: Record<string, string>) => Object.entries(values).map(([key, value]) => ({ key, value }))
    const begun = await api.post('traces', {
      experiment_id: experiment,
      timestamp_ms: 1_700_000_000_000,
      request_metadata: pairs({ 'mlflow.traceInputs': '{"q": 1}' }),
      tags: pairs({ 'mlflow.traceName': 'old', camelKey: 'x' }),
    })
    const { request_id: id, tags } = begun.body.trace_info
    expect(id).toMatch(/^tr-[0-9a-f]{32}$/)
    expect(begun.body.trace_info).toMatchObject({ status: 'IN_PROGRESS', timestamp_ms: 1_700_000_000_000 })
    expect(tags).toContainEqual({ key: 'camelKey', value: 'x' })
    const ended = await api.send('PATCH', `traces/${id}`, {
      timestamp_ms: 1_700_000_000_500,
      status: 'OK',
      request_metadata: pairs({ 'mlflow.traceOutputs': '2' }),
    })
    expect(ended.body.trace_info).toMatchObject({ status: 'OK', execution_time_ms: 500 })
    expect((await api.get(`traces/${id}/info`)).body.trace_info).toEqual(ended.body.trace_info)
    expect(await get(api, id)).toMatchObject({ state: 'OK', execution_duration: '0.500s', response_preview: '2' })
    const found = await api.get('traces', { experiment_ids: [experiment], filter: "name = 'old'", max_results: '5' })
    expect(found.body.traces.map((one: { request_id: string }) => one.request_id)).toEqual([id])
    expect(failure(await api.get('traces', {}))).toEqual([400, 'INVALID_PARAMETER_VALUE'])
  })
})
