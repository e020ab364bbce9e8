import { readdir, readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LEADING_OUT } from '../../../../tests/harness/hostile-paths.ts'
import { ARTIFACTS, type MlflowApi, mlflowApi } from '../../../../tests/harness/mlflow.ts'
import { startTestServer, type TestServer } from '../../../../tests/harness/server.ts'

/** The rows of the security contract that the artifact doors must hold, by the names of their tests. */
let server: TestServer
let owner: { token: string; api: MlflowApi }
let run: string
let root: string
const PREFIX = '/mlflow/ada/flood/tracking'

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0', uploadLimitBytes: '1000000' })
  const token = await server.user('ada')
  await server.request('POST', '/api/v1/projects', { body: { name: 'flood' }, token })
  for (const [name, role] of [
    ['vera', 'viewer'],
    ['edda', 'editor'],
    ['odo', 'owner'],
  ] as const) {
    tokens[name] = await server.user(name)
    await server.request('PUT', `/api/v1/projects/ada/flood/members/${name}`, { body: { role }, token })
  }
  tokens.stella = await server.user('stella')
  owner = { token, api: mlflowApi(server, { prefix: PREFIX, token }) }
  run = await owner.api.run()
  root = `${ARTIFACTS}/0/${run}/artifacts`
  await writeFile(join(server.folder, 'canary.txt'), 'CANARY')
})
const tokens: Record<string, string | undefined> = {}
afterAll(() => server.close())

/** A request whose path goes over the wire exactly as given. */
function raw(method: string, path: string, body?: string | Buffer, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; text: string; headers: Record<string, unknown> }>((resolve, reject) => {
    const { hostname, port } = new URL(server.url)
    const authorization = `Bearer ${owner.token}`
    const sent = request(
      { hostname, port, method, path: PREFIX + path, headers: { authorization, ...headers } },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString(), headers: answer.headers }),
        )
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Every name below the data folder but the store's own files, and the canary's text. */
async function outside(): Promise<string[]> {
  const names = (await readdir(server.folder, { recursive: true })).filter(
    (name) => !/^(blobs|trainyard\.db)/.test(name),
  )
  return [...names.sort(), await readFile(join(server.folder, 'canary.txt'), 'utf8')]
}

describe('paths (rows 1-23, 35)', () => {
  for (const [name, path] of Object.entries(LEADING_OUT)) {
    test(`path-proxy-get-${name}, path-get-artifact-${name}, write-proxy-put-${name}, delete-proxy-${name}`, async () => {
      const before = await outside()
      // A query is decoded once more than the path of a test's own URL would be.
      const query = path.replaceAll('\\', '%5c')
      const answers = [
        await raw('GET', `${root}/${path}`),
        await raw('HEAD', `${root}/${path}`),
        await raw('PUT', `${root}/${path}`, 'overwritten'),
        await raw('DELETE', `${root}/${path}`),
        await raw('GET', `/get-artifact?run_id=${run}&path=${query}`),
        await raw('GET', `${ARTIFACTS}?path=${query}`),
        await raw('GET', `/api/2.0/mlflow/artifacts/list?run_id=${run}&path=${query}`),
        await raw('GET', `/api/2.0/mlflow-artifacts/presigned/0/${run}/artifacts/${path}`),
        await raw('POST', `/ajax-api/2.0/mlflow/upload-artifact?run_uuid=${run}&path=${query}`, 'overwritten', {
          'content-length': '11',
        }),
        await raw(
          'POST',
          `/api/2.0/mlflow-artifacts/mpu/create/0/${run}/artifacts/${path}`,
          '{"path":"x","num_parts":1}',
          { 'content-type': 'application/json' },
        ),
      ]
      for (const [i, answer] of answers.entries()) {
        // Of a path whose bytes are no text, a list has just nothing.
        const isEmptyList = answer.status === 200 && name === 'overlong' && !answer.text.includes('files')
        if (!isEmptyList) expect([400, 404], `${i}: ${answer.text}`).toContain(answer.status)
        expect(answer.text).not.toMatch(/CANARY|root:/)
      }
      expect(await outside()).toEqual(before)
    })
  }

  test('delete-root: nothing above a run or a model can be deleted', async () => {
    await owner.api.put(`${root}/kept.txt`, 'kept')
    for (const path of ['', '/', '/0', `/0/${run}`, '/0/models', '/.', '/..'])
      expect([400, 404], path).toContain((await raw('DELETE', `${ARTIFACTS}${path}`)).status)
    expect((await owner.api.get(`${root}/kept.txt`)).text).toBe('kept')
  })

  test('keys-as-paths: the names of the store itself are no artifacts', async () => {
    const { object_id: id } = await server.ctx.db
      .selectFrom('artifact_entries')
      .select('object_id')
      .where('object_id', 'is not', null)
      .executeTakeFirstOrThrow()
    for (const path of [
      `objects/${id?.slice(-2)}/${id}`,
      `blobs/objects/${id}`,
      'trainyard.db',
      '.env',
      'content',
      'tmp',
    ])
      expect((await raw('GET', `${ARTIFACTS}/${path}`)).status, path).toBe(404)
  })

  test('names that look dangerous and are not stay what they are', async () => {
    for (const name of ['....', '..;', '~root', '$HOME', '-rf', 'a b', "it's", 'x'.repeat(255), '%25', 'CON']) {
      const url = `${root}/odd/${encodeURIComponent(name)}`
      expect((await raw('PUT', url, name)).status, name).toBe(200)
      expect((await raw('GET', url)).text).toBe(name)
    }
    expect((await raw('PUT', `${root}/${'x'.repeat(256)}`, 'x')).status).toBe(400)
    expect((await raw('PUT', `${root}/${'a/'.repeat(600)}x`, 'x')).status).toBe(400)
  })
})

describe('browsers (rows 84, 87-90)', () => {
  const PAGE = '<script>alert(document.domain)</script>'
  for (const name of [
    'page.html',
    'page.htm',
    'image.svg',
    'doc.xml',
    'x.xhtml',
    'code.js',
    'style.css',
    'doc.pdf',
    'x.swf',
    'noext',
    'ünï"code;.html',
  ]) {
    test(`xss-artifact-${name}`, async () => {
      const url = `${root}/xss/${encodeURIComponent(name)}`
      await raw('PUT', url, PAGE, { 'content-type': 'text/html' })
      const files = `/api/v1/projects/ada/flood/runs/${run}/artifacts/content?path=${encodeURIComponent(`xss/${name}`)}`
      const presigned = JSON.parse((await raw('GET', url.replace('/artifacts/', '/presigned/'))).text) as {
        url: string
      }
      const authorization = `Bearer ${owner.token}`
      for (const from of [`${server.url}${PREFIX}${url}`, `${server.url}${files}`, presigned.url]) {
        const answer = await fetch(from, {
          headers: from === presigned.url ? {} : { authorization, accept: 'text/html' },
        })
        expect([answer.status, await answer.text()]).toEqual([200, PAGE])
        const header = (key: string) => answer.headers.get(key)
        expect(header('content-type')).toBe('application/octet-stream')
        expect(header('x-content-type-options')).toBe('nosniff')
        expect(header('content-security-policy')).toBe("sandbox; default-src 'none'")
        expect(header('cross-origin-resource-policy')).toBe('same-origin')
        expect(header('content-disposition')).toMatch(/^attachment; filename="[^"]*"; filename\*=UTF-8''[\w.%!~-]+$/)
      }
    })
  }

  test('xss-reflect-error: what a request holds comes back as JSON only', async () => {
    for (const path of ['<script>', '%3Cscript%3Ealert(1)%3C/script%3E']) {
      const answer = await raw('GET', `${root}/${path}`, undefined, { 'content-type': '<script>', accept: 'text/html' })
      expect(answer.status).toBe(404)
      expect(answer.headers['content-type']).toMatch(/^application\/json/)
      expect(answer.headers['x-content-type-options']).toBe('nosniff')
    }
  })
})

describe('bodies (rows 103, 107)', () => {
  test('gzip-bomb: a compressed body is refused before a byte is unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000))
    for (const encoding of ['gzip', 'br', 'deflate', 'x-gzip', 'gzip, gzip']) {
      const answer = await raw('PUT', `${root}/bomb`, bomb, { 'content-encoding': encoding })
      expect([400, 415], encoding).toContain(answer.status)
    }
    expect((await raw('GET', `${root}/bomb`)).status).toBe(404)
  })

  test('upload-truncated: bytes of an upload that broke off are removed, and the file before stays', async () => {
    await owner.api.put(`${root}/whole.bin`, 'whole')
    const files = () => readdir(join(server.folder, 'blobs'), { recursive: true })
    const before = (await files()).sort()
    for (const head of ['Content-Length: 100000\r\n\r\n', 'Transfer-Encoding: chunked\r\n\r\nfffff\r\n']) {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
      socket.write(
        `PUT ${PREFIX}${root}/whole.bin HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${owner.token}\r\n${head}${'x'.repeat(50_000)}`,
      )
      // It has begun when its temporary file is there.
      await expect.poll(async () => (await files()).length, { interval: 5 }).toBeGreaterThan(before.length)
      socket.destroy()
      await expect.poll(async () => (await files()).sort(), { interval: 5 }).toEqual(before)
    }
    expect((await owner.api.get(`${root}/whole.bin`)).text).toBe('whole')
  })

  test('upload-too-large: refused by its length before a byte is read, or when the limit is passed', async () => {
    expect((await raw('PUT', `${root}/large`, 'x'.repeat(1_000_001))).status).toBe(413)
    // Sent in chunks by one who reads no answer before all was sent: that one too, and the next request of the connection.
    const head = `HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${owner.token}\r\n`
    const chunks = `${`10000\r\n${'x'.repeat(65_536)}\r\n`.repeat(200)}0\r\n\r\n`
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    const tooLarge = `PUT ${PREFIX}${root}/large ${head}Transfer-Encoding: chunked\r\n\r\n${chunks}`
    socket.write(`${tooLarge}GET /version ${head}\r\n`)
    const answers: string[] = []
    socket.setEncoding('utf8').on('data', (text: string) => answers.push(text))
    await expect.poll(() => answers.join('')).toMatch(/^HTTP\/1.1 413 .*is larger.*HTTP\/1.1 200 /s)
    socket.destroy()
    expect((await raw('GET', `${root}/large`)).status).toBe(404)
  })

  test('many-ranges: a header of a thousand ranges costs one whole answer, an absurd one nothing', async () => {
    await owner.api.put(`${root}/r.bin`, 'x'.repeat(10_000))
    const ranges = `bytes=${Array.from({ length: 1_000 }, (_, i) => `${i}-${i + 1}`).join(',')}`
    const whole = await raw('GET', `${root}/r.bin`, undefined, { range: ranges })
    expect([whole.status, whole.text.length]).toEqual([200, 10_000])
    for (const range of ['bytes=99999999999999999999-', 'bytes=10000-', 'bytes=-0'])
      expect((await raw('GET', `${root}/r.bin`, undefined, { range })).status, range).toBe(416)
    for (const range of ['bytes=5-2', 'bytes=a-b', 'lines=1-2', 'bytes=--1', 'bytes='])
      expect((await raw('GET', `${root}/r.bin`, undefined, { range })).status, range).toBe(200)
  })
})

describe('who may (rows 41, 42, 71, 79, 83)', () => {
  const CALLS: [string, string, string | undefined, 'read' | 'write'][] = [
    ['GET', `${ARTIFACTS}?path=`, undefined, 'read'],
    ['GET', 'FILE', undefined, 'read'],
    ['GET', 'PRESIGNED', undefined, 'read'],
    ['PUT', 'FILE', 'new', 'write'],
    ['POST', 'CREATE', '{"path":"x","num_parts":1}', 'write'],
    ['POST', 'COMPLETE', '{"path":"x","upload_id":"1","parts":[]}', 'write'],
    ['POST', 'ABORT', '{"path":"x","upload_id":"1"}', 'write'],
    ['DELETE', 'FILE', undefined, 'write'],
  ]
  const WHO: Record<string, { read: number; write: number }> = {
    anonymous: { read: 401, write: 401 },
    stella: { read: 404, write: 404 },
    vera: { read: 200, write: 403 },
    edda: { read: 200, write: 200 },
    odo: { read: 200, write: 200 },
  }
  test.each(Object.keys(WHO))(
    'anon-artifacts, idor-artifacts-read, idor-artifacts-write, role matrix: %s',
    async (who) => {
      await owner.api.put(`${root}/m/file.txt`, 'text')
      const folder = `0/${run}/artifacts/m`
      const at = (path: string) =>
        path
          .replace('FILE', `${root}/m/file.txt`)
          .replace('PRESIGNED', `/api/2.0/mlflow-artifacts/presigned/${folder}/file.txt`)
          .replace(
            /^(CREATE|COMPLETE|ABORT)$/,
            (step) => `/api/2.0/mlflow-artifacts/mpu/${step.toLowerCase()}/${folder}`,
          )
      for (const [method, path, body, verb] of CALLS) {
        const token = tokens[who]
        const answer = await fetch(server.url + PREFIX + at(path), {
          method,
          headers: {
            'content-type': 'application/json',
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          },
          ...(body === undefined ? {} : { body }),
        })
        // Whoever may ask for the end of an upload that is not there hears just that.
        const expected = WHO[who]?.[verb]
        expect(answer.status, `${method} ${path}`).toBe(path === 'COMPLETE' && expected === 200 ? 404 : expected)
      }
    },
  )
})

test('validators: a download that was seen before is not sent again, a changed one is', async () => {
  await owner.api.put(`${root}/tag.txt`, 'one')
  const first = await raw('GET', `${root}/tag.txt`)
  const tag = String(first.headers.etag)
  expect(first.headers['repr-digest']).toMatch(/^sha-256=:[\w+/]+=*:$/)
  for (const value of [tag, `W/${tag}`, `"x", ${tag}`, '*'])
    expect((await raw('GET', `${root}/tag.txt`, undefined, { 'if-none-match': value })).status, value).toBe(304)
  const partial = { range: 'bytes=1-', 'if-range': tag }
  expect((await raw('GET', `${root}/tag.txt`, undefined, partial)).text).toBe('ne')
  await owner.api.put(`${root}/tag.txt`, 'two')
  expect((await raw('GET', `${root}/tag.txt`, undefined, { 'if-none-match': tag })).text).toBe('two')
  expect((await raw('GET', `${root}/tag.txt`, undefined, partial)).text).toBe('two')
})
