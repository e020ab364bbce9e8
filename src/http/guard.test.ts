import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { sendRaw } from '../../tests/harness/raw.ts'
import { startTestServer, type TestServer } from '../../tests/harness/server.ts'

let server: TestServer
let ada: string
beforeAll(async () => {
  server = await startTestServer()
  ada = await server.user('ada', { isAdmin: true })
  await server.request('POST', '/api/v1/projects', { body: { name: 'flood' }, token: ada })
})
afterAll(() => server.close())

const flood = '/api/v1/projects/ada/flood'

async function raw(line: string, headers: Record<string, string> = {}, body = '') {
  const head = Object.entries({ host: '127.0.0.1', connection: 'close', ...headers }).map(([k, v]) => `${k}: ${v}\r\n`)
  const { text } = await sendRaw(server.url, `${line} HTTP/1.1\r\n${head.join('')}\r\n${body}`)
  return { status: Number(text.slice(9, 12)), text, location: /^location: (.*)\r$/im.exec(text)?.[1] }
}

describe('URLs', () => {
  it('never lead to another site', async () => {
    for (const path of [
      '/mlflow//evil.example/tracking',
      '/mlflow/%2f/evil.example/tracking',
      '/mlflow/%5c/e.example/tracking',
    ]) {
      const answer = await raw(`GET ${path}`, { accept: 'text/html' })
      expect([answer.status, answer.location]).toEqual([404, undefined])
    }
    expect((await raw('GET /mlflow/ada/flood/tracking', { accept: 'text/html' })).location).toBe('/ada/flood/runs')
  })

  it('that hold what no name can hold are the caller’s mistake, on every door', async () => {
    for (const path of [
      '/api/v1/projects/a%00b/x',
      `${flood}/runs?filter=a%00`,
      `${flood}/runs?%00=a`,
      '/api/2.0/mlflow/runs/get?run_id=%00',
      '/api/2.0/mlflow-artifacts/artifacts/a%00b',
      '/endpoints/ada/flood/a%00b/ping',
      '/api/stac/collections/dataset/items/%00',
      '/api/v1/projects/%ff/x',
      '/api/v1/projects/%zz/x',
      `/api/v1/projects/${'a'.repeat(3000)}/x`,
    ])
      expect([path.slice(0, 60), (await raw(`GET ${path}`, { authorization: `Bearer ${ada}` })).status]).toEqual([
        path.slice(0, 60),
        400,
      ])
    expect((await raw(`GET /${'a'.repeat(20_000)}`)).status).toBe(431)
    expect((await raw('NONSENSE /')).text).toContain('"code":"bad_request"')
  })

  it('do not reach files beside the web UI', async () => {
    for (const path of [
      '/assets/..%2f..%2fpackage.json',
      '/assets/%2e%2e/%2e%2e/package.json',
      '/assets/../../package.json',
    ])
      expect((await raw(`GET ${path}`)).text).not.toContain('trainyard"')
  })
})

describe('bodies', () => {
  const post = (body: string, headers: Record<string, string> = {}) =>
    raw(
      'POST /api/v1/projects',
      {
        authorization: `Bearer ${ada}`,
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
        ...headers,
      },
      body,
    )

  it('and queries hold whole numbers that can be kept exactly', async () => {
    for (const before of ['1e308', '9223372036854775808', '9007199254740993', '-9223372036854775809'])
      expect((await raw(`GET ${flood}/events?before=${before}`, { authorization: `Bearer ${ada}` })).text).toContain(
        '"field":"querystring.before"',
      )
    const body = { name: 'x', model: 'y', version: 2 ** 63 }
    const answer = await server.request('POST', `${flood}/endpoints`, { body, token: ada })
    expect([answer.status, answer.body.error.field]).toEqual([400, 'body.version'])
  })

  it('are JSON, or refused', async () => {
    expect((await post('{"name":"a"}', { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await post('name=a', { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(415)
    expect((await post('{"name":"a"}', { 'content-encoding': 'gzip' })).status).toBe(415)
    expect((await post('{"name":')).text).toContain('not valid JSON')
    expect((await post('')).status).toBe(400)
    expect((await post(`{"description":${'['.repeat(50_000)}`)).text).toContain('nested deeper')
    expect((await post('{"__proto__":{"name":"a"}}')).text).toContain('__proto__')
    const nul = await post('{"name":"a","description":"x\\u0000"}')
    expect([nul.status, nul.text.includes('"field":"body.description"')]).toEqual([400, true])
  })
})

describe('headers', () => {
  it('hold one Host', async () => {
    expect((await raw('GET /health', { Host: 'other.example' })).status).toBe(400)
  })

  it('keep answers out of caches and of other sites’ pages', async () => {
    const { headers } = await server.request('GET', '/api/v1/me', { token: ada })
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })

  it('ask a page for no password of the browser’s own window', async () => {
    const inPage = await server.request('GET', flood, { headers: { 'sec-fetch-mode': 'cors' } })
    expect([inPage.status, inPage.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="trainyard"'])
    expect((await raw(`GET ${flood}`)).text).toContain('Basic realm="trainyard"')
  })

  it('name one project, or none', async () => {
    const named = (workspace: string) =>
      server.request('GET', '/api/2.0/mlflow/experiments/get?experiment_id=0', {
        token: ada,
        headers: { 'x-mlflow-workspace': workspace },
      })
    expect((await named('ada--flood')).status).toBe(200)
    for (const workspace of ['ada--flood--x', 'ada', '--', 'ada--', "ada--flood' OR '1'='1", '../ada--flood'])
      expect([workspace, (await named(workspace)).status]).toEqual([workspace, 404])
  })
})

it('metrics are for this machine, and for whoever has a token', async () => {
  expect((await server.request('GET', '/metrics')).status).toBe(200)
  // Through a proxy on this machine the address is loopback too.
  const proxied = { 'x-forwarded-for': '127.0.0.1' }
  expect((await server.request('GET', '/metrics', { headers: proxied })).status).toBe(401)
  expect((await server.request('GET', '/metrics', { headers: proxied, token: ada })).status).toBe(200)
})

describe('a live stream', () => {
  it('ends when its reader may no longer read', async () => {
    const vera = await server.user('vera')
    await server.request('PUT', `${flood}/members/vera`, { body: { role: 'viewer' }, token: ada })
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const answer = await fetch(`${server.url}${flood}/events/stream`, {
        headers: { authorization: `Bearer ${vera}` },
      })
      const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
      /** Events of what was done before may come first: reads on until the text is there. */
      const saw = async (text: string) => {
        for (let part = await reader.read(); !part.value?.includes(text); part = await reader.read())
          expect(part.done).toBe(false)
      }
      await saw(': connected')
      await vi.advanceTimersByTimeAsync(15_000)
      await saw(': keep-alive')
      await server.request('DELETE', `${flood}/members/vera`, { token: ada })
      await vi.advanceTimersByTimeAsync(15_000)
      for (let part = await reader.read(); !part.done; part = await reader.read())
        expect(part.value).not.toContain('keep-alive')
    } finally {
      vi.useRealTimers()
    }
  })

  it('does not hold a connection for a HEAD', async () => {
    expect((await server.request('HEAD', `${flood}/events/stream`, { token: ada })).status).toBe(404)
  })
})
