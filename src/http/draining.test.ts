import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, it } from 'vitest'
import { startTestServer } from '../../tests/harness/server.ts'

/** Waits until the connection has said something that matches. */
async function heard(socket: Socket, text: () => string, pattern: RegExp): Promise<void> {
  while (!pattern.test(text())) await once(socket, 'data')
}

it('finishes what has begun, and tells the MLflow client when to come back', async () => {
  const server = await startTestServer({ jobSlots: '0' })
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  const head = `HTTP/1.1\r\nHost: ${hostname}:${port}\r\n`
  const { body } = await server.request('POST', '/api/2.0/mlflow/runs/create', { body: { experiment_id: '0' } })
  const path = new URL(`mlflow-artifacts:${body.run.info.artifact_uri.split(':')[1]}`).pathname
  // The answer to the first says that the server has read the second, which waits for its body.
  socket.write(
    `GET /version ${head}\r\nPUT /api/2.0/mlflow-artifacts/artifacts${path}/a.txt ${head}Content-Length: 4\r\n\r\nab`,
  )
  await heard(socket, () => text, /3\.\d+\.\d+$/)
  text = ''
  const closed = server.close()
  const ended = once(socket, 'close')
  socket.write(`cdGET /api/2.0/mlflow/experiments/get?experiment_id=0 ${head}\r\n`)
  await ended
  await closed
  const [first = '', second = ''] = text.split(/(?=HTTP\/1\.1 )/)
  expect(first).toMatch(/^HTTP\/1\.1 200 /)
  expect(second).toMatch(/^HTTP\/1\.1 503 /)
  expect(second).toMatch(/\r\nretry-after: 1\r\n/i)
  expect(second).toMatch(/\r\nconnection: close\r\n/i)
  expect(JSON.parse(second.split('\r\n\r\n')[1] ?? '')).toMatchObject({ error_code: 'TEMPORARILY_UNAVAILABLE' })
})
