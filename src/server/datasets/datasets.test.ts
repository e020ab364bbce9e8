import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { manifest, putBlob, sha256, upload } from '../../../tests/harness/datasets.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { LOCAL } from '../../lib/actor.ts'
import { defaultProject } from '../projects/projects.service.ts'
import { findVersion, materialize } from './versions.service.ts'

const base = '/api/v1/projects/local/default'
let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  await defaultProject(server.ctx, LOCAL)
})
afterAll(async () => server.close())

const CSV = 'name,age\nana,31\nbob,42\n'

describe('content', () => {
  it('is stored under its hash only, and asked for only where it is missing', async () => {
    const wrong = sha256('something else')
    const refused = await putBlob(server, base, wrong, CSV)
    expect([refused.status, refused.body.error.field]).toEqual([422, 'sha256'])
    expect(await server.ctx.blobs.hasContent(wrong)).toBe(false)
    expect(await server.ctx.blobs.hasContent(sha256(CSV))).toBe(false)
    const ask = { body: { sha256: [wrong, sha256(CSV), wrong] } }
    expect((await server.request('POST', `${base}/blobs/missing`, ask)).body.missing).toEqual([wrong, sha256(CSV)])
    const stored = await putBlob(server, base, sha256(CSV), CSV)
    expect(stored).toEqual({ status: 201, body: { sha256: sha256(CSV), size_bytes: CSV.length } })
    expect((await server.request('POST', `${base}/blobs/missing`, ask)).body.missing).toEqual([wrong])
    expect((await putBlob(server, base, sha256(''), '')).status).toBe(201)
    expect((await putBlob(server, base, 'ABC', CSV)).status).toBe(400)
  })

  it('is taken as bytes only, and only when it arrives whole', async () => {
    const content = JSON.stringify({ some: 'json' })
    const url = `${base}/blobs/${sha256(content)}`
    expect((await server.request('PUT', url, { body: content })).status).toBe(415)
    const torn = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => {
        socket.write(
          `PUT ${url} HTTP/1.1\r\nHost: 127.0.0.1\r\ncontent-type: application/octet-stream\r\ncontent-length: 99\r\n\r\n`,
        )
        socket.write(content, () => setTimeout(() => socket.destroy(), 50))
      })
      socket.on('close', () => setTimeout(() => resolve('gone'), 100))
      socket.on('error', reject)
    })
    expect([torn, await server.ctx.blobs.hasContent(sha256(content))]).toEqual(['gone', false])
    expect(readdirSync(join(server.folder, 'blobs', 'tmp'))).toEqual([])
  })

  it('streams beyond the limit of JSON bodies', async () => {
    const big = Buffer.alloc(server.ctx.config.bodyLimitBytes + 1, 'x')
    expect((await putBlob(server, base, sha256(big), big)).status).toBe(201)
  })
})

describe('versions', () => {
  it('are immutable, numbered, and the same manifest again is no new one', async () => {
    const first = await upload(server, base, 'people', [{ path: 'people.csv', content: CSV }], {
      extra: { message: 'first', licence: 'CC0-1.0' },
    })
    expect(first.status).toBe(201)
    expect(first.body).toMatchObject({
      version: 1,
      row_count: 2,
      file_count: 1,
      size_bytes: CSV.length,
      licence: 'CC0-1.0',
      has_recipe: false,
      parent: null,
    })
    expect(first.body.digest).toBe(
      sha256(`${JSON.stringify({ path: 'people.csv', sha256: sha256(CSV), size_bytes: CSV.length })}\n`),
    )
    const again = await upload(server, base, 'people', [{ path: 'people.csv', content: CSV }])
    expect([again.status, again.body.version]).toEqual([200, 1])
    const second = await upload(server, base, 'people', [
      { path: 'z/notes.txt', content: 'hello' },
      { path: 'people.csv', content: CSV },
    ])
    expect([second.status, second.body.version, second.body.files.map((file: { path: string }) => file.path)]).toEqual([
      201,
      2,
      ['people.csv', 'z/notes.txt'],
    ])
    const dataset = (await server.request('GET', `${base}/datasets/people`)).body
    expect(dataset.versions.map((version: { version: number }) => version.version)).toEqual([2, 1])
    const listed = (await server.request('GET', `${base}/datasets`)).body.datasets
    expect(listed).toMatchObject([{ name: 'people', version_count: 2, latest: { version: 2 } }])
    expect((await server.request('GET', `${base}/datasets/people/versions/latest`)).body.version).toBe(2)
    expect((await server.request('GET', `${base}/datasets/people/versions/9`)).status).toBe(404)
    expect((await server.request('POST', `${base}/datasets`, { body: { name: 'people' } })).status).toBe(409)
    expect((await server.request('POST', `${base}/datasets`, { body: { name: 'empty' } })).body).toMatchObject({
      version_count: 0,
      latest: null,
    })
    const events = (await server.request('GET', `${base}/events`)).body.events
    expect(
      events.filter(
        (event: { subject: string; verb: string }) => event.subject === 'people/2' && event.verb === 'created',
      ),
    ).toHaveLength(1)
  })

  it('get different numbers when they are made at the same time', async () => {
    const contents = Array.from({ length: 8 }, (_, index) => `a\n${index}\n`)
    for (const content of contents) await putBlob(server, base, sha256(content), content)
    const answers = await Promise.all(
      contents.map((content) =>
        server.request('POST', `${base}/datasets/race/versions`, { body: manifest([{ path: 'a.csv', content }]) }),
      ),
    )
    expect(answers.map((answer) => answer.status)).toEqual(contents.map(() => 201))
    expect(answers.map((answer) => answer.body.version).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    const same = await Promise.all(
      contents.map(() =>
        server.request('POST', `${base}/datasets/same/versions`, {
          body: manifest([{ path: 'a.csv', content: 'a\n0\n' }]),
        }),
      ),
    )
    expect(same.map((answer) => answer.status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201])
    expect((await server.request('GET', `${base}/datasets/same`)).body.version_count).toBe(1)
  })

  it.each([
    ['../escape.csv', 400],
    ['/etc/passwd', 400],
    ['a/%2e%2e/b.csv', 400],
    ['a\\b.csv', 400],
    ['a//b.csv', 400],
    ['a\u0001.csv', 400],
  ])('refuse the path %j', async (path, status) => {
    await putBlob(server, base, sha256(CSV), CSV)
    const answer = await server.request('POST', `${base}/datasets/paths/versions`, {
      body: { files: [{ path, sha256: sha256(CSV), size_bytes: CSV.length }] },
    })
    expect([answer.status, answer.body.error.field]).toEqual([status, 'files[0].path'])
  })

  it('refuse content that was not sent, a wrong size, and paths that collide', async () => {
    const post = (files: unknown[]) => server.request('POST', `${base}/datasets/wrong/versions`, { body: { files } })
    const known = { sha256: sha256(CSV), size_bytes: CSV.length }
    expect((await post([{ path: 'a', sha256: sha256('never sent'), size_bytes: 10 }])).status).toBe(422)
    expect((await post([{ path: 'a', ...known, size_bytes: 3 }])).body.error.field).toBe('files[0].size_bytes')
    expect(
      (
        await post([
          { path: 'a', ...known },
          { path: 'a', ...known },
        ])
      ).body.error.field,
    ).toBe('files[1].path')
    expect(
      (
        await post([
          { path: 'a/b', ...known },
          { path: 'a', ...known },
        ])
      ).body.error.field,
    ).toBe('files[1].path')
    expect((await post([{ path: 'a', ...known, note: 1 }])).status).toBe(400)
    expect((await server.request('GET', `${base}/datasets/wrong`)).status).toBe(404)
  })
})

describe('a table that cannot be read', () => {
  it.each([
    ['ragged.csv', 'a,b,c\n1,2,3\n4,5\n', /^ragged\.csv .*line 3: 2 columns where the header names 3\.$/],
    ['wide.csv', 'a,b,c\n1,2,3\n4,5,6,7\n', /line 3: 4 columns where the header names 3/],
    ['crlf.csv', 'a,b\r\n1,2\r\n3\r\n', /line 3: 1 columns where the header names 2/],
    ['late.csv', `a,b\n${'1,2\n'.repeat(60_000)}3\n`, /line 60002: 1 columns where the header names 2/],
    ['late.csv.gz', gzipSync(`a,b\n${'1,2\n'.repeat(60_000)}3\n`), /line 60002: 1 columns/],
    ['latin.csv', Buffer.from('name,city\nana,Z\xfcrich\n', 'latin1'), /line 2: it is not UTF-8 text/],
    ['quote.csv', 'a,b\n"x,2\n3,4\n', /line 2: a quote is opened and never closed/],
    ['empty.csv', '', /it is empty/],
    ['twice.csv', 'a,b,a\n1,2,3\n', /names the column "a" twice/],
    ['plain.csv.gz', CSV, /called \.gz but is not gzip/],
    ['not.parquet', 'hello', /too small to be a Parquet file/],
    ['bad.jsonl', '{"a":1}\n{"a":\n', /line 2/],
  ])('is refused before it is a version: %s', async (path, content, message) => {
    const answer = await upload(server, base, 'broken', [
      { path: 'fine.csv', content: CSV },
      { path, content },
    ])
    expect([answer.status, answer.body.error.message]).toEqual([422, expect.stringMatching(message)])
    expect(answer.body.error.message).toContain(path)
    expect(answer.body.error.message).not.toContain(server.folder)
    expect((await server.request('GET', `${base}/datasets/broken`)).status).toBe(404)
  })

  it('is one that says it is a table: other files are kept as they are', async () => {
    const answer = await upload(server, base, 'pictures', [{ path: 'a.json', content: '{"not": "lines"' }])
    expect(answer.body).toMatchObject({ row_count: null, profile_state: 'none' })
  })
})

describe('files', () => {
  const text = '0123456789'
  const url = `${base}/datasets/digits/versions/1/files/content?path=d/digits.txt`
  beforeAll(async () => void (await upload(server, base, 'digits', [{ path: 'd/digits.txt', content: text }])))

  it.each([
    [undefined, 200, text, null],
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-2', 206, '89', 'bytes 8-9/10'],
    ['bytes=5-99', 206, '56789', 'bytes 5-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=4-2', 200, text, null],
    ['bytes=0-1,4-5', 200, text, null],
  ])('are sent for the range %s', async (range, status, expected, contentRange) => {
    const answer = await server.request('GET', url, { headers: range === undefined ? {} : { range } })
    expect([answer.status, answer.text, answer.headers.get('content-range')]).toEqual([status, expected, contentRange])
    if (status !== 416) expect(answer.headers.get('content-disposition')).toMatch(/^attachment/)
  })

  it('are sent anew only when they changed', async () => {
    const etag = (await server.request('GET', url)).headers.get('etag') ?? ''
    expect((await server.request('GET', url, { headers: { 'if-none-match': etag } })).status).toBe(304)
    expect((await server.request('GET', url, { headers: { range: 'bytes=0-0', 'if-range': '"other"' } })).status).toBe(
      200,
    )
  })

  it('are materialised read-only, without a way back into the store', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trainyard-materialise-'))
    const project = await defaultProject(server.ctx, LOCAL)
    await materialize(server.ctx, (await findVersion(server.ctx, project.id, 'digits@1')).id, folder)
    const file = join(folder, 'd', 'digits.txt')
    expect(readFileSync(file, 'utf8')).toBe(text)
    expect(statSync(file).mode & 0o777).toBe(0o444)
    if (process.getuid?.() === 0) {
      writeFileSync(file, 'overwritten by a careless job') // root may, whatever the mode says
      expect((await server.request('GET', url)).text).toBe(text)
    }
  })

  it('of another project are not to be had by their hash', async () => {
    expect((await server.request('POST', '/api/v1/projects', { body: { name: 'other' } })).status).toBe(201)
    const other = '/api/v1/projects/local/other'
    const hash = sha256(text)
    expect((await server.request('POST', `${other}/blobs/missing`, { body: { sha256: [hash] } })).body.missing).toEqual(
      [hash],
    )
    const stolen = await server.request('POST', `${other}/datasets/stolen/versions`, {
      body: manifest([{ path: 'x.txt', content: text }]),
    })
    expect(stolen.status).toBe(422)
    expect((await server.request('GET', `${other}/datasets/stolen`)).status).toBe(404)
    expect(
      (await server.request('GET', `${other}/datasets/digits/versions/1/files/content?path=d/digits.txt`)).status,
    ).toBe(404)
    expect(
      (await server.request('GET', `${base}/datasets/digits/versions/1/files/content?path=d/other.txt`)).status,
    ).toBe(404)
    expect(
      (await server.request('GET', `${base}/datasets/digits/versions/1/files/content?path=../digits.txt`)).status,
    ).toBe(400)
  })
})
