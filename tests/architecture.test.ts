import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '../src/lib/package-root.ts'
import { startTestServer, type TestServer } from './harness/server.ts'

/** ARCHITECTURE.md tells a newcomer which file is behind a URL. This keeps it true. */
let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

type Line = { pattern: string; open: boolean; files: string[] }

function table(): Line[] {
  const text = readFileSync(join(PACKAGE_ROOT, 'ARCHITECTURE.md'), 'utf8')
  return text
    .split('\n')
    .filter((line) => /^\| `/.test(line) && line.includes('`src/'))
    .flatMap((line) => {
      const [urls = '', file = ''] = line.split(' | ')
      const files = [...file.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')
      return [...urls.matchAll(/`([^`]+)`/g)].map((match) => {
        const url = (match[1] ?? '').replace(/^P(?=\/|$)/, '/api/v1/projects/:owner/:project')
        return { pattern: url.replace('…', '').replace(/(.)\/$/, '$1'), open: url.endsWith('…'), files }
      })
    })
    .filter((line) => line.pattern.startsWith('/'))
}

it('every route of the server is in the table', () => {
  const lines = table()
  expect(lines.length).toBeGreaterThan(30)
  const missing = server.app.routeTable
    .map((route) => route.url.replace(/\/$/, '') || '/')
    .filter((url) => !lines.some((line) => url === line.pattern || (line.open && url.startsWith(line.pattern))))
  expect([...new Set(missing)]).toEqual([])
})

it('every file in the table exists, and holds its URL', () => {
  for (const { pattern, files } of table()) {
    for (const file of files) expect(existsSync(join(PACKAGE_ROOT, file)), `${file} of ${pattern}`).toBe(true)
    const noun = /^\/api\/v1\/projects\/:owner\/:project\/(?:.*\/)?([a-z]+[a-z-]*)$/.exec(pattern)?.[1]
    if (noun !== undefined) expect(readFileSync(join(PACKAGE_ROOT, files[0] ?? ''), 'utf8'), pattern).toContain(noun)
  }
})
