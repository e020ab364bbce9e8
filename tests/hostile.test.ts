import { afterAll, beforeAll, expect, it } from 'vitest'
import { bytesOf, HOSTILE_TEXTS, hostileValue, pick, random, sample, spoiled } from './harness/hostile.ts'
import { MLFLOW_MESSAGES } from './harness/mlflow-messages.ts'
import { flower, flowers, watchedEndpoint } from './harness/monitoring.ts'
import { startTestServer, type TestServer } from './harness/server.ts'
import { ASSESSMENT_ID, TRACE_ID, TRACE_MESSAGES } from './harness/trace-messages.ts'

/**
 * Every route of the house, fired with what no honest client sends: fields of another type, missing, huge, negative, with
 * NUL, quotes, percent signs and SQL. None may answer 5xx, take the server down, or keep it from answering others.
 * More rounds: HOSTILE_ROUNDS=20; other requests: HOSTILE_SEED=7.
 */
const ROUNDS = Number(process.env.HOSTILE_ROUNDS ?? 3)
const SEED = Number(process.env.HOSTILE_SEED ?? 1)
/** Processor time that one answer takes of the thread that all others wait for, however loaded the machine is. */
const MAX_BUSY_MS = 200
/** The first request of a kind loads and compiles what it needs, once; sent again, it keeps within the other limit. */
const MAX_FIRST_MS = 500

let server: TestServer
let token: string
const known: Record<string, unknown> = { owner: 'local', project: 'default' }

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  const watched = await watchedEndpoint(server, 'flowers', { test: flowers(30, 3) })
  const base = '/api/v1/projects/local/default'
  const predicted = await server.request('POST', `${base}/endpoints/flowers/predict`, { body: { rows: [ROW] } })
  await server.request('PUT', `${base}/endpoints/flowers/policy`, { body: { threshold: 0.9 } })
  const artifacts = `/api/2.0/mlflow-artifacts/artifacts/0/${watched.runId}/artifacts/a.txt`
  await fetch(server.url + artifacts, { method: 'PUT', body: 'text' })
  const logged = await server.request('POST', '/api/2.0/mlflow/logged-models', {
    body: { experiment_id: '0', name: 'm', source_run_id: watched.runId },
  })
  const traces = '/api/3.0/mlflow/traces'
  await server.request('POST', traces, { body: TRACE_MESSAGES['/traces'] })
  const evaluation = await server.request('POST', '/api/3.0/mlflow/datasets/create', { body: { name: 'd' } })
  const dataset = await server.request('GET', `${base}/datasets/flowers/versions/1`)
  Object.assign(known, {
    run: watched.runId,
    run_id: watched.runId,
    job: watched.jobId,
    name: 'flowers',
    model: 'flowers',
    endpoint: 'flowers',
    dataset: 'flowers@1',
    source: 'flowers@1',
    version: 1,
    alias: 'champion',
    path: 'train.csv',
    file: 'train.csv',
    sha256: dataset.body.files[0].sha256,
    size_bytes: dataset.body.files[0].size_bytes,
    sql: 'SELECT * FROM data',
    rows: [ROW],
    prediction_id: predicted.body.predictions[0].id,
    model_id: logged.body.model.info.model_id,
    experiment_id: '0',
    trace: TRACE_ID,
    trace_id: TRACE_ID,
    assessment_id: ASSESSMENT_ID,
    dataset_id: evaluation.body.dataset.dataset_id,
    collection: 'ai-model',
    filter: 'metrics.a > 1',
    tag_key: 'k',
  })
  // From here on there are accounts, else the first user that a request adds locks all others out.
  token = await server.user('boss', { isAdmin: true })
})
afterAll(() => server.close())

const { kind: _kind, ...ROW } = flower(1)

type Route = TestServer['app']['routeTable'][number]
type Shot = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  url: string
  body: string | undefined
  headers: Record<string, string>
}

/** As a query carries it; a spoiled value may have no text of its own (`{toString: 1}`). */
function asText(value: unknown): string {
  return typeof value === 'object' ? (JSON.stringify(value) ?? '') : String(value)
}

function url(next: () => number, route: Route, query: Record<string, unknown>): string {
  const path = route.url.replace(/:([A-Za-z0-9_]+)|\*/g, (_all, name: string | undefined) => {
    const value = next() < 0.93 ? String(known[name ?? 'path'] ?? 'absent') : pick(next, HOSTILE_TEXTS).slice(0, 3_000)
    return encodeURIComponent(value.toWellFormed())
  })
  const pairs = Object.entries(query).flatMap(([key, value]) =>
    [value]
      .flat()
      .map((one) => `${encodeURIComponent(key.toWellFormed())}=${encodeURIComponent(asText(one).toWellFormed())}`),
  )
  return `${path}?${pairs.join('&')}`.slice(0, 12_000)
}

/** The message of an RPC, of a door that takes bytes, or of the schema. */
function messageOf(next: () => number, route: Route): unknown {
  const rpc = /\/mlflow(\/.*)$/.exec(route.url.replace('/mlflow/:owner/:project/tracking', ''))?.[1]
  const message = rpc === undefined ? undefined : MLFLOW_MESSAGES[rpc]
  if (message !== undefined)
    return Object.fromEntries(Object.entries(message).map(([key, value]) => [key, known[key] ?? value]))
  if (route.url.endsWith('/invocations')) return { dataframe_records: [ROW] }
  if (route.url.endsWith('/infer'))
    return {
      inputs: Object.entries(ROW).map(([name, value]) => ({ name, shape: [1, 1], datatype: 'FP64', data: [value] })),
    }
  const schema = route.schema?.body as object | undefined
  return schema === undefined || 'content' in schema ? undefined : sample(next, schema, known)
}

function shot(next: () => number, route: Route): Shot {
  const method = pick(
    next,
    [route.method].flat().filter((one) => !['HEAD', 'OPTIONS', 'TRACE'].includes(one)),
  ) as Shot['method']
  const message = messageOf(next, route)
  const schema = route.schema?.querystring as object | undefined
  let query: Record<string, unknown> = {}
  if (schema !== undefined) query = sample(next, schema, known) as Record<string, unknown>
  else if (method === 'GET' && message !== undefined) query = message as Record<string, unknown>
  if (next() < 0.5) query = Object(spoiled(next, query)) as Record<string, unknown>
  const text =
    method === 'GET' ? undefined : bytesOf(message === undefined ? hostileValue(next) : spoiled(next, message))
  const type =
    next() < 0.97 ? 'application/json' : pick(next, ['text/csv', 'application/octet-stream', 'text/plain', ''])
  return {
    method,
    url: url(next, route, query),
    body: text === undefined ? undefined : next() < 0.03 ? text.slice(0, -1) : text,
    headers: text === undefined ? {} : { 'content-type': type },
  }
}

/** What removes or renames things comes last, so that the others find what they name. */
function isDestructive(route: Route): boolean {
  return route.method === 'DELETE' || /delete|rename|session/.test(route.url)
}

function ordinary(route: Route): boolean {
  if (/\/stream$|^\/assets|artifacts\/\*|\/blobs\/:sha256|\/mpu\//.test(route.url)) return false
  return [route.method].flat().some((method) => !['HEAD', 'OPTIONS', 'TRACE'].includes(method))
}

async function fire(one: Shot): Promise<{ status: number; text: string; busyMs: number }> {
  const before = process.threadCpuUsage()
  const { status, text } = await server.request(one.method, one.url, { ...one, token })
  const { user, system } = process.threadCpuUsage(before)
  return { status, text, busyMs: (user + system) / 1000 }
}

it('no request makes the server fail, fall or stall', async () => {
  const next = random(SEED)
  const routes = server.app.routeTable.filter(ordinary).filter((route) => !/^\/ajax-api|tracking\//.test(route.url))
  const order = [...routes.filter((route) => !isDestructive(route)), ...routes.filter(isDestructive)]
  // One of a kind is enough to read.
  const broken = new Map<string, string>()
  const slow = new Map<string, string>()
  let [fired, accepted] = [0, 0]
  for (const route of order) {
    const perRoute = (route.schema?.body !== undefined || route.url.includes('/mlflow/') ? 12 : 5) * ROUNDS
    for (let i = 0; i < perRoute; i++) {
      const one = shot(next, route)
      const { status, text, busyMs } = await fire(one)
      const said = `${one.method} ${one.url.slice(0, 200)} ${one.body?.slice(0, 300)}`
      fired += 1
      if (status < 300) accepted += 1
      if (status >= 500 && status !== 501 && status !== 503)
        broken.set(route.url, `${status} ${said} -> ${text.slice(0, 200)}`)
      if (busyMs > MAX_FIRST_MS || (busyMs > MAX_BUSY_MS && (await fire(one)).busyMs > MAX_BUSY_MS))
        slow.set(route.url, `${Math.round(busyMs)} ms ${said}`)
    }
  }
  if (process.env.HOSTILE_ROUNDS !== undefined) console.log(`${fired} requests, ${accepted} accepted`)
  expect([...broken.values()]).toEqual([])
  expect([...slow.values()]).toEqual([])
  expect((await server.request('GET', '/ready')).status).toBe(200)
  // Else the requests are so spoiled that none comes past the first check.
  expect(accepted / fired).toBeGreaterThan(0.08)
}, 300_000)
