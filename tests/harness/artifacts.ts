import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { readConfig } from '../../src/config.ts'
import { ARTIFACTS, type MlflowApi, mlflowApi } from './mlflow.ts'
import type { TestServer } from './server.ts'

type Start = (settings: Parameters<typeof readConfig>[0]) => Promise<TestServer>

const error = (answer: { status: number; body: { error_code: string } }) => [answer.status, answer.body.error_code]

/** A request whose path goes over the wire exactly as given: fetch would tidy it up. */
function send(
  url: string,
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const sent = request({ hostname, port, method, path, headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** What the artifact door does, whatever store is behind it. */
export function artifactCases(name: string, start: Start): void {
  describe(`artifact bytes: ${name}`, () => {
    let server: TestServer
    let api: MlflowApi
    let run: string
    let root: string
    beforeAll(async () => {
      server = await start({ uploadLimitBytes: '2000000' })
      api = mlflowApi(server)
      run = await api.run()
      root = `${ARTIFACTS}/0/${run}/artifacts`
    })
    afterAll(() => server.close())
    const raw = (method: string, path: string, body?: string, headers: Record<string, string> = {}) =>
      send(server.url, method, path, body, headers)

    test('go in and come out, with headers that keep a browser from showing them', async () => {
      const bytes = new Uint8Array(1_500_000).map((_, i) => (i * 31) % 251)
      expect((await api.put(`${root}/d/big.html`, bytes, { 'content-type': 'text/html' })).body).toEqual({})
      const answer = await fetch(`${server.url}${root}/d/big.html`)
      expect(Buffer.compare(Buffer.from(await answer.arrayBuffer()), Buffer.from(bytes))).toBe(0)
      expect(answer.headers.get('content-disposition')).toMatch(/^attachment/)
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
      expect(answer.headers.get('content-security-policy')).toContain('sandbox')
      expect(answer.headers.get('content-type')).not.toContain('html')
      expect((await api.put(`${root}/d/big.html`, 'new')).status).toBe(200)
      expect((await api.get(`${root}/d/big.html`)).text).toBe('new')
    })

    test('an empty file comes chunked and without a type', async () => {
      expect((await raw('PUT', `${root}/empty.txt`, undefined, { 'transfer-encoding': 'chunked' })).status).toBe(200)
      expect((await raw('PUT', `${root}/empty2.txt`)).status).toBe(200)
      const answer = await api.get(`${root}/empty.txt`)
      expect([answer.status, answer.text, answer.headers.get('content-length')]).toEqual([200, '', '0'])
    })

    test('JSON and form bodies are bytes like any other', async () => {
      for (const type of [
        'application/json',
        'multipart/form-data; boundary=x',
        'application/x-www-form-urlencoded',
        'text/plain; charset=utf-8',
      ]) {
        await api.put(`${root}/typed`, '{"broken', { 'content-type': type })
        expect((await api.get(`${root}/typed`)).text).toBe('{"broken')
      }
    })

    test('ranges and HEAD', async () => {
      await api.put(`${root}/r.txt`, '0123456789')
      const part = await fetch(`${server.url}${root}/r.txt`, { headers: { range: 'bytes=2-4' } })
      expect([part.status, await part.text(), part.headers.get('content-range')]).toEqual([206, '234', 'bytes 2-4/10'])
      const beyond = await fetch(`${server.url}${root}/r.txt`, { headers: { range: 'bytes=50-' } })
      expect(beyond.status).toBe(416)
      const head = await fetch(`${server.url}${root}/r.txt`, { method: 'HEAD' })
      expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', ''])
      expect((await fetch(`${server.url}${root}/none`, { method: 'HEAD' })).status).toBe(404)
    })

    test('names: %xx is decoded once, + ; & stay what they are', async () => {
      const names = [
        ['with%20space.txt', 'with space.txt'],
        ['%E6%97%A5%E6%9C%AC.txt', '日本.txt'],
        ['plus+sign.txt', 'plus+sign.txt'],
        ['a&b=c.txt', 'a&b=c.txt'],
        ['semi;colon.txt', 'semi;colon.txt'],
        ['at@x,y(p).txt', 'at@x,y(p).txt'],
        ['%5Bb%5D.txt', '[b].txt'],
        ['100%25.txt', '100%.txt'],
      ] as const
      for (const [wire] of names) expect((await raw('PUT', `${root}/names/${wire}`, wire)).status, wire).toBe(200)
      const listed = (await api.get(ARTIFACTS, { path: `0/${run}/artifacts/names` })).body.files.map(
        (file: { path: string }) => file.path,
      )
      expect(listed.sort()).toEqual(names.map(([, name]) => name).sort())
      for (const [wire] of names) expect((await raw('GET', `${root}/names/${wire}`)).text).toBe(wire)
    })

    test('no path leads out, however it is written', async () => {
      for (const path of [
        '../x',
        '..%2fx',
        '%2e%2e/x',
        '%252e%252e/x',
        'a/%2e%2e/%2e%2e/x',
        '..%5cx',
        '%2fetc/passwd',
        'a//b',
        './x',
        'a%00b',
        'x/../../../../y',
      ]) {
        const put = await raw('PUT', `${root}/${path}`, 'x')
        expect([400, 404], `PUT ${path}: ${put.text}`).toContain(put.status)
        const got = await raw('GET', `${root}/${path}`)
        expect([400, 404], `GET ${path}`).toContain(got.status)
      }
      for (const path of ['../..', '/etc', '%2e%2e', '0/../1']) {
        expect(error(await api.get(ARTIFACTS, { path })), path).toEqual([400, 'INVALID_PARAMETER_VALUE'])
        expect(error(await api.get('artifacts/list', { run_id: run, path })), path).toEqual([
          400,
          'INVALID_PARAMETER_VALUE',
        ])
        expect(error(await api.get('/get-artifact', { run_id: run, path })), path).toEqual([
          400,
          'INVALID_PARAMETER_VALUE',
        ])
      }
    })

    test('missing is 404, a folder is 400, a file where a folder is needed is 4xx', async () => {
      await api.put(`${root}/f/x`, '1')
      expect(error(await api.get(`${root}/none`))).toEqual([404, 'RESOURCE_DOES_NOT_EXIST'])
      expect(error(await api.get(`${root}/f`))).toEqual([400, 'INVALID_PARAMETER_VALUE'])
      expect((await api.put(`${root}/f/x/y`, '1')).status).toBe(400)
      expect((await api.put(`${root}/f`, '1')).status).toBe(400)
      expect((await api.put(`${root}/big`, 'x'.repeat(2_000_001))).status).toBe(413)
      expect((await api.get(`${root}/big`)).status).toBe(404)
    })

    test('lists: basenames here, paths of the run there; nothing for files and what is not there', async () => {
      await api.put(`${root}/l/b.txt`, '12')
      await api.put(`${root}/l/sub/c.txt`, '3')
      const path = `0/${run}/artifacts/l`
      const files = [
        { path: 'b.txt', is_dir: false, file_size: 2 },
        { path: 'sub', is_dir: true },
      ]
      expect((await api.get(ARTIFACTS, { path })).body).toEqual({ files })
      expect((await api.get(ARTIFACTS, { path: `${path}/` })).body).toEqual({ files })
      expect((await api.get(ARTIFACTS, { path: `${path}/b.txt` })).body).toEqual({})
      expect((await api.get(ARTIFACTS, { path: `${path}/none` })).body).toEqual({})
      const listed = (await api.get('artifacts/list', { run_uuid: run, path: 'l' })).body
      expect(listed).toEqual({
        root_uri: `mlflow-artifacts:/0/${run}/artifacts`,
        files: files.map((file) => ({ ...file, path: `l/${file.path}` })),
      })
      expect((await api.get('artifacts/list', { run_id: await api.run() })).body).not.toHaveProperty('files')
      expect((await api.get('/get-artifact', { run_uuid: run, path: 'l/b.txt' })).text).toBe('12')
    })

    test('deleting takes a file or a tree of a run, and nothing above it', async () => {
      await api.put(`${root}/t/a/b.txt`, '1')
      expect((await api.send('DELETE', `${root}/t`)).body).toEqual({})
      expect((await api.get(`${root}/t/a/b.txt`)).status).toBe(404)
      for (const path of ['/0', `/0/${run}`, '/0/models'])
        expect((await api.send('DELETE', `${ARTIFACTS}${path}`)).status).toBe(400)
      expect((await api.get('artifacts/list', { run_id: run })).body.files.length).toBeGreaterThan(0)
    })

    test('each project sees its own files only', async () => {
      await server.request('POST', '/api/v1/projects', { body: { owner: 'local', name: 'other' } })
      const other = mlflowApi(server, { prefix: '/mlflow/local/other/tracking' })
      await api.put(`${root}/own.txt`, 'mine')
      expect((await other.get(`${root}/own.txt`)).status).toBe(404)
      expect((await other.get(ARTIFACTS, { path: `0/${run}/artifacts` })).body).toEqual({})
      await other.put(`${root}/own.txt`, 'theirs')
      expect((await api.get(`${root}/own.txt`)).text).toBe('mine')
    })

    test('a deleted run takes no files', async () => {
      const gone = await api.run()
      await api.post('runs/delete', { run_id: gone })
      expect(error(await api.put(`${ARTIFACTS}/0/${gone}/artifacts/x`, '1'))).toEqual([400, 'INVALID_PARAMETER_VALUE'])
      expect((await api.send('DELETE', `${ARTIFACTS}/0/${gone}/artifacts/x`)).status).toBe(400)
    })

    test("the UI's small upload", async () => {
      const query = new URLSearchParams({ run_uuid: run, path: 'note.md' })
      const sent = await raw('POST', `/ajax-api/2.0/mlflow/upload-artifact?${query}`, 'hello', {
        'content-length': '5',
      })
      expect(sent).toEqual({ status: 200, text: '{}' })
      expect((await api.get(`${root}/note.md`)).text).toBe('hello')
    })
  })
}
