import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ARTIFACTS, type MlflowApi, mlflowApi } from '../../../tests/harness/mlflow.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { exportRequest } from '../../../tests/harness/spans.ts'
import { newId, start, V3 } from '../../../tests/harness/traces.ts'
import { LOCAL } from '../../lib/actor.ts'
import { defaultProject } from '../projects/projects.service.ts'

let server: TestServer
let api: MlflowApi
const P = '/api/v1/projects/local/default'
const get = async (path: string) => server.request('GET', `${P}${path}`)

beforeAll(async () => {
  server = await startTestServer()
  api = mlflowApi(server)
  await defaultProject(server.ctx, LOCAL)
  await server.request('POST', '/api/v1/projects', { body: { name: 'other' } })
})
afterAll(() => server.close())

async function spans(traceId: string, list: Omit<Parameters<typeof exportRequest>[0][number], 'traceId'>[]) {
  const answer = await fetch(`${server.url}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', 'x-mlflow-experiment-id': '0' },
    body: exportRequest(list.map((span) => ({ ...span, traceId: traceId.slice(3) }))) as BodyInit,
  })
  expect(answer.status).toBe(200)
}

describe('/traces', () => {
  test('a trace with its spans in time, their values plain, and what was said about it', async () => {
    const id = newId()
    await spans(id, [
      {
        spanId: '00000000000000b2',
        parentId: '00000000000000a1',
        name: 'child',
        startMs: 1_100,
        endMs: 1_200,
        error: true,
        attributes: { 'mlflow.spanType': 'TOOL', 'mlflow.spanInputs': { q: [1n, null] }, size: 7n },
      },
      { spanId: '00000000000000a1', name: 'root', startMs: 1_000, endMs: 1_500 },
    ])
    await start(api, '0', { trace_id: id, tags: { team: 'x' }, trace_metadata: { 'mlflow.sourceRun': 'r1' } })
    await api.send('POST', `${V3}/${id}/assessments`, {
      assessment: {
        assessment_name: 'good',
        feedback: { value: { a: 1 } },
        source: { source_type: 'HUMAN', source_id: 'ada' },
        rationale: 'why',
      },
    })
    const { body } = await get(`/traces/${id}`)
    expect(body).toMatchObject({ id, experiment_id: '0', name: 'root', status: 'OK', run_id: 'r1', span_count: 2 })
    expect(body.tags).toMatchObject({ team: 'x' })
    expect(body.spans).toEqual([
      expect.objectContaining({ id: '00000000000000a1', parent_id: null, name: 'root', status: 'OK', start_ms: 0 }),
      {
        id: '00000000000000b2',
        parent_id: '00000000000000a1',
        name: 'child',
        type: 'TOOL',
        status: 'ERROR',
        message: null,
        start_ms: 100,
        duration_ms: expect.closeTo(100, 3),
        inputs: { q: [1, null] },
        outputs: null,
        attributes: { size: 7 },
        events: [],
      },
    ])
    expect(body.assessments).toMatchObject([
      { name: 'good', kind: 'feedback', value: { a: 1 }, source: 'HUMAN ada', rationale: 'why', valid: true },
    ])
    expect((await server.request('GET', `/api/v1/projects/local/other/traces/${id}`)).status).toBe(404)
  })

  test('the list: newest first, filtered, in pages; of one experiment or of all', async () => {
    const experiment = await api.experiment('listed')
    const ids: string[] = []
    for (const second of [1, 2, 3])
      ids.push(
        await start(api, experiment, { request_time: `2026-05-01T00:00:0${second}Z`, tags: { n: String(second) } }),
      )
    const list = async (query: string) => (await get(`/traces?${query}`)).body
    const first = await list(`experiment_id=${experiment}&limit=2`)
    expect(first.traces.map((trace: { id: string }) => trace.id)).toEqual([ids[2], ids[1]])
    const rest = await list(
      `experiment_id=${experiment}&limit=2&page_token=${encodeURIComponent(first.next_page_token)}`,
    )
    expect([rest.traces.map((trace: { id: string }) => trace.id), rest.next_page_token]).toEqual([[ids[0]], null])
    expect((await list(`filter=${encodeURIComponent("tags.n = '2'")}`)).traces).toMatchObject([
      { id: ids[1], duration_ms: 250 },
    ])
    expect((await list('limit=500')).traces.length).toBeGreaterThan(3)
    expect((await get('/traces?filter=nonsense')).status).toBe(400)
    expect((await server.request('GET', '/api/v1/projects/local/other/traces')).body.traces).toEqual([])
  })

  test('spans that an older client put into a file are shown too, in both of its shapes', async () => {
    const old = {
      name: 'old',
      context: { span_id: '0x1', trace_id: '0x2' },
      parent_id: null,
      start_time: 5_000_000,
      end_time: 7_000_000,
      status_code: 'ERROR',
      status_message: 'no luck',
      attributes: { 'mlflow.spanInputs': '{"q": 1}', 'mlflow.spanType': '"LLM"', odd: 'no JSON' },
      events: [{ name: 'exception', timestamp: 6_000_000, attributes: { 'exception.message': 'x' } }],
    }
    const newer = {
      name: 'newer',
      span_id: 'AAAAAAAAAAE=',
      parent_span_id: null,
      start_time_unix_nano: '5000000',
      end_time_unix_nano: '6500000',
      status: { code: 'STATUS_CODE_OK', message: '' },
      attributes: { 'mlflow.spanOutputs': '"done"' },
      events: [],
    }
    const shown = async (text: string) => {
      const id = await start(api, '0')
      await api.put(`${ARTIFACTS}/0/traces/${id}/artifacts/traces.json`, text)
      return (await get(`/traces/${id}`)).body.spans
    }
    expect(await shown(JSON.stringify({ spans: [old] }))).toMatchObject([
      {
        name: 'old',
        type: 'LLM',
        status: 'ERROR',
        message: 'no luck',
        duration_ms: 2,
        inputs: { q: 1 },
        attributes: { odd: 'no JSON' },
        events: [{ name: 'exception', at_ms: 1 }],
      },
    ])
    expect(await shown(JSON.stringify({ spans: [newer] }))).toMatchObject([
      { name: 'newer', status: 'OK', duration_ms: 1.5, outputs: 'done' },
    ])
    for (const wrong of ['{', '[]', '{"spans": 1}', '{"spans": [1, null, {"start_time": "x"}]}'])
      expect(Array.isArray(await shown(wrong)), wrong).toBe(true)
  })
})
