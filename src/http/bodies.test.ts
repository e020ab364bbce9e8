import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../tests/harness/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const until = async (done: () => boolean) => {
  for (let i = 0; i < 200 && !done(); i++) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(done()).toBe(true)
}

/** A client that sends what it is told, and the server's end of its connection. */
async function client(sent: string): Promise<{ mine: Socket; theirs: Socket; text(): string; closed(): boolean }> {
  const { port } = new URL(server.url)
  const met = new Promise<Socket>((resolve) => server.app.server.once('connection', resolve))
  const mine = connect(Number(port), '127.0.0.1')
  let text = ''
  let closed = false
  mine.on('data', (chunk) => {
    text += chunk
  })
  mine.on('close', () => {
    closed = true
  })
  mine.on('error', () => {})
  const theirs = await met
  mine.write(sent)
  return { mine, theirs, text: () => text, closed: () => closed }
}

const path = '/api/2.0/mlflow-artifacts/artifacts/0/x'
const head = (length: number) => `PUT ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${length}\r\n\r\n`

it('an upload may take its time, but not fall silent', async () => {
  const slow = await client(`${head(10)}12345`)
  await until(() => slow.theirs.timeout === 60_000)
  slow.mine.write('67890')
  await until(() => slow.text().startsWith('HTTP/1.1 200'))
  expect(slow.theirs.timeout).not.toBe(60_000)
  slow.mine.destroy()

  const silent = await client(`${head(10)}12345`)
  await until(() => silent.theirs.timeout === 60_000)
  silent.theirs.emit('timeout') // what Node does when the minute is over
  await until(silent.closed)
  expect((await server.request('GET', path)).text).toBe('1234567890')
})

it('a request without a body may be worked on for long', async () => {
  const quiet = await client('GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
  await until(() => quiet.text().includes('OK'))
  expect(quiet.theirs.timeout).not.toBe(60_000)
  quiet.mine.destroy()
})
