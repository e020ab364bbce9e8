import { expect, it } from 'vitest'
import { startTestServer } from '../../../../tests/harness/server.ts'

it('never opens the catalogue of a server without accounts to other sites: its caller owns everything', async () => {
  const server = await startTestServer()
  try {
    const answer = await server.request('GET', '/api/stac', { headers: { origin: 'https://evil.example' } })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  } finally {
    await server.close()
  }
})
