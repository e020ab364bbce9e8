import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startServer } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { LOCAL } from '../src/lib/actor.ts'
import { addUser } from '../src/server/identity/identity.service.ts'
import { startTestServer } from './harness/server.ts'

it('a server without an admin does not listen to the network, unless told to', async () => {
  const data = await mkdtemp(join(tmpdir(), 'trainyard-start-'))
  const start = (flags: Parameters<typeof readConfig>[0]) =>
    startServer(readConfig({ host: '0.0.0.0', port: '0', data, logLevel: 'silent', ...flags }, {}))
  try {
    await expect(start({})).rejects.toThrow(/Refusing to listen on 0\.0\.0\.0 without an admin/)
    const insecure = await start({ insecure: 'true' })
    // An account that is no administrator is not enough.
    await addUser(insecure.ctx, LOCAL, { name: 'vera', password: null, isAdmin: false })
    await insecure.close()
    await expect(start({})).rejects.toThrow('Refusing to listen')
    const again = await start({ insecure: 'true' })
    await addUser(again.ctx, LOCAL, { name: 'ada', password: null, isAdmin: true })
    await again.close()
    await (await start({})).close()
  } finally {
    await rm(data, { recursive: true, force: true })
  }
})

it('without accounts only a Host that is surely this server’s is answered', async () => {
  const server = await startTestServer({ allowedHosts: 'ml.example' })
  try {
    const status = async (host: string) =>
      (await server.app.inject({ method: 'GET', url: '/api/v1/me', headers: { host } })).statusCode
    for (const host of ['127.0.0.1:5000', 'localhost', '[::1]:80', 'ML.example:443'])
      expect([host, await status(host)]).toEqual([host, 200])
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '10.0.0.1',
      'localhost@evil.example',
    ])
      expect([host, await status(host)]).toEqual([host, 421])
  } finally {
    await server.close()
  }
})
