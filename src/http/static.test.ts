import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../tests/harness/server.ts'

/** On the built UI (`npx vite build`). */
let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
})
afterAll(() => server.close())

it('serves the files of the UI, by the names that the build gave them and no others', async () => {
  const page = await server.request('GET', '/local/default/runs', { headers: { accept: 'text/html' } })
  const name = /src="\.?\/?(assets\/[^"]+\.js)"/.exec(page.text)?.[1] ?? ''
  const script = await server.request('GET', `/${name}`)
  expect([script.status, script.headers.get('content-type')]).toEqual([200, 'text/javascript; charset=utf-8'])
  expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  const size = String(Buffer.byteLength(script.text))
  expect(script.headers.get('content-length')).toBe(size)
  const head = await server.request('HEAD', `/${name}`)
  expect([head.status, head.headers.get('content-length'), head.text]).toEqual([200, size, ''])
  for (const other of ['assets/', 'assets/none.js', 'assets/constructor', 'assets/.', 'assets/a/../b.js'])
    expect([other, (await server.request('GET', `/${other}`)).status]).toEqual([other, 404])
})
