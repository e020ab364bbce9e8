import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

describe('without accounts', () => {
  it('everything belongs to local', async () => {
    expect((await server.request('GET', '/api/v1/me')).body).toMatchObject({
      kind: 'local',
      name: 'local',
      is_admin: true,
    })
    const made = await server.request('POST', '/api/v1/projects', { body: { name: 'census' } })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ owner: 'local', name: 'census', visibility: 'private', role: 'owner' })
    expect((await server.request('POST', '/api/v1/projects', { body: { name: 'census' } })).status).toBe(409)
  })

  it('the default project is there before anything was logged', async () => {
    expect((await server.request('GET', '/api/v1/projects/local/default')).body).toMatchObject({ name: 'default' })
    expect((await server.request('GET', '/api/v1/projects/other/default')).status).toBe(404)
  })

  it('names the field at fault', async () => {
    const unknown = await server.request('POST', '/api/v1/projects', { body: { name: 'x', colour: 'red' } })
    expect(unknown.status).toBe(400)
    expect(unknown.body.error).toMatchObject({ code: 'bad_request', field: 'body.colour' })
    const wrongType = await server.request('POST', '/api/v1/projects', { body: { name: 7 } })
    expect(wrongType.body.error.field).toBe('body.name')
    const malformed = await server.request('POST', '/api/v1/projects', {
      body: '{"name":',
      headers: { 'content-type': 'application/json' },
    })
    expect(malformed.status).toBe(400)
    const slug = await server.request('POST', '/api/v1/projects', { body: { name: 'No Spaces' } })
    expect(slug.body.error.field).toBe('name')
  })

  it('refuses a foreign Host and a foreign Origin', async () => {
    const foreign = await server.request('POST', '/api/v1/projects', {
      body: { name: 'evil' },
      headers: { origin: 'https://evil.example' },
    })
    expect(foreign.status).toBe(403)
    const cross = await server.request('DELETE', '/api/v1/session', { headers: { 'sec-fetch-site': 'cross-site' } })
    expect(cross.status).toBe(403)
  })
})

describe('with accounts', () => {
  it('shows each actor what they may see and no more', async () => {
    const owner = await server.user('ada')
    const editor = await server.user('edgar')
    const stranger = await server.user('stella')
    await server.request('POST', '/api/v1/projects', { body: { name: 'flood' }, token: owner })
    const url = '/api/v1/projects/ada/flood'
    expect((await server.request('GET', url)).status).toBe(401)
    expect((await server.request('GET', url)).headers.get('www-authenticate')).toContain('Bearer')
    expect((await server.request('GET', url, { token: stranger })).status).toBe(404)
    expect((await server.request('GET', '/api/v1/projects/ada/none')).status).toBe(401)
    expect(
      (await server.request('PUT', `${url}/members/edgar`, { token: owner, body: { role: 'viewer' } })).status,
    ).toBe(200)
    expect((await server.request('GET', url, { token: editor })).body.role).toBe('viewer')
    expect((await server.request('PATCH', url, { token: editor, body: { description: 'mine' } })).status).toBe(403)
    expect((await server.request('GET', '/api/v1/projects', { token: stranger })).body.projects).toEqual([])
    expect((await server.request('PATCH', url, { token: owner, body: { visibility: 'public' } })).status).toBe(200)
    expect((await server.request('GET', url)).status).toBe(200)
  })
})
