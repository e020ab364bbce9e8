import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fillCatalogue } from '../../../../tests/harness/catalogue.ts'
import { startTestServer, type TestServer } from '../../../../tests/harness/server.ts'

let server: TestServer
let owner = ''
let stranger = ''

// biome-ignore lint/suspicious/noExplicitAny: documents of an open format
type Any = any
const get = async (path: string, token?: string) => server.request('GET', `/api/stac${path}`, { token })
const rel = (document: Any, name: string): string[] =>
  document.links.filter((link: Any) => link.rel === name).map((link: Any) => link.href)

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  ;({ owner, stranger } = await fillCatalogue(server))
})
afterAll(() => server.close())

describe('search', () => {
  it('pages to the end without repeating, by GET and by POST', async () => {
    for (const sortby of ['', '&sortby=title', '&sortby=-version', '&sortby=%2Bid']) {
      const ids: string[] = []
      for (let url: string | undefined = `/api/stac/search?limit=2${sortby}`; url !== undefined; ) {
        const { body } = await server.request('GET', url, { token: owner })
        expect(body.numberMatched).toBe(6)
        ids.push(...body.features.map((item: Any) => item.id))
        url = rel(body, 'next')[0]?.slice(server.url.length)
      }
      expect(ids).toHaveLength(6)
      expect(new Set(ids).size).toBe(6)
      if (sortby === '&sortby=%2Bid') {
        const plain = ids.filter((id) => !/-[0-9a-f]{6}-v1$/.test(id))
        expect(plain).toEqual([...plain].sort())
      }
    }
    const ids: string[] = []
    for (
      let body: unknown = { limit: 4, sortby: [{ field: 'properties.datetime', direction: 'asc' }] };
      body !== undefined;
    ) {
      const answer = await server.request('POST', '/api/stac/search', { token: owner, body })
      expect(answer.status).toBe(200)
      ids.push(...answer.body.features.map((item: Any) => item.id))
      body = answer.body.links.find((link: Any) => link.rel === 'next')?.body
    }
    expect(new Set(ids).size).toBe(6)
  })

  it('filters by ids, collections, time, text and place', async () => {
    const count = async (query: string) => (await get(`/search?${query}`, owner)).body.numberMatched
    expect(await count('ids=ada--iris--iris-v1,ada--iris--iris-rows-v1,ada--iris--none-v1')).toBe(2)
    expect(await count('ids=ada--iris--iris-v1&collections=dataset')).toBe(0)
    expect(await count('collections=ai-model')).toBe(3)
    expect(await count('collections=unknown')).toBe(0)
    expect(await count('q=TENSORS')).toBe(1)
    expect(await count('q=tensors,rows')).toBe(4)
    expect(await count('q=100%25')).toBe(0)
    expect(await count('datetime=../2020-01-01T00:00:00Z')).toBe(0)
    expect(await count('datetime=2020-01-01T00:00:00Z/..')).toBe(6)
    expect(await count('bbox=-180,-90,180,90')).toBe(0)
  })

  it('refuses what makes no sense, in STAC’s words', async () => {
    for (const query of [
      'limit=0',
      'limit=x',
      'bbox=1,2',
      'datetime=yesterday',
      'sortby=colour',
      'token=nonsense',
      'filter=a%3D1',
      'sortby=title&token=W10',
    ]) {
      const answer = await get(`/search?${query}`, owner)
      expect(answer.status, query).toBe(400)
      expect(answer.body, query).toEqual({ code: 'bad_request', description: expect.any(String) })
    }
    for (const path of ['/collections/none', '/collections/dataset/items/none', '/nothing']) {
      const answer = await get(path, owner)
      expect(answer.status, path).toBe(404)
      expect(answer.body.code, path).toBe('not_found')
    }
    // A token of our own shape that holds what no search would have put in.
    const next =
      new URL(rel((await get('/search?limit=1', owner)).body, 'next')[0] ?? '').searchParams.get('token') ?? ''
    const [names, values] = JSON.parse(Buffer.from(next, 'base64url').toString()) as [string[], unknown[]]
    const forged = Buffer.from(JSON.stringify([names, [...values.slice(0, -1), 'a\0b']])).toString('base64url')
    expect((await get(`/search?limit=1&token=${forged}`, owner)).status).toBe(400)
    const unknown = await server.request('POST', '/api/stac/search', { token: owner, body: { colour: 1 } })
    expect(unknown.body.code).toBe('bad_request')
  })
})

describe('who sees what', () => {
  it('shows an actor the versions of projects that they may see, and no trace of others', async () => {
    const matched = async (token?: string) => (await get('/search', token)).body.numberMatched
    expect([await matched(owner), await matched(stranger), await matched()]).toEqual([6, 0, 0])
    expect((await get('/collections/ai-model/items/ada--iris--iris-v1', stranger)).status).toBe(404)
    expect((await get('/collections/ai-model/items/ada--iris--iris-v1')).status).toBe(404)
    await server.request('PATCH', '/api/v1/projects/ada/iris', { token: owner, body: { visibility: 'public' } })
    expect([await matched(owner), await matched(stranger), await matched()]).toEqual([6, 6, 6])
    await server.request('PATCH', '/api/v1/projects/ada/iris', { token: owner, body: { visibility: 'private' } })
    expect(await matched()).toBe(0)
  })

  it('lets pages of other sites read what everybody may read, and nothing else', async () => {
    const cors = async (headers: Record<string, string>, path = '') =>
      (await server.request('GET', `/api/stac${path}`, { headers })).headers.get('access-control-allow-origin')
    expect(await cors({ origin: 'https://browser.example' })).toBe('*')
    expect(await cors({}, '/collections/none')).toBe('*')
    expect(await cors({ authorization: `Bearer ${owner}` })).toBeNull()
    expect(await cors({ cookie: 'a=b' })).toBeNull()
    expect((await server.request('GET', '/api/v1/projects')).headers.get('access-control-allow-origin')).toBeNull()
  })
})
