import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type MlflowApi, mlflowApi } from '../../../../tests/harness/mlflow.ts'
import { startTestServer, type TestAnswer, type TestServer } from '../../../../tests/harness/server.ts'
import { exportRequest } from '../../../../tests/harness/spans.ts'
import { failure, type More, newId, start, V3 } from '../../../../tests/harness/traces.ts'

describe('search of traces', () => {
  let server: TestServer
  let api: MlflowApi
  let experiment: string
  beforeAll(async () => {
    server = await startTestServer()
    api = mlflowApi(server)
    experiment = await api.experiment('traces')
  })
  afterAll(() => server.close())

  const spans = (traceId: string, names: string[], type = 'TOOL') =>
    fetch(`${server.url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', 'x-mlflow-experiment-id': experiment },
      body: exportRequest(
        names.map((name, index) => ({
          traceId: traceId.slice(3),
          spanId: (index + 1).toString(16).padStart(16, '0'),
          parentId: index === 0 ? undefined : '0000000000000001',
          name,
          attributes: { 'mlflow.spanType': index === 0 ? 'CHAIN' : type, shelf: name },
        })) as Parameters<typeof exportRequest>[0],
      ) as BodyInit,
    })
  const search = async (filter: string, more: More = {}) => {
    const locations = [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experiment } }]
    return api.send('POST', `${V3}/search`, { locations, filter, ...more })
  }
  const ids = (answer: TestAnswer) => (answer.body.traces ?? []).map((one: { trace_id: string }) => one.trace_id)

  test('search: every attribute, tags, metadata and spans, one page after the other without a gap', async () => {
    const [one, two, three] = [newId(), newId(), newId()]
    await spans(one, ['root', 'look_up'])
    await spans(two, ['root', 'think'], 'AGENT')
    const at = (second: number) => `2026-02-01T00:00:0${second}.000Z`
    const common = { tags: { group: 'g', 'mlflow.traceName': 'a' } }
    await start(api, experiment, { ...common, trace_id: one, request_time: at(1), execution_duration: '5s' })
    const metadata = { 'mlflow.sourceRun': 'run-2', k: 'v' }
    await start(api, experiment, { ...common, trace_id: two, request_time: at(2), trace_metadata: metadata })
    const named = { group: 'g', 'mlflow.traceName': 'b', only: 'x' }
    await start(api, experiment, { trace_id: three, request_time: at(3), state: 'ERROR', tags: named })
    for (const [filter, expected] of [
      ["tags.group = 'g'", [three, two, one]],
      ["tags.group = 'g' AND status = 'ERROR'", [three]],
      ["tags.group = 'g' AND attributes.status != 'error'", [two, one]],
      ["tags.group = 'g' AND trace.status IN ('OK', 'ERROR')", [three, two, one]],
      ["tags.group = 'g' AND name = 'a'", [two, one]],
      ["tags.group = 'g' AND trace.name LIKE 'b%'", [three]],
      ["tags.group = 'g' AND tags.`mlflow.traceName` = 'b'", [three]],
      ["tags.only IS NOT NULL AND tags.group = 'g'", [three]],
      ["tags.only IS NULL AND tags.group = 'g'", [two, one]],
      ["tags.group = 'g' AND metadata.k = 'v'", [two]],
      ["request_metadata.`mlflow.sourceRun` = 'run-2'", [two]],
      ["run_id = 'run-2'", [two]],
      [`request_id = '${one}'`, [one]],
      [`trace_id IN ('${one}', '${two}')`, [two, one]],
      [`tags.group = 'g' AND timestamp_ms > ${Date.parse(at(1))}`, [three, two]],
      [`tags.group = 'g' AND timestamp <= ${Date.parse(at(1))}`, [one]],
      ["tags.group = 'g' AND execution_time_ms >= 5000", [one]],
      [`tags.group = 'g' AND end_time_ms > ${Date.parse(at(5))}`, [one]],
      ["span.name = 'look_up' AND tags.group = 'g'", [one]],
      ["span.name = 'think' AND span.type = 'AGENT' AND tags.group = 'g'", [two]],
      ["span.name = 'root' AND span.type = 'AGENT' AND tags.group = 'g'", []],
      ["span.attributes.shelf = 'think' AND tags.group = 'g'", [two]],
      ["span.attributes.shelf LIKE '%ook%' AND span.type = 'TOOL' AND tags.group = 'g'", [one]],
      ["span.attributes.shelf = 'root' AND span.type = 'TOOL' AND tags.group = 'g'", []],
      ["trace.text ILIKE '%LOOK_UP%' AND tags.group = 'g'", [one]],
      ["feedback.good = 'true'", []],
    ] as [string, string[]][]) {
      const answer = await search(filter)
      expect([filter, ids(answer)]).toEqual([filter, expected])
    }
    for (const order of [
      [],
      ['timestamp_ms ASC'],
      ['name DESC'],
      ['tags.only'],
      ['execution_time_ms'],
      ['run_id DESC'],
    ]) {
      const all = ids(await search("tags.group = 'g'", { order_by: order }))
      const paged: string[] = []
      let token: string | undefined
      do {
        const answer = await search("tags.group = 'g'", { order_by: order, max_results: 1, page_token: token })
        paged.push(...ids(answer))
        token = answer.body.next_page_token
      } while (token !== undefined)
      expect([order, paged]).toEqual([order, all])
      expect(all.toSorted()).toEqual([one, two, three].toSorted())
    }
    const byContent: string[] = []
    let token: string | undefined
    do {
      const answer = await search("span.attributes.shelf LIKE '%' AND tags.group = 'g'", {
        max_results: 1,
        page_token: token,
      })
      byContent.push(...ids(answer))
      token = answer.body.next_page_token
    } while (token !== undefined)
    expect(byContent).toEqual([two, one])
  })

  test('search refuses what it cannot do', async () => {
    for (const [filter, more] of [
      ["colour = 'red'", {}],
      ['metrics.a > 1', {}],
      ["status > 'OK'", {}],
      ["timestamp_ms = 'x'", {}],
      ["span.colour = 'x'", {}],
      ["span.content = 'x'", {}],
      [`span.attributes.a LIKE '${'%a'.repeat(200)}'`, {}],
      ["prompt = 'no version'", {}],
      ['', { order_by: ['span.name'] }],
      ['', { order_by: ['name', 'name DESC'] }],
      ['', { max_results: 0 }],
      ['', { max_results: 501 }],
      ['', { page_token: 'nonsense' }],
      ['', { page_token: Buffer.from('{"after":[1],"search":"x"}').toString('base64') }],
      ['', { locations: undefined }],
    ] as [string, More][]) {
      expect([filter, JSON.stringify(more), ...failure(await search(filter, more))]).toEqual([
        filter,
        JSON.stringify(more),
        400,
        'INVALID_PARAMETER_VALUE',
      ])
    }
    expect((await search('', { locations: [{ mlflow_experiment: { experiment_id: '99999' } }] })).body).toEqual({})
  })
})
