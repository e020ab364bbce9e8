import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fire } from '../harness/attacker.ts'
import { ARTIFACTS, type MlflowApi, mlflowApi } from '../harness/mlflow.ts'
import { sendRaw } from '../harness/raw.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'

/**
 * A page of the attacker's, open in the browser of somebody who uses this server: without accounts, so that nothing but
 * where a request comes from stands between the page and everything (rows 23, 53-61, 64, 89, 108-110).
 */
let server: TestServer
let api: MlflowApi
let run: string
let port: string
const EVIL = 'http://evil.example'
const UNSAFE = ['POST', 'PUT', 'PATCH', 'DELETE']

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  api = mlflowApi(server)
  run = await api.run()
  port = new URL(server.url).port
})
afterAll(() => server.close())

/** Everything that a request could have changed. */
async function state(): Promise<string> {
  const answers = await Promise.all([
    api.post('runs/search', { experiment_ids: ['0'], run_view_type: 'ALL' }),
    api.post('experiments/search', { view_type: 'ALL', max_results: 1000 }),
    server.request('GET', '/api/v1/projects'),
    server.request('GET', '/api/v1/projects/local/default/models'),
  ])
  return answers.map((answer) => answer.text).join('\n')
}

/** Every route that changes something, with names in the places of its parameters. */
function unsafeRoutes(): [string, string][] {
  return server.app.routeTable.flatMap((route) =>
    [route.method]
      .flat()
      .filter((method) => UNSAFE.includes(method))
      .map((method): [string, string] => [
        method,
        route.url
          .replace(':owner', 'local')
          .replace(':project', 'default')
          .replace(/:[A-Za-z_]+|\*/g, 'x'),
      ]),
  )
}

describe('CSRF', () => {
  test('csrf-json-evil-origin, csrf-delete-methods: no route of the house takes a change from another site', async () => {
    const routes = unsafeRoutes()
    expect(routes.length).toBeGreaterThan(200)
    const taken: string[] = []
    for (const [method, url] of routes) {
      const json = { 'content-type': 'application/json' }
      const { status } = await fire(server, method, url, { body: '{}', headers: { ...json, origin: EVIL } })
      if (status !== 403) taken.push(`${method} ${url} ${status}`)
      if (!url.startsWith('/api/v1')) continue
      const bySite = await fire(server, method, url, {
        body: '{}',
        headers: { ...json, 'sec-fetch-site': 'cross-site' },
      })
      if (bySite.status !== 403) taken.push(`${method} ${url} ${bySite.status} by its site`)
    }
    expect(taken).toEqual([])
  })

  test('csrf-json-evil-origin: origins that only look like ours', async () => {
    const before = await state()
    for (const origin of [
      'null',
      '',
      'http://127.0.0.1',
      `https://127.0.0.1.evil.example:${port}`,
      `http://127.0.0.1:${port}.evil.example`,
      `http://evil.example:${port}`,
      `http://127.0.0.1@evil.example:${port}`,
      `http://[::1]:${port}`,
      'file://',
      'chrome-extension://abc',
      'nonsense',
    ]) {
      const headers = { 'content-type': 'application/json', origin }
      const body = JSON.stringify({ name: 'evil' })
      for (const path of ['/api/2.0/mlflow/experiments/create', '/api/v1/projects'])
        expect([origin, (await fire(server, 'POST', path, { body, headers })).status]).toEqual([origin, 403])
    }
    expect(await state()).toBe(before)
  })

  test('csrf-json-evil-ua, csrf-no-content-type: neither a browser’s name nor a missing type opens the door', async () => {
    const before = await state()
    for (const headers of [
      { 'user-agent': 'mlflow-python-client/3.17.2', 'content-type': 'application/json', origin: EVIL },
      { 'user-agent': 'curl/8', origin: EVIL },
      { origin: EVIL, cookie: 'trainyard_session=x' },
      { 'sec-fetch-site': 'same-site', 'content-type': 'application/json' },
      { 'sec-fetch-site': 'cross-site' },
    ] as Record<string, string>[]) {
      for (const path of ['/api/2.0/mlflow/runs/create', '/api/v1/projects'])
        expect((await fire(server, 'POST', path, { body: '{"name":"x","experiment_id":"0"}', headers })).status).toBe(
          403,
        )
    }
    expect(await state()).toBe(before)
  })

  // What a form or a fetch of an old browser may send without asking, and without an Origin.
  test('csrf-text-plain, csrf-text-plain-charset, csrf-no-content-type: a simple request is not read as JSON', async () => {
    const before = await state()
    for (const type of [
      'text/plain',
      'text/plain;charset=application/json',
      'text/plain; application/json',
      'text/plain;charset=UTF-8',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=application/json',
      'TEXT/PLAIN',
      '\ttext/plain',
      undefined,
    ]) {
      const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type }
      for (const [path, body] of [
        ['/api/2.0/mlflow/experiments/create', { name: 'evil' }],
        ['/api/2.0/mlflow/runs/create', { experiment_id: '0' }],
        ['/api/2.0/mlflow/runs/delete', { run_id: run }],
        ['/ajax-api/2.0/mlflow/registered-models/create', { name: 'evil' }],
        ['/api/v1/projects', { name: 'evil' }],
      ] as const) {
        const answer = await fire(server, 'POST', path, { body: JSON.stringify(body), headers })
        expect([400, 415], `${type} ${path} ${answer.text}`).toContain(answer.status)
      }
    }
    expect(await state()).toBe(before)
  })

  test('proto-content-type: an odd spelling of JSON is JSON with all its checks, or refused', async () => {
    for (const type of [
      'application/JSON',
      ' application/json',
      'application/json\t; charset=utf-8',
      'application/json;charset="x',
      'application/json, text/plain',
      'application/jsonx',
      'application /json',
    ]) {
      const answer = await fire(server, 'POST', '/api/v1/projects', {
        body: '{"name":5,"evil":true}',
        headers: { 'content-type': type },
      })
      expect([400, 415], `${type} ${answer.text}`).toContain(answer.status)
    }
  })

  test('csrf-put-artifact: no file is put from another site', async () => {
    const url = `${ARTIFACTS}/0/${run}/artifacts/evil.html`
    for (const headers of [{ origin: EVIL }, { 'sec-fetch-site': 'cross-site' }] as Record<string, string>[]) {
      expect((await fire(server, 'PUT', url, { body: 'x', headers })).status).toBe(403)
      const upload = `/ajax-api/2.0/mlflow/upload-artifact?run_uuid=${run}&path=evil.html`
      expect((await fire(server, 'POST', upload, { body: 'x', headers })).status).toBe(403)
      expect((await fire(server, 'DELETE', url, { headers })).status).toBe(403)
    }
    expect((await api.get(url)).status).toBe(404)
  })

  test('csrf-signup: there is no form that makes an account', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    for (const path of ['/signup', '/users/create', '/api/2.0/mlflow/users/create', '/mlflow/users/create-ui'])
      expect(
        (await fire(server, 'POST', path, { body: 'username=evil&password=evilevil12', headers: form })).status,
      ).toBe(404)
    const users = await fire(server, 'POST', '/api/v1/users', { body: 'name=evil', headers: form })
    expect(users.status).toBe(415)
  })

  test('csrf-get: nothing is changed by a GET', async () => {
    const writing = server.app.routeTable.filter(
      ({ method, config }) => [method].flat().includes('GET') && ['write'].includes(String(config?.permission)),
    )
    expect(writing.map((route) => route.url)).toEqual([])
    const before = await state()
    for (const path of [
      `runs/delete?run_id=${run}`,
      'experiments/create?name=evil',
      'registered-models/create?name=evil',
    ])
      expect((await fire(server, 'GET', `/api/2.0/mlflow/${path}`)).status).toBe(404)
    expect(await state()).toBe(before)
  })
})

describe('hosts (DNS rebinding)', () => {
  const paths = [
    '/',
    '/api/v1/projects',
    '/api/2.0/mlflow/experiments/get?experiment_id=0',
    `${ARTIFACTS}?path=0`,
    '/health',
  ]
  for (const [what, methods] of [
    ['read', ['GET', 'HEAD']],
    ['write', ['POST', 'PUT', 'DELETE']],
  ] as const) {
    test(`host-evil-${what}: a name that came to point here is not answered`, async () => {
      for (const method of methods) {
        for (const path of paths) {
          for (const host of [
            'evil.example',
            `evil.example:${port}`,
            '127.0.0.1.evil.example',
            'localhost.',
            '169.254.169.254',
            '127.1',
          ]) {
            const answer = await fire(server, method, path, { headers: { host } })
            expect([403, 404, 421], `${method} ${path} ${host}`).toContain(answer.status)
            expect(answer.text).not.toMatch(/lifecycle_stage|tracking_uri|"files"/)
            if (method !== 'HEAD' && path !== '/') expect(answer.text).toContain('does not answer for the host')
          }
        }
      }
    })
  }

  test('host-absolute-form: a whole URL in the request line is not fetched, and its host is not believed', async () => {
    for (const head of [
      `GET http://169.254.169.254/latest/meta-data HTTP/1.1\r\nHost: 127.0.0.1`,
      `GET http://evil.example/api/v1/projects HTTP/1.1\r\nHost: evil.example`,
      `CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: 127.0.0.1`,
      'GET /api/v1/projects HTTP/1.1\r\nHost: evil.example\r\nHost: 127.0.0.1',
      'GET /api/v1/projects HTTP/1.1',
      'GET /api/v1/projects HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: 127.0.0.1',
      'GET * HTTP/1.1\r\nHost: 127.0.0.1',
    ]) {
      const { text } = await sendRaw(server.url, `${head}\r\nConnection: close\r\n\r\n`)
      expect(text, head).not.toMatch(/^HTTP\/1.1 (2|5)/)
    }
  })

  test('host-forwarded-poison: no header of a stranger becomes part of a link', async () => {
    const headers = {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      forwarded: 'host=evil.example',
      'x-original-url': '/evil',
      'x-forwarded-prefix': '//evil.example',
    }
    for (const path of [
      '/api/config/',
      '/api/stac',
      '/api/v1/openapi.json',
      '/api/v1/me',
      '/mlflow/local/default/tracking',
      '/',
    ]) {
      const answer = await fire(server, 'GET', path, { headers: { ...headers, accept: 'text/html, */*' } })
      expect(answer.status, path).toBeLessThan(500)
      expect(answer.text + JSON.stringify(answer.headers), path).not.toContain('evil.example')
    }
  })
})

describe('CORS', () => {
  const grants = (headers: Record<string, unknown>) =>
    Object.keys(headers).filter((name) => name.startsWith('access-control-'))

  test('cors-read, cors-preflight: no answer is for another site’s page, with a cookie or without', async () => {
    for (const path of [
      '/api/v1/projects',
      '/api/v1/me',
      '/api/2.0/mlflow/experiments/get?experiment_id=0',
      '/api/stac',
      '/health',
      '/version',
      '/',
    ]) {
      for (const origin of [EVIL, 'null', `http://evil.127.0.0.1:${port}`]) {
        for (const extra of [{}, { cookie: 'trainyard_session=x' }] as Record<string, string>[]) {
          const read = await fire(server, 'GET', path, { headers: { origin, ...extra } })
          const asked = await fire(server, 'OPTIONS', path, {
            headers: {
              origin,
              'access-control-request-method': 'DELETE',
              'access-control-request-headers': 'authorization',
              ...extra,
            },
          })
          expect([path, origin, grants(read.headers), grants(asked.headers)]).toEqual([path, origin, [], []])
          expect(read.headers['cross-origin-resource-policy'], path).toBe('same-origin')
        }
      }
    }
  })
})

describe('pages', () => {
  test('hdr-csp: the page runs its own scripts only, and nobody frames it', async () => {
    for (const path of ['/', '/local/default/runs', '/%3Cscript%3E', '/x?y=<script>']) {
      const { headers, status } = await fire(server, 'GET', path, { headers: { accept: 'text/html' } })
      expect([path, status]).toEqual([path, 200])
      const csp = String(headers['content-security-policy'])
      for (const rule of [
        "default-src 'self'",
        "script-src 'self'",
        "object-src 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
      ])
        expect(csp).toContain(rule)
      expect(csp).not.toMatch(/script-src[^;]*(unsafe|http|\*)|report-only/)
      expect(headers['content-security-policy-report-only']).toBeUndefined()
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'same-origin',
        'cross-origin-opener-policy': 'same-origin',
      })
    }
  })

  test('open-redirect: no parameter and no path sends a browser elsewhere', async () => {
    for (const path of [
      '/?_target_url=https://evil.example',
      '/?next=//evil.example',
      '/api/v1/session?redirect=https://evil.example',
      '//evil.example',
      '//evil.example/%2e%2e',
      '/\\evil.example',
      '/mlflow/evil.example/x/tracking?next=//evil.example',
      '/%5cevil.example',
      '/.evil.example',
    ]) {
      const { headers, status } = await fire(server, 'GET', path, { headers: { accept: 'text/html' } })
      expect(status, path).toBeLessThan(500)
      expect(String(headers.location ?? ''), path).not.toContain('//')
    }
  })

  test('xss-reflect-error: an error is JSON whatever a page asks for', async () => {
    for (const path of [
      '/api/v1/<script>',
      '/api/2.0/mlflow/<img src=x>',
      '/mlflow/<b>/x/tracking/api',
      '/api/v1/projects/<b>/x',
      '/health/<b>',
    ]) {
      for (const method of ['GET', 'POST']) {
        const answer = await fire(server, method, encodeURI(path), {
          headers: { 'content-type': '<script>', 'x-mlflow-workspace': '<b>', accept: 'application/json' },
        })
        expect(answer.status).toBeGreaterThanOrEqual(400)
        expect(answer.headers['content-type'], path).toMatch(/^application\/json/)
        expect(answer.headers['x-content-type-options']).toBe('nosniff')
      }
    }
  })
})
