import { spawn } from 'node:child_process'
import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NODE_FLAGS } from '../scripts/node-flags.mjs'
import { PACKAGE_ROOT } from '../src/lib/package-root.ts'
import { startTestServer, type TestServer } from './harness/server.ts'
import { addTestModel, addTestVersion, testProject } from './harness/serving.ts'

/** The command line as a user types it: real processes, against a real store and a real server. */
let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
})
afterAll(() => server.close())

type Ended = { code: number | null; out: string; err: string }

function trainyard(args: string[], options: { input?: string; token?: string } = {}): Promise<Ended> {
  const { config } = server.ctx
  const child = spawn(process.execPath, [...NODE_FLAGS, join(PACKAGE_ROOT, 'src', 'main.ts'), ...args], {
    env: {
      PATH: process.env.PATH,
      TRAINYARD_DATA: server.folder,
      TRAINYARD_DATABASE_URL: config.databaseUrl,
      TRAINYARD_URL: server.url,
      ...(options.token === undefined ? {} : { TRAINYARD_TOKEN: options.token }),
    },
  })
  child.stdin.end(options.input ?? '')
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })))
}

describe('before there are accounts', () => {
  it('pushes a dataset, and again changes nothing', async () => {
    const file = join(server.folder, 'people.csv')
    writeFileSync(file, 'age,name\n30,ada\n40,bob\n')
    const first = await trainyard(['dataset', 'push', 'people', file, '--project', 'local/census'])
    expect(first.err).toBe('')
    expect(first.out).toMatch(/^people@1 {2}1 file\(s\), 2 rows/)
    expect((await trainyard(['dataset', 'push', 'people', file, '--project', 'local/census'])).out).toMatch(
      /^people@1 /,
    )
    writeFileSync(file, 'age,name\n30\n')
    const ragged = await trainyard(['dataset', 'push', 'people', file, '--project', 'local/census'])
    expect(ragged.code).toBe(1)
    expect(ragged.err).toMatch(/people\.csv.*line 2/s)
  })

  it('deploys a version and predicts', async () => {
    const project = await testProject(server, 'garden')
    await addTestVersion(server, project, await addTestModel(server, project, 'iris'), 1)
    const at = ['--project', 'local/garden']
    const deployed = await trainyard(['deploy', 'flowers', '--model', 'iris', '--version', '1', ...at])
    expect(deployed.err).toBe('')
    expect(deployed.out).toContain('/invocations')
    const row = JSON.stringify({ colour: 'red', age: 3, petal_width: 0.4 })
    const answer = await trainyard(['predict', 'flowers', '--row', row, ...at])
    expect(answer.err).toBe('')
    expect(answer.out).toMatch(/version 1, onnx/)
    const wrong = await trainyard([
      'predict',
      'flowers',
      '--row',
      '{"colour":"red","age":"old","petal_width":1}',
      ...at,
    ])
    expect(wrong.code).toBe(1)
    expect(wrong.err).toContain('rows[0].age')
    expect((await trainyard(['predict', 'flowers', '--row', '{oops', ...at])).err).toMatch(/not a JSON object/)
  })

  it('counts, then removes what nothing uses, beside a running server', async () => {
    const { blobs } = server.ctx
    const unused = await blobs.putContent(Readable.from([Buffer.from('sent and never used')]), { limitBytes: 100 })
    const old = new Date(Date.now() - 2 * 24 * 3600_000)
    utimesSync(await blobs.contentPath(unused.sha256), old, old)
    const counted = await trainyard(['reclaim', '--dry-run'])
    expect(counted.err).toBe('')
    expect(counted.out).toMatch(
      /^Dataset files, code, ONNX forms: \d+ used \(\d+ bytes\), 1 would be removed \(19 bytes\)/,
    )
    expect(await blobs.hasContent(unused.sha256)).toBe(true)
    const done = await trainyard(['reclaim', '--json'])
    expect(JSON.parse(done.out).content).toMatchObject({ unreferencedBlobs: 1, unreferencedBytes: 19, missingBlobs: 0 })
    expect(await blobs.hasContent(unused.sha256)).toBe(false)
    const wrong = await trainyard(['reclaim', '--grace', 'soon'])
    expect([wrong.code, wrong.err]).toEqual([1, 'trainyard: --grace must be like 30m, 24h or 7d, got "soon".\n'])
  })

  it('says what is wrong with a command in a sentence', async () => {
    expect((await trainyard(['run', server.folder, '-P', 'oops'])).err).toContain('-P takes name=value')
    expect((await trainyard(['dataset', 'push', 'x', '/nowhere'])).code).toBe(1)
    expect((await trainyard(['serve', '--port', 'many'])).err).toContain('--port must be a whole number')
    expect((await trainyard(['serve', '--host', '0.0.0.0', '--port', '0'])).err).toMatch(/without an admin account/)
  })
})

describe('accounts', () => {
  it('are made on the store, beside a running server', async () => {
    expect(
      (await trainyard(['users', 'add', 'ada', '--admin', '--password-stdin'], { input: 'correct horse\n' })).code,
    ).toBe(0)
    expect((await trainyard(['users', 'add', 'ada'])).err).toMatch(/exists already/)
    expect((await trainyard(['users', 'add', 'eve', '--password-stdin'], { input: 'short' })).err).toMatch(
      /at least 10/,
    )
    expect((await trainyard(['users', 'add', 'edgar'])).code).toBe(0)
    expect((await trainyard(['projects', 'add', 'ada/flood', '--visibility', 'internal'])).code).toBe(0)
    expect((await trainyard(['members', 'set', 'ada/flood', 'edgar', 'editor'])).code).toBe(0)

    const token = (await trainyard(['tokens', 'add', '--user', 'edgar', '--scope', 'read', '--expires', '30d'])).out
    expect(token).toMatch(/^ty_[\w-]+\n$/)
    const seen = await server.request('GET', '/api/v1/projects/ada/flood', { token: token.trim() })
    expect(seen.body).toMatchObject({ visibility: 'internal', role: 'editor' })
    const refused = await trainyard(
      ['dataset', 'push', 'x', join(server.folder, 'people.csv'), '--project', 'ada/flood'],
      {
        token: token.trim(),
      },
    )
    expect(refused.err).toMatch(/token's scope is read/)
    const signedIn = await server.request('POST', '/api/v1/session', {
      body: { name: 'ada', password: 'correct horse' },
    })
    expect(signedIn.body).toMatchObject({ kind: 'user', name: 'ada', is_admin: true })
    expect((await trainyard(['tokens', 'add', '--user', 'edgar', '--expires', 'soon'])).err).toMatch(
      /--expires must be like/,
    )
  })
})
