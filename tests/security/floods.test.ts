import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fire, leastBusyMs, MAX_BUSY_MS } from '../harness/attacker.ts'
import { ARTIFACTS, type MlflowApi, mlflowApi } from '../harness/mlflow.ts'
import { sendRaw } from '../harness/raw.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'

/** What is too much, too deep, too slow or too often: refused, and nobody else has to wait for it (rows 101-104, 106, 107). */
let server: TestServer
let api: MlflowApi
let run: string
const P = '/api/v1/projects/local/default'
const JSON_TYPE = { 'content-type': 'application/json' }

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  api = mlflowApi(server)
  run = await api.run()
})
afterAll(() => server.close())

/** Fails when an answer is the server's fault, or when its thread had no time for others meanwhile. */
async function bearable(what: string, send: () => Promise<{ status: number; text: string }>): Promise<void> {
  let answer = { status: 0, text: '' }
  const busy = await leastBusyMs(async () => {
    answer = await send()
  })
  expect(answer.status, `${what}: ${answer.text.slice(0, 300)}`).toBeGreaterThanOrEqual(200)
  expect(answer.status, `${what}: ${answer.text.slice(0, 300)}`).toBeLessThan(500)
  expect(busy, `ms of the thread for ${what}`).toBeLessThan(MAX_BUSY_MS)
}

const post = (path: string, body: string | Buffer, headers: Record<string, string> = JSON_TYPE) =>
  fire(server, 'POST', path, { body, headers })
const MLFLOW = '/api/2.0/mlflow'

test('a thread that is held up is noticed', async () => {
  const held = async () => {
    for (const from = process.threadCpuUsage(); process.threadCpuUsage(from).user < 210_000; );
  }
  expect(await leastBusyMs(held, 1)).toBeGreaterThan(MAX_BUSY_MS)
})

describe('sizes', () => {
  const LONG = 'x'.repeat(1_000_000)
  test.each([
    ['experiments/create', { name: LONG }],
    ['experiments/create', { name: 'long place', artifact_location: `s3://b/${LONG}` }],
    ['runs/create', { experiment_id: '0', run_name: LONG }],
    ['runs/create', { experiment_id: LONG }],
    ['runs/set-tag', { run_id: 'RUN', key: 'k', value: LONG }],
    ['runs/set-tag', { run_id: 'RUN', key: LONG, value: 'v' }],
    ['runs/log-parameter', { run_id: 'RUN', key: 'p', value: LONG }],
    ['runs/log-metric', { run_id: 'RUN', key: LONG, value: 1, timestamp: 1 }],
    ['runs/log-metric', { run_id: LONG, key: 'a', value: 1, timestamp: 1 }],
    ['registered-models/create', { name: LONG }],
    ['registered-models/create', { name: 'long', description: LONG, tags: [{ key: LONG, value: LONG }] }],
    ['model-versions/create', { name: 'long', source: `s3://b/${LONG}` }],
    ['registered-models/alias', { name: 'long', alias: LONG, version: '1' }],
    ['logged-models', { experiment_id: '0', name: LONG }],
    ['runs/search', { experiment_ids: ['0'], filter: `tags.a = '${LONG}'` }],
    ['runs/search', { experiment_ids: ['0'], order_by: [LONG] }],
    ['runs/search', { experiment_ids: ['0'], page_token: LONG }],
  ])('big-fields: %s', async (path, message) => {
    const body = JSON.stringify(message).replace('RUN', run)
    await bearable(path, () => post(`${MLFLOW}/${path}`, body))
  })

  test('big-fields: names have a length, and the refusal names the field', async () => {
    for (const [path, message] of [
      ['experiments/create', { name: LONG }],
      ['experiments/create', { name: 'x', artifact_location: LONG }],
      ['runs/log-metric', { run_id: run, key: LONG, value: 1, timestamp: 1 }],
      ['registered-models/create', { name: LONG }],
    ] as const) {
      const answer = await api.post(path, message)
      expect([path, answer.status, answer.body.error_code]).toEqual([path, 400, 'INVALID_PARAMETER_VALUE'])
      expect(answer.text.length).toBeLessThan(2_000)
    }
  })

  test('big-lists: a batch has a size, and so has a page and a list of ids', async () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => i)
    const pairs = many(20_000).map((i) => ({ key: `k${i}`, value: 'v' }))
    for (const message of [
      { run_id: run, params: pairs },
      { run_id: run, tags: pairs },
      { run_id: run, metrics: many(20_000).map((i) => ({ key: 'm', value: i, timestamp: i, step: i })) },
    ])
      await bearable('log-batch', () => post(`${MLFLOW}/runs/log-batch`, JSON.stringify(message)))
    for (const [path, message] of [
      ['runs/search', { experiment_ids: many(50_000).map(String) }],
      ['runs/search', { experiment_ids: ['0'], max_results: 2 ** 31 }],
      ['runs/search', { experiment_ids: ['0'], order_by: many(20_000).map((i) => `metrics.m${i}`) }],
      ['logged-models/search', { experiment_ids: many(50_000).map(String) }],
      [
        'runs/log-inputs',
        { run_id: run, datasets: many(5_000).map((i) => ({ dataset: { name: `d${i}`, digest: 'e' } })) },
      ],
      ['experiments/create', { name: 'many tags', tags: pairs.slice(0, 5_000) }],
    ] as const)
      await bearable(path, () => post(`${MLFLOW}/${path}`, JSON.stringify(message)))
    const ids = many(500)
      .map((i) => `run_ids=${i}`)
      .join('&')
    await bearable('bulk', () =>
      fire(server, 'GET', `/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?metric_key=a&${ids}`),
    )
  })

  test('big-body: more than a message may have is 413, without being parsed', async () => {
    const body = `{"name":"${'x'.repeat(17_000_000)}"}`
    for (const path of [`${MLFLOW}/experiments/create`, '/api/v1/projects'])
      expect(
        (
          await fire(server, 'POST', path, { headers: { ...JSON_TYPE, 'content-length': String(body.length) } }).catch(
            () => ({ status: 413 }),
          )
        ).status,
      ).toBe(413)
  })

  test('big-headers, big-url: 431 or 400', async () => {
    expect(
      (await sendRaw(server.url, `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`)).text,
    ).toMatch(/^HTTP\/1.1 431/)
    const many = Array.from({ length: 5_000 }, (_, i) => `x${i}: y\r\n`).join('')
    expect((await sendRaw(server.url, `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n${many}\r\n`)).text).toMatch(
      /^HTTP\/1.1 (431|4)/,
    )
    const query = `${P}/runs?${Array.from({ length: 1_500 }, (_, i) => `a${i}=1`).join('&')}`
    await bearable('query', () => fire(server, 'GET', query))
  })
})

describe('shapes', () => {
  test('json-deep: a text nested as deep as it is long', async () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
      ['[{"a":', '}]'],
    ] as const) {
      const depth = 100_000
      for (const body of [
        open.repeat(depth),
        open.repeat(depth) + 1 + close.repeat(depth),
        `{"name":${open.repeat(depth)}1${close.repeat(depth)}}`,
      ]) {
        for (const path of [`${MLFLOW}/experiments/create`, '/api/v1/projects', '/api/3.0/mlflow/traces'])
          await bearable(`${path} ${open}`, () => post(path, body))
      }
    }
    expect((await fire(server, 'GET', '/ready')).status).toBe(200)
  })

  test('json-wide: half a million of names, all different, and a million of empty lists', async () => {
    let name = 0
    const object = (size: number) => `{${Array.from({ length: size }, () => `"k${name++}":1`).join(',')}}`
    const fields = object(300_000)
    const shapes = `[${Array.from({ length: 4_900 }, () => object(100)).join(',')}]`
    const lists = `{"name":[${'[],'.repeat(1_000_000)}[]]}`
    for (const path of [`${MLFLOW}/experiments/create`, '/api/v1/projects']) {
      await bearable('lists', () => post(path, lists))
      await bearable('fields', () => post(path, fields))
      await bearable('shapes', () => post(path, shapes))
    }
  })

  test('gzip-bomb: a compressed message is not unpacked, but where spans may come compressed, and there it is cut', async () => {
    const bomb = gzipSync(Buffer.alloc(100_000_000))
    for (const path of [`${MLFLOW}/experiments/create`, '/api/v1/projects', `${MLFLOW}/runs/log-batch`])
      expect((await post(path, bomb, { ...JSON_TYPE, 'content-encoding': 'gzip' })).status).toBe(
        path.includes('v1') ? 415 : 400,
      )
    const spans = {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'gzip',
      'x-mlflow-experiment-id': '0',
    }
    const answer = await post('/v1/traces', bomb, spans)
    expect([400, 413]).toContain(answer.status)
    const nested = gzipSync(bomb)
    expect([400, 413, 415]).toContain(
      (await post('/v1/traces', nested, { ...spans, 'content-encoding': 'gzip, gzip' })).status,
    )
  })

  test('graphql-batch, graphql-deep: there is no GraphQL to flood', async () => {
    const query = `{${'a:'.repeat(1)}${'mlflowGetRun{'.repeat(500)}x${'}'.repeat(500)}}`
    for (const path of ['/graphql', '/ajax-api/2.0/mlflow/graphql'])
      expect((await post(path, JSON.stringify({ query }))).status).toBe(404)
  })

  test('proto-multipart: a boundary and a million of dashes', async () => {
    for (const body of [
      '--b',
      `--b\r\n\r\n${'-'.repeat(1_000_000)}`,
      '\r\n--'.repeat(250_000),
      `--b${'-'.repeat(1_000_000)}`,
    ]) {
      const headers = { 'content-type': `multipart/form-data; boundary=${'b'.repeat(70)}` }
      for (const path of [`${MLFLOW}/runs/create`, '/api/v1/projects', `${P}/blobs`])
        await bearable(path, () => post(path, body, headers))
    }
    const types = [
      `multipart/form-data;${' '.repeat(7_000)}`,
      `application/json;${'a=b;'.repeat(1_500)}`,
      `application/json${';'.repeat(7_000)}`,
    ]
    for (const type of types) await bearable('type', () => post('/api/v1/projects', '{}', { 'content-type': type }))
  })
})

describe('texts that make a bad pattern run for ever', () => {
  const N = 20_000
  const evil: Record<string, string> = {
    spaces: `${' '.repeat(N)}x`,
    quotes: `${"'".repeat(N)}`,
    backticks: '`'.repeat(N),
    dots: 'a.'.repeat(N / 2),
    ands: ' AND '.repeat(N / 5),
    parens: '('.repeat(N),
    digits: '1'.repeat(N),
    exponents: '1e'.repeat(N / 2),
    percents: `tags.a LIKE '${'%a'.repeat(N / 2)}'`,
    underscores: `tags.a LIKE '${'%_'.repeat(500)}b'`,
    lists: `attributes.run_id IN (${"'a',".repeat(N / 4)}`,
    dashes: `${'-'.repeat(N)}!`,
    slashes: '/'.repeat(N),
    commas: ','.repeat(N),
    unicode: '\u0130'.repeat(N),
  }
  test('redos-run-filter, redos-order-by, redos-names, redos-page-token', async () => {
    await api.post('runs/set-tag', { run_id: run, key: 'a', value: 'a'.repeat(5_000) })
    for (const [what, text] of Object.entries(evil)) {
      for (const [path, message] of [
        ['runs/search', { experiment_ids: ['0'], filter: text }],
        ['runs/search', { experiment_ids: ['0'], order_by: [text] }],
        ['runs/search', { experiment_ids: ['0'], page_token: text }],
        ['experiments/search', { filter: text, max_results: 10 }],
        ['logged-models/search', { experiment_ids: ['0'], filter: text }],
        ['experiments/create', { name: text }],
        ['registered-models/create', { name: text }],
        ['runs/log-metric', { run_id: run, key: text, value: 1, timestamp: 1 }],
        ['model-versions/create', { name: 'redos', source: `models:/${text}`, run_id: run }],
        ['model-versions/create', { name: 'redos', source: `mlflow-artifacts:/${text}`, run_id: run }],
      ] as const)
        await bearable(`${path} ${what}`, () => post(`${MLFLOW}/${path}`, JSON.stringify(message)))
    }
  })

  test('redos-query, redos-path, redos-headers', async () => {
    for (const [what, whole] of Object.entries(evil)) {
      const text = encodeURIComponent(whole)
        .slice(0, 7_000)
        .replace(/%[^%]?$/, '')
      for (const url of [
        `${P}/runs?filter=${text}`,
        `${P}/runs?order_by=${text}`,
        `${MLFLOW}/registered-models/search?filter=${text}`,
        `${MLFLOW}/model-versions/search?filter=${text}`,
        `${MLFLOW}/model-versions/search?order_by=${text}`,
        `/get-artifact?run_id=${run}&path=${text}`,
        `${ARTIFACTS}/${text.slice(0, 2_000)}`,
        `/api/stac/search?datetime=${text}`,
        `/api/stac/search?bbox=${text}`,
        `/${text}`,
      ])
        await bearable(`${url.slice(0, 60)} ${what}`, () => fire(server, 'GET', url))
      const value = what === 'unicode' ? 'x' : whole.slice(0, 7_000)
      for (const name of [
        'accept',
        'range',
        'if-none-match',
        'x-mlflow-workspace',
        'authorization',
        'cookie',
        'origin',
      ])
        await bearable(`${name} ${what}`, () => fire(server, 'GET', `${P}/runs`, { headers: { [name]: value } }))
    }
  })
})

describe('slow and broken connections', () => {
  test('proto-slowloris, proto-slow-body: those who never finish keep nobody waiting, and have a time', async () => {
    const { port } = new URL(server.url)
    const sockets = Array.from({ length: 200 }, (_, i) => {
      const socket = connect(Number(port), '127.0.0.1')
      socket.on('error', () => {})
      socket.write(
        i % 2 === 0
          ? 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: '
          : `POST ${MLFLOW}/runs/create HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"exp`,
      )
      return socket
    })
    try {
      await expect
        .poll(
          () => new Promise<number>((resolve) => server.app.server.getConnections((_error, count) => resolve(count))),
          { interval: 5 },
        )
        .toBeGreaterThanOrEqual(200)
      await bearable('an honest request', () => fire(server, 'GET', `${MLFLOW}/runs/get?run_id=${run}`))
    } finally {
      for (const socket of sockets) socket.destroy()
    }
    // How long a silent body may last: src/http/bodies.test.ts.
    expect(server.app.server.headersTimeout).toBeLessThanOrEqual(30_000)
    expect(server.app.server.headersTimeout).toBeGreaterThan(0)
  })

  test('proto-smuggling: a request whose end can be read in two ways is refused', async () => {
    for (const head of [
      'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef',
      'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
      'Content-Length: -1\r\n\r\n',
      'Content-Length: 0x10\r\n\r\n',
      'Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n',
      'Content-Length : 5\r\n\r\nabcde',
      'X: a\r\n folded: b\r\n\r\n',
      'X: a\0b\r\n\r\n',
    ]) {
      const { text } = await sendRaw(
        server.url,
        `POST ${MLFLOW}/runs/create HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n${head}`,
      )
      expect(text, head).toMatch(/^HTTP\/1.1 4\d\d/)
    }
    expect((await fire(server, 'GET', '/ready')).status).toBe(200)
  })
})
