import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, makeProject, pythonProject, submit } from '../../../tests/harness/jobs.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { lastLine, readLog } from './logs.service.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  await makeProject(server)
})
afterAll(() => server.close())

describe('logs', () => {
  it('are read from any offset and followed to the end', async () => {
    const code = pythonProject(
      'import time\nfor i in range(4):\n    print("zeile", i, "ü" * 3, flush=True)\n    time.sleep(0.3)\n',
    )
    const made = await submit(server, code)
    const events = await readStream(`${server.url}/api/v1/projects/local/default/jobs/${made.id}/logs/stream`)
    const whole = await call(server, 'GET', `/jobs/${made.id}/logs`)
    const text = events
      .filter((event) => event.name === 'log')
      .map((event) => event.data.text)
      .join('')
    expect(text).toBe(whole.text)
    expect(text.match(/zeile \d üüü/g)).toHaveLength(4)
    expect(events.filter((event) => event.name === 'log').length).toBeGreaterThan(1)
    expect(events.at(-1)).toEqual({ name: 'end', data: { state: 'succeeded' } })
    expect(whole.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    const next = Number(whole.headers.get('x-next-offset'))
    expect(next).toBe(Buffer.byteLength(whole.text))
    const rest = await call(server, 'GET', `/jobs/${made.id}/logs?offset=${next - 5}`)
    expect(rest.text).toBe(Buffer.from(whole.text).subarray(-5).toString())
    expect((await call(server, 'GET', `/jobs/${made.id}/logs?offset=${next}`)).text).toBe('')
    expect((await call(server, 'GET', '/jobs/none/logs')).status).toBe(404)
    expect((await call(server, 'GET', '/jobs/..%2f..%2fx/logs')).status).toBe(404)
  })
})

describe('the last line of a log', () => {
  it('is the last thing that the code said, without colours and control characters', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'trainyard-test-'))
    const path = join(folder, 'log.txt')
    try {
      await writeFile(path, 'first\n\u001b[31mValueError:\u001b[0m no\u0000 rows\r\n\n[trainyard] Job failed\n')
      expect(await lastLine(path)).toBe('ValueError: no rows')
      await writeFile(path, '[trainyard] Starting\n')
      expect(await lastLine(path)).toBeNull()
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

describe('a piece of a log', () => {
  it('ends between characters, and goes on where it ended', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'trainyard-test-'))
    const path = join(folder, 'log.txt')
    try {
      const text = 'aä€😀'.repeat(500)
      await writeFile(path, text)
      for (const size of [4, 5, 6, 7, 100]) {
        let read = ''
        for (let at = 0; ; ) {
          const chunk = await readLog(path, at, size)
          read += chunk.text
          if (chunk.end) break
          at = chunk.nextOffset
        }
        expect(read === text, `in pieces of ${size} bytes`).toBe(true)
      }
      expect(await readLog(join(folder, 'none'), 7)).toEqual({ text: '', nextOffset: 7, end: true })
      await writeFile(path, Buffer.from([0x61, 0xe2]))
      expect((await readLog(path, 0)).text).toBe('a')
      expect((await readLog(path, 1)).nextOffset).toBe(2) // what never becomes a character is passed on in the end
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

// biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
async function readStream(url: string): Promise<{ name: string; data: any }[]> {
  const text = await (await fetch(url)).text()
  return [...text.matchAll(/^event: (.*)\ndata: (.*)$/gm)].map(([, name = '', data = '']) => ({
    name,
    data: JSON.parse(data),
  }))
}
