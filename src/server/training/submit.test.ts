import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  call,
  ended,
  makeProject,
  pythonProject,
  submit,
  upload,
  uploadCode,
  waitForJob,
} from '../../../tests/harness/jobs.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { LOCAL } from '../../lib/actor.ts'
import { addToken } from '../identity/identity.service.ts'
import { findProject } from '../projects/projects.service.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  await makeProject(server)
})
afterAll(() => server.close())

describe('what is checked before a job is taken', () => {
  const field = async (files: Record<string, string>, job: object = {}) => {
    const answer = await call(server, 'POST', '/jobs', { code_digest: await uploadCode(server, files), ...job })
    expect(answer.status, answer.text).toBe(400)
    return [answer.body.error.field, answer.body.error.message]
  }

  it('names the field at fault and leaves nothing behind', async () => {
    const before = (await call(server, 'GET', '/jobs?limit=200')).body.jobs.length
    const code = pythonProject(
      'print(1)',
      { n: { type: 'int', default: 1 }, data: { type: 'path', default: '.' } },
      '{n} {data}',
    )
    expect(await field(code, { entry_point: 'train' })).toEqual(['entry_point', expect.stringContaining('"train"')])
    expect(await field(code, { parameters: { m: 1 } })).toEqual([
      'parameters.m',
      expect.stringContaining('It has: n, data'),
    ])
    expect(await field(code, { parameters: { n: 'many' } })).toEqual([
      'parameters.n',
      expect.stringContaining('whole number'),
    ])
    expect(await field(code, { dataset: 'absent@3' })).toEqual(['dataset', expect.stringContaining('absent@3')])
    expect(await field(code, { register_as: 'a/b' })).toEqual(['register_as', expect.any(String)])
    expect(await field(code, { experiment: '  ' })).toEqual(['experiment', expect.any(String)])
    expect((await field(code, { dataset: 'a\u0000b' }))[0]).toBe('body.dataset')
    expect(await field({ 'main.py': 'print(1)' })).toEqual(['code_digest', expect.stringContaining('MLproject')])
    const { 'python_env.yaml': _, ...bare } = code
    expect(await field(bare)).toEqual(['code_digest', expect.stringContaining('python_env.yaml')])
    expect(await field({ ...code, 'python_env.yaml': 'dependencies: ["-r lock.txt"]' })).toEqual([
      'code_digest',
      expect.stringContaining('lock.txt'),
    ])
    expect(await field({ ...code, 'python_env.yaml': 'dependencies: ["-e ."]' })).toEqual([
      'code_digest',
      expect.stringContaining('-e .'),
    ])
    const unknown = await call(server, 'POST', '/jobs', { code_digest: 'f'.repeat(64) })
    expect(unknown.body.error).toMatchObject({ code: 'bad_request', field: 'code_digest' })
    expect((await call(server, 'POST', '/jobs', { code_digest: 'x', shell: 'id' })).body.error.field).toBe('body.shell')
    expect((await call(server, 'GET', '/jobs?limit=200')).body.jobs.length).toBe(before)
  })

  it('takes only paths and content that it has', async () => {
    const [file] = await upload(server, { x: 'content' })
    const post = (files: object[]) => call(server, 'POST', '/code', { files })
    expect((await post([{ ...file, path: '../x' }])).body.error).toMatchObject({
      code: 'bad_request',
      field: 'files[0].path',
    })
    expect((await post([{ ...file, path: 'a%2f..%2f..%2fx' }])).status).toBe(400)
    expect((await post([file!, file!])).status).toBe(400)
    expect(
      (
        await post([
          { ...file, path: 'a' },
          { ...file, path: 'a/b' },
        ])
      ).status,
    ).toBe(400)
    expect((await post([{ ...file, sha256: '0'.repeat(64) }])).body.error).toMatchObject({
      code: 'unprocessable',
      field: 'files[0].sha256',
    })
    const again = [await post([file!]), await post([file!])]
    expect(again.map((answer) => answer.status)).toEqual([201, 201])
    expect(again[0]?.body).toEqual(again[1]?.body)
  })

  it("refuses a job's own token", async () => {
    const made = await submit(server, pythonProject('print(1)'))
    await waitForJob(server, made.id, ended)
    const projectId = (await findProject(server.ctx, LOCAL, 'local', 'default'))!.id
    const run = { runId: made.run_id as string, projectId }
    const { token } = await addToken(server.ctx, {
      userId: null,
      name: 'probe',
      scope: 'write',
      expiresAtMs: null,
      run,
    })
    const answer = await call({ url: server.url, token }, 'POST', '/jobs', { code_digest: made.code_digest })
    expect(answer.status).toBe(403)
  })
})
