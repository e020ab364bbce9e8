import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pick, random } from '../../../../tests/harness/hostile.ts'
import { type MlflowApi, mlflowApi } from '../../../../tests/harness/mlflow.ts'
import { startTestServer, type TestServer } from '../../../../tests/harness/server.ts'
import { exportRequest, type TestSpan } from '../../../../tests/harness/spans.ts'
import { AppError } from '../../../lib/errors.ts'
import { readProtobuf } from './otlp.ts'

let server: TestServer
let api: MlflowApi
let experiment: string
beforeAll(async () => {
  server = await startTestServer()
  api = mlflowApi(server)
  experiment = await api.experiment('spans')
})
afterAll(() => server.close())

const PROTOBUF = { 'content-type': 'application/x-protobuf' }

async function send(body: Uint8Array | string, headers: Record<string, string> = {}) {
  const answer = await fetch(`${server.url}/v1/traces`, {
    method: 'POST',
    headers: { ...PROTOBUF, 'x-mlflow-experiment-id': experiment, ...headers },
    body: body as BodyInit,
  })
  const text = await answer.text()
  return { status: answer.status, text, type: answer.headers.get('content-type') }
}

let made = 0
/** A root span of a new trace. */
function root(more: Partial<TestSpan> = {}): TestSpan {
  made += 1
  return { traceId: made.toString(16).padStart(32, 'a'), spanId: '00000000000000a1', name: 'root', ...more }
}
const idOf = (span: TestSpan) => `tr-${span.traceId}`
const whole = async (span: TestSpan) =>
  (await api.get('/api/3.0/mlflow/traces/get', { trace_id: idOf(span) })).body.trace

describe('/v1/traces', () => {
  test('keeps spans exactly, and makes their trace from the root', async () => {
    const attributes = {
      'mlflow.spanType': 'AGENT',
      'mlflow.spanInputs': { question: 'why', deep: { list: [1n, 0.5, true, null] } },
      'mlflow.spanOutputs': 'because',
      'mlflow.traceTag.team': 'words',
      'session.id': 's-1',
      big: 9_007_199_254_740_993n,
      nan: Number.NaN,
    }
    const span = root({ attributes, startMs: 5_000, endMs: 7_000 })
    const child = {
      ...root({ name: 'child' }),
      traceId: span.traceId,
      spanId: '00000000000000b2',
      parentId: span.spanId,
    }
    const sent = await send(exportRequest([child, span], { 'service.name': 'shop', 'telemetry.sdk.name': 'x' }))
    expect(sent).toEqual({ status: 200, text: '', type: 'application/x-protobuf' })
    const { trace_info, spans } = await whole(span)
    expect(trace_info).toMatchObject({
      trace_id: idOf(span),
      trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experiment } },
      state: 'OK',
      request_time: '1970-01-01T00:00:01.000Z',
      execution_duration: '6.000s',
      request_preview: '{"question":"why","deep":{"list":[1,0.5,true,null]}}',
      response_preview: '"because"',
      trace_metadata: { 'mlflow.trace.session': 's-1' },
      tags: {
        'mlflow.traceName': 'root',
        'mlflow.trace.spansLocation': 'TRACKING_STORE',
        'mlflow.artifactLocation': `mlflow-artifacts:/${experiment}/traces/${idOf(span)}/artifacts`,
        'service.name': 'shop',
        team: 'words',
      },
    })
    expect(trace_info.tags).not.toHaveProperty('telemetry.sdk.name')
    expect(spans.map((one: { name: string }) => one.name)).toEqual(['root', 'child'])
    expect(spans[0]).toMatchObject({
      trace_id: Buffer.from(span.traceId, 'hex').toString('base64'),
      start_time_unix_nano: '5000000001',
      status: { code: 1 },
    })
    const sentAgain = Object.fromEntries(
      spans[0].attributes.map((pair: { key: string; value: object }) => [pair.key, pair.value]),
    )
    expect(sentAgain.big).toEqual({ int_value: '9007199254740993' })
    expect(sentAgain.nan).toEqual({ double_value: 'NaN' })
    expect(sentAgain['mlflow.spanInputs'].kvlist_value.values[1].value.kvlist_value.values[0].value).toEqual({
      array_value: { values: [{ int_value: '1' }, { double_value: 0.5 }, { bool_value: true }, {}] },
    })
  })

  test('spans of a trace may come one by one, before or after the trace, and again', async () => {
    const span = root({ error: true })
    const children = Array.from({ length: 6 }, (_, index) => ({
      ...root({ name: `step ${index}` }),
      traceId: span.traceId,
      spanId: (index + 1).toString(16).padStart(16, '0'),
      parentId: span.spanId,
    }))
    for (const child of children) expect((await send(exportRequest([child]))).status).toBe(200)
    expect((await whole(span)).trace_info.state).toBe('IN_PROGRESS')
    await send(exportRequest([span]))
    expect((await whole(span)).trace_info.state).toBe('ERROR')
    const info = {
      trace_id: idOf(span),
      trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experiment } },
      request_time: '2026-01-02T03:04:05.678Z',
      execution_duration: '0.004s',
      state: 'OK',
    }
    const started = await api.send('POST', '/api/3.0/mlflow/traces', { trace: { trace_info: info } })
    expect(started.body.trace.trace_info).toMatchObject({ request_time: info.request_time, state: 'OK' })
    const late = { ...root({ name: 'late' }), traceId: span.traceId, spanId: 'ffffffffffffffff', parentId: span.spanId }
    await send(exportRequest([late, { ...span, name: 'renamed' }]))
    const { trace_info, spans } = await whole(span)
    expect(trace_info).toMatchObject({ request_time: info.request_time, execution_duration: '0.004s', state: 'OK' })
    expect(spans.map((one: { name: string }) => one.name).toSorted()).toEqual([
      'late',
      'renamed',
      ...children.map((child) => child.name),
    ])
  })

  test('spans that come at the same time share a commit, and not each other’s mistakes', async () => {
    const span = root()
    const gone = await api.experiment('deleted')
    await api.post('experiments/delete', { experiment_id: gone })
    const one = (index: number) => ({
      ...root({ name: `at once ${index}` }),
      traceId: span.traceId,
      spanId: (index + 1).toString(16).padStart(16, '0'),
      parentId: 'eeeeeeeeeeeeeeee',
    })
    const good = Array.from({ length: 30 }, (_, index) => send(exportRequest([one(index)])))
    const bad = Array.from({ length: 3 }, () => send(exportRequest([root()]), { 'x-mlflow-experiment-id': gone }))
    expect((await Promise.all(good)).map((sent) => sent.status)).toEqual(Array(30).fill(200))
    expect((await Promise.all(bad)).map((sent) => sent.status)).toEqual([400, 400, 400])
    expect((await whole(span)).spans).toHaveLength(30)
  })

  test('takes gzip and both kinds of deflate', async () => {
    for (const [encoding, pack] of [
      ['gzip', gzipSync],
      ['deflate', deflateSync],
      ['deflate', deflateRawSync],
    ] as const) {
      const span = root()
      const sent = await send(pack(exportRequest([span])), { 'content-encoding': encoding })
      expect(sent.status, encoding).toBe(200)
      expect((await whole(span)).spans).toHaveLength(1)
    }
  })

  test('takes the JSON of the same message', async () => {
    const span = root()
    const body = {
      resourceSpans: [
        {
          scopeSpans: [
            {
              spans: [
                {
                  traceId: span.traceId,
                  spanId: span.spanId,
                  name: 'in words',
                  startTimeUnixNano: '1544712660000000000',
                  endTimeUnixNano: '1544712661000000000',
                  attributes: [{ key: 'n', value: { intValue: '7' } }],
                  status: { code: 2 },
                },
              ],
            },
          ],
        },
      ],
    }
    const sent = await send(JSON.stringify(body), { 'content-type': 'application/json; charset=utf-8' })
    expect(sent).toMatchObject({ status: 200, text: '{}' })
    const { trace_info, spans } = await whole(span)
    expect(trace_info).toMatchObject({ state: 'ERROR', execution_duration: '1.000s' })
    expect(spans[0].attributes).toEqual([{ key: 'n', value: { int_value: '7' } }])
  })

  test('refuses what is no export request, in time and never as its own fault', async () => {
    const good = exportRequest([root()])
    const deep = (levels: number): unknown => (levels === 0 ? 'x' : [deep(levels - 1)])
    const json = { 'content-type': 'application/json' }
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024))
    for (const [what, body, headers, status] of [
      ['no experiment', good, { 'x-mlflow-experiment-id': '' }, 400],
      ['an unknown experiment', good, { 'x-mlflow-experiment-id': '999999' }, 404],
      ['no number', good, { 'x-mlflow-experiment-id': 'x' }, 400],
      ['another type', good, { 'content-type': 'text/plain' }, 400],
      ['an unknown encoding', good, { 'content-encoding': 'br' }, 400],
      ['no gzip', good, { 'content-encoding': 'gzip' }, 400],
      ['a gzip bomb', bomb, { 'content-encoding': 'gzip' }, 413],
      ['a cut message', good.slice(0, -3), {}, 400],
      ['noise', Buffer.from('hello, I am no protobuf at all'), {}, 400],
      ['nothing', new Uint8Array(), {}, 400],
      ['too deep', exportRequest([root({ attributes: { deep: deep(60) } })]), {}, 400],
      ['a short id', exportRequest([root({ traceId: 'abcd' })]), {}, 400],
      ['an empty id', exportRequest([root({ spanId: '0000000000000000' })]), {}, 400],
      ['no JSON', '{', json, 400],
      ['a list', '[]', json, 400],
      ['a wrong kind', '{"resourceSpans": {"a": 1}}', json, 400],
      [
        'a wrong number',
        '{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": "1e999"}]}]}]}',
        json,
        400,
      ],
      ['a lone surrogate', '{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "\\ud800"}]}]}]}', json, 400],
    ] as [string, Uint8Array | string, Record<string, string>, number][]) {
      const sent = await send(body, headers)
      expect([what, sent.status]).toEqual([what, status])
      expect(JSON.parse(sent.text), what).toHaveProperty('error_code')
    }
  })

  test('names and texts that a database cannot hold are no reason to lose a span', async () => {
    const span = root({ name: 'nul\0name', attributes: { 'mlflow.spanInputs': 'a\0b', 'bad key\n': 1, é: 'ü' } })
    const sent = await send(exportRequest([span], { 'x\0y': 'z\0', fine: 'yes' }))
    expect(sent.status).toBe(200)
    const { trace_info, spans } = await whole(span)
    expect(spans[0].name).toBe('nul\0name')
    expect(trace_info.tags).toMatchObject({ fine: 'yes', 'mlflow.traceName': 'nul\ufffdname' })
  })
})

test('whatever bytes come, they are spans or a mistake of the sender', async () => {
  const next = random(7)
  const attributes = { a: [1n, 'x', { b: 0.5 }], 'mlflow.spanInputs': 'text' }
  const good = exportRequest([root({ attributes }), root({ parentId: '00000000000000a1' })], { 'service.name': 's' })
  for (let tries = 0; tries < 3_000; tries++) {
    const bytes = Buffer.from(good)
    for (let change = 0; change < 1 + (tries % 4); change++)
      bytes[Math.floor(next() * bytes.length)] = pick(next, [0, 1, 2, 10, 127, 128, 255, Math.floor(next() * 256)])
    const cut = next() < 0.2 ? bytes.subarray(0, Math.floor(next() * bytes.length)) : bytes
    const outcome = await readProtobuf(cut).catch((error: unknown) => error)
    if (!Array.isArray(outcome)) expect([tries, outcome]).toEqual([tries, expect.any(AppError)])
  }
})
