import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LOCAL } from '../../src/lib/actor.ts'
import { PACKAGE_ROOT } from '../../src/lib/package-root.ts'
import { addUser } from '../../src/server/identity/identity.service.ts'
import { fire } from '../harness/attacker.ts'
import { ENGINE, startTestServer, type TestServer } from '../harness/server.ts'

/** Accounts: nobody comes in by default, by guessing, or by a route that was forgotten (rows 62, 65-70, 75-79, 82, 83). */
let server: TestServer
let admin: string
let ada: string
let stella: string
const PASSWORD = 'correct horse battery'

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  await addUser(server.ctx, LOCAL, { name: 'root', password: PASSWORD, isAdmin: true })
  admin = await server.user('boss', { isAdmin: true })
  ada = await server.user('ada')
  stella = await server.user('stella')
  await server.request('POST', '/api/v1/projects', { body: { name: 'flood' }, token: ada })
})
afterAll(() => server.close())

const basic = (name: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
})

test('auth-default-creds: no name and password that are printed in a manual', async () => {
  for (const [name, password] of [
    ['admin', 'password1234'],
    ['root', ''],
    ['local', 'local'],
    ['', ''],
  ] as const) {
    // Both ways in ask the same check (one costs a tenth of a second).
    if (name === 'admin') {
      expect((await fire(server, 'GET', '/api/v1/tokens', { headers: basic(name, password) })).status).toBe(401)
      continue
    }
    const session = await server.request('POST', '/api/v1/session', { body: { name, password } })
    expect([400, 401], `${name}:${password}`).toContain(session.status)
  }
})

test('auth-weak-password: short ones are refused, at the field', async () => {
  for (const password of ['', '1', 'password', '123456789', 'é'.repeat(9), 'x'.repeat(1_025)]) {
    const made = await server.request('POST', '/api/v1/users', { body: { name: 'weak', password }, token: admin })
    expect([password, made.status], made.text).toEqual([password, 400])
    expect(made.body.error.field).toMatch(/password/)
  }
})

test('auth-empty-credentials: what is no credential is nobody', async () => {
  for (const authorization of [
    'Bearer',
    'Bearer ',
    'Bearer null',
    'Bearer undefined',
    'Bearer ty_',
    `Bearer ${ada.slice(0, -1)}`,
    `Bearer ${ada}x`,
    `Bearer ${ada.toUpperCase()}`,
    `Bearer ${'a'.repeat(10_000)}`,
    'Basic',
    'Basic Og==',
    'Basic !!!!',
    `Basic ${Buffer.from(`ada:${ada}\0`).toString('base64')}`,
    `Basic ${Buffer.from('ada').toString('base64')}`,
    'Digest username="ada"',
    `Token ${ada}`,
    `,Bearer ${ada}`,
  ]) {
    for (const path of [
      '/api/v1/tokens',
      '/mlflow/ada/flood/tracking/api/2.0/mlflow/experiments/get?experiment_id=0',
    ]) {
      const { status, text } = await fire(server, 'GET', path, { headers: { authorization } })
      expect([authorization.slice(0, 40), path, status], text).toEqual([authorization.slice(0, 40), path, 401])
    }
  }
})

test('auth-token-in-url: a token in a query or a path is none', async () => {
  for (const name of ['token', 'access_token', 'api_key', 'authorization', 'auth'])
    expect((await fire(server, 'GET', `/api/v1/tokens?${name}=${ada}`)).status).toBe(401)
  const door = '/tracking/api/2.0/mlflow/experiments/get?experiment_id=0'
  expect((await fire(server, 'GET', `/mlflow/ada/flood${door}&token=${ada}`)).status).toBe(401)
})

describe('anonymous', () => {
  test('anon-artifacts, anon-traces-jobs, anon-admin: every route asks for a token, but those on a short list', async () => {
    const open = new Set<string>()
    // Each remote procedure is registered at several places from one table; one of them is enough here.
    const routes = server.app.routeTable.filter(({ url }) => !/^\/ajax-api\/.*|^\/mlflow\/:owner/.test(url))
    for (const route of routes) {
      for (const method of [route.method].flat()) {
        if (!['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].includes(method)) continue
        const url = route.url
          .replace(':owner', 'ada')
          .replace(':project', 'flood')
          .replace(/:version\b/g, '1')
          .replace(/:[A-Za-z_]+(\([^)]*\))?|\*/g, 'x')
        const body = method === 'GET' ? undefined : '{}'
        const { status, text } = await fire(server, method, url, {
          body,
          headers: { 'content-type': 'application/json' },
        })
        expect(status, `${method} ${url} ${text}`).toBeLessThan(500)
        if (status !== 401) open.add(`${String(route.config?.permission)} ${route.url}`)
      }
    }
    // What is open says so in its declaration; a link of an artifact proves itself by its signature.
    expect([...open].filter((route) => !route.startsWith('public '))).toEqual([])
    expect(open.size).toBeGreaterThan(5)
    for (const url of ['/v1/traces', '/api/v1/users', '/api/2.0/mlflow/runs/create', '/api/v1/audit'])
      expect([...open].filter((route) => route.endsWith(` ${url}`))).toEqual([])
  })

  test('anon-admin: nobody is made an account by MLflow’s own calls', async () => {
    for (const path of ['users/create', 'users/update-admin', 'users/update-password', 'users/delete'])
      for (const method of ['POST', 'PATCH', 'DELETE'])
        expect([401, 404]).toContain(
          (await server.request(method, `/api/2.0/mlflow/${path}`, { body: { username: 'x' } })).status,
        )
    expect((await server.request('POST', '/api/v1/users', { body: { name: 'x', is_admin: true } })).status).toBe(401)
  })
})

test('idor-permissions: a member makes no one more than they are, a stranger no one anything', async () => {
  const members = '/api/v1/projects/ada/flood/members'
  const user = await server.user('uwe')
  await server.request('PUT', `${members}/uwe`, { body: { role: 'editor' }, token: ada })
  const tries: [string, string, unknown, string][] = [
    ['PUT', `${members}/uwe`, { role: 'owner' }, user],
    ['PUT', `${members}/stella`, { role: 'viewer' }, user],
    ['DELETE', `${members}/ada`, undefined, user],
    ['PATCH', '/api/v1/projects/ada/flood', { visibility: 'public' }, user],
    ['POST', '/api/v1/users', { name: 'evil', is_admin: true }, user],
    ['GET', '/api/v1/users', undefined, user],
    ['GET', '/api/v1/audit', undefined, user],
    ['POST', '/api/v1/reclaims', {}, user],
    ['PUT', `${members}/stella`, { role: 'owner' }, stella],
    ['PATCH', '/api/v1/projects/ada/flood', { visibility: 'public' }, stella],
  ]
  for (const [method, path, body, token] of tries) {
    const { status, text } = await server.request(method, path, { body, token })
    expect([403, 404], `${method} ${path} ${text}`).toContain(status)
  }
  // A token of another is not there, and a small token makes no greater one.
  const { body: made } = await server.request('POST', '/api/v1/tokens', { body: { name: 't' }, token: ada })
  expect((await server.request('DELETE', `/api/v1/tokens/${made.id}`, { token: stella })).status).toBe(404)
  expect((await server.request('GET', '/api/v1/me', { token: made.token })).body.name).toBe('ada')
  const reader = await server.request('POST', '/api/v1/tokens', { body: { name: 'r', scope: 'read' }, token: ada })
  for (const scope of ['write', 'admin']) {
    const more = await server.request('POST', '/api/v1/tokens', {
      body: { name: 'x', scope },
      token: reader.body.token,
    })
    expect([scope, more.status]).toEqual([scope, 403])
  }
  const write = await server.request('POST', '/mlflow/ada/flood/tracking/api/2.0/mlflow/runs/create', {
    body: { experiment_id: '0' },
    token: reader.body.token,
  })
  expect(write.status).toBe(403)
})

test('session-after-logout, token-revoked: what was ended opens nothing in the same moment', async () => {
  const signed = await server.request('POST', '/api/v1/session', { body: { name: 'root', password: PASSWORD } })
  const cookie = signed.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const tokens = () => fire(server, 'GET', '/api/v1/tokens', { headers: { cookie } })
  expect((await tokens()).status).toBe(200)
  await fire(server, 'DELETE', '/api/v1/session', { headers: { cookie } })
  expect((await tokens()).status).toBe(401)
  const { body: made } = await server.request('POST', '/api/v1/tokens', { body: { name: 't' }, token: ada })
  const me = () => server.request('GET', '/api/v1/tokens', { token: made.token })
  expect((await me()).status).toBe(200)
  await server.request('DELETE', `/api/v1/tokens/${made.id}`, { token: ada })
  expect((await me()).status).toBe(401)
})

describe('what lies on the disk', () => {
  test('db-dump: no token, password or session can be read in the database', async () => {
    const signed = await server.request('POST', '/api/v1/session', { body: { name: 'root', password: PASSWORD } })
    const cookie = signed.headers.getSetCookie()[0]?.split(';')[0]?.split('=')[1] ?? ''
    expect(cookie.length).toBeGreaterThan(20)
    const tables = await server.ctx.db.introspection.getTables()
    let dump = ''
    for (const { name } of tables) {
      const rows = await server.ctx.db
        .selectFrom(name as 'users')
        .selectAll()
        .execute()
      dump += JSON.stringify(rows, (_key, value) => (typeof value === 'bigint' ? String(value) : value))
    }
    expect(dump).toContain('stella')
    for (const secret of [ada, stella, admin, PASSWORD, cookie, decodeURIComponent(cookie)])
      expect(dump.includes(secret)).toBe(false)
    if (ENGINE === 'sqlite') {
      const bytes = readdirSync(server.folder)
        .filter((name) => name.startsWith('trainyard.db'))
        .map((name) => readFileSync(join(server.folder, name)).toString('latin1'))
        .join('')
      for (const secret of [ada, PASSWORD, cookie]) expect(bytes.includes(secret)).toBe(false)
    }
  })

  test('secrets-constant-time: what makes a signature or a password hash compares none with ===', () => {
    const folder = join(PACKAGE_ROOT, 'src')
    const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /(?<!\.test)\.ts$/.test(name))
      .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }))
      .filter(({ text }) => /\b(createHmac|scrypt)\w*\(/.test(text))
    expect(sources.length).toBeGreaterThan(1)
    const compares =
      /\b(signature|digest|hash|expected|actual|mac|said|right)\w*\s*(===|!==)\s*(?!null|undefined|'')|timingSafeEqual/
    for (const { name, text } of sources) {
      if (compares.test(text)) expect([name, text.includes('timingSafeEqual(')]).toEqual([name, true])
    }
    expect(
      sources
        .filter(({ text }) => text.includes('timingSafeEqual('))
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['server/artifacts/links.service.ts', 'server/identity/passwords.ts'])
  })
})
