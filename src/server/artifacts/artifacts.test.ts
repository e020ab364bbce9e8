import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ARTIFACTS, type MlflowApi, mlflowApi } from '../../../tests/harness/mlflow.ts'
import { startProgram } from '../../../tests/harness/process.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { adoptNamedFiles } from './adopt.service.ts'
import { archiveName } from './archive.service.ts'
import { listArtifacts, openArtifact, putArtifact, removeArtifacts } from './artifacts.service.ts'
import { type Finding, scrub } from './scrub.service.ts'

let server: TestServer
let api: MlflowApi
let project: { id: string }
beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  api = mlflowApi(server)
  await api.run()
  project = await server.ctx.db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
})
afterAll(() => server.close())

const text = (value: string) => Readable.from([Buffer.from(value)])
const put = (path: string, value: string) => putArtifact(server.ctx, project, path, text(value))
async function read(path: string): Promise<string> {
  const { stream } = await openArtifact(server.ctx, project.id, path)
  return Buffer.concat(await Array.fromAsync(stream)).toString()
}
const entry = (name: string) =>
  server.ctx.db.selectFrom('artifact_entries').selectAll().where('name', '=', name).executeTakeFirstOrThrow()
const diskPath = (id: string) => join(server.folder, 'blobs', 'objects', id.slice(-2), id)
/** Ids of all objects on the disk. */
const stored = async () =>
  (await readdir(join(server.folder, 'blobs', 'objects'), { recursive: true, withFileTypes: true }))
    .filter((file) => file.isFile())
    .map((file) => file.name)
    .sort()
const referenced = async () =>
  (await server.ctx.db.selectFrom('artifact_entries').select('object_id').where('object_id', 'is not', null).execute())
    .map((row) => row.object_id)
    .sort()

describe('files', () => {
  test('a file that is written again is another object; the old one goes, and its checksum with it', async () => {
    await put('w/a.txt', 'one')
    const before = await entry('a.txt')
    expect(before.sha256).toBe(createHash('sha256').update('one').digest('hex'))
    await put('w/a.txt', 'two')
    const after = await entry('a.txt')
    expect(after.object_id).not.toBe(before.object_id)
    expect(after.sha256).toBe(createHash('sha256').update('two').digest('hex'))
    await expect.poll(() => stat(diskPath(before.object_id ?? '')).catch(({ code }) => code)).toBe('ENOENT')
    expect(await read('w/a.txt')).toBe('two')
  })

  test('on disk = referenced: after many writes, overwrites, removals and refusals', async () => {
    const paths = Array.from({ length: 40 }, (_, i) => `p/${i % 4}/${i % 3}/f${i % 7}`)
    await Promise.all(paths.map((path, i) => put(path, `content ${i}`)))
    await expect(put('p/1', 'a folder stands here')).rejects.toMatchObject({ code: 'conflict' })
    await expect(put('p/1/1/f1/below-a-file', 'x')).rejects.toMatchObject({ code: 'conflict' })
    await removeArtifacts(server.ctx, project.id, 'p/2')
    await removeArtifacts(server.ctx, project.id, 'p/none')
    await expect.poll(stored).toEqual(await referenced())
    expect((await listArtifacts(server.ctx, project.id, 'p')).map(({ name }) => name)).toEqual(['0', '1', '3'])
  })

  test('removals and writes of one tree at once leave no file without its folder', async () => {
    for (let round = 0; round < 5; round++) {
      await Promise.all([
        ...Array.from({ length: 6 }, (_, i) => put(`race/deep/er/f${i}`, 'x')),
        removeArtifacts(server.ctx, project.id, 'race/deep'),
        removeArtifacts(server.ctx, project.id, 'race'),
      ])
      const rows = await server.ctx.db
        .selectFrom('artifact_entries')
        .selectAll()
        .where((eb) => eb.or([eb('folder', '=', 'race'), eb('folder', 'like', 'race/%'), eb('name', '=', 'race')]))
        .execute()
      const folders = new Set(rows.filter((row) => row.object_id === null).map((row) => `${row.folder}/${row.name}`))
      for (const row of rows)
        if (row.folder !== '') expect(folders).toContain(row.folder.includes('/') ? row.folder : `/${row.folder}`)
    }
    await expect.poll(stored).toEqual(await referenced())
  })

  test('removing a folder takes nothing whose name begins alike', async () => {
    for (const path of ['pre/x', 'pre-x', 'pre.txt', 'pre0/x', 'prefix/x']) await put(`like/${path}`, path)
    await removeArtifacts(server.ctx, project.id, 'like/pre')
    expect((await listArtifacts(server.ctx, project.id, 'like')).map(({ name }) => name)).toEqual([
      'pre-x',
      'pre.txt',
      'pre0',
      'prefix',
    ])
    expect(await read('like/pre0/x')).toBe('pre0/x')
  })

  test('a folder of 10,000 files is listed whole and in pages', async () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => ({
      project_id: project.id,
      folder: 'many',
      name: `file-${String(i).padStart(5, '0')}`,
      object_id: `none-${i}`,
      size_bytes: i,
      sha256: null,
      modified_at_ms: 0,
    }))
    const { db } = server.ctx
    for (let i = 0; i < rows.length; i += 1_000)
      await db
        .insertInto('artifact_entries')
        .values(rows.slice(i, i + 1_000))
        .execute()
    const whole = (await api.get(ARTIFACTS, { path: 'many' })).body.files
    expect([whole.length, whole[9_999]]).toEqual([10_000, { path: 'file-09999', is_dir: false, file_size: 9_999 }])
    const run = await api.run()
    await db
      .updateTable('artifact_entries')
      .set({ folder: `0/${run}/artifacts` })
      .where('folder', '=', 'many')
      .execute()
    const names: string[] = []
    for (let after: string | null = ''; after !== null; ) {
      const query: string = after === '' ? '' : `&after=${after}`
      const { body } = await server.request(
        'GET',
        `/api/v1/projects/local/default/runs/${run}/artifacts?limit=3000${query}`,
      )
      names.push(...body.entries.map((file: { name: string }) => file.name))
      after = body.next
    }
    expect(names).toEqual(rows.map((row) => row.name))
    await db.deleteFrom('artifact_entries').where('folder', '=', `0/${run}/artifacts`).execute()
  })
})

describe('scrub', () => {
  const run = async () => {
    const findings: Finding[] = []
    const sum = await scrub(server.ctx, (finding) => findings.push(finding))
    return { sum, findings }
  }

  test('finds a flipped byte, a lost file and one that nobody needs, and says whose they are', async () => {
    expect((await run()).sum).toMatchObject({ damaged: 0, missing: 0, unreferenced: 0 })
    for (const name of ['flipped', 'lost', 'cut', 'unsummed']) await put(`scrub/${name}`, `the bytes of ${name}`)
    const flipped = await entry('flipped')
    await writeFile(diskPath(flipped.object_id ?? ''), 'the bytez of flipped')
    await rm(diskPath((await entry('lost')).object_id ?? ''))
    await truncate(diskPath((await entry('cut')).object_id ?? ''), 3)
    await server.ctx.db.updateTable('artifact_entries').set({ sha256: null }).where('name', '=', 'unsummed').execute()
    const orphan = await server.ctx.blobs.putObject(text('nobody'), { limitBytes: 100 })
    const content = await server.ctx.blobs.putContent(text('dataset'), { limitBytes: 100 })
    // What is young may belong to a change that is under way.
    expect((await run()).sum.unreferenced).toBe(0)
    const later = { ...server.ctx, now: () => Date.now() + 2 * 3600_000 }
    const findings: Finding[] = []
    const sum = await scrub(later, (finding) => findings.push(finding))
    expect(sum).toMatchObject({ damaged: 2, missing: 1, unreferenced: 2, unreferencedBytes: 13 })
    const of = (state: string) => findings.filter((finding) => finding.state === state)
    expect(of('damaged').map((finding) => finding.owners)).toEqual([
      ['local/default: artifact scrub/cut'],
      ['local/default: artifact scrub/flipped'],
    ])
    expect(of('damaged')[1]?.why).toContain(flipped.sha256)
    expect(of('missing')[0]?.owners).toEqual(['local/default: artifact scrub/lost'])
    expect(of('unreferenced').map(({ kind, id }) => [kind, id])).toEqual([
      ['objects', orphan.id],
      ['content', content.sha256],
    ])
    const unsummed = createHash('sha256').update('the bytes of unsummed').digest('hex')
    expect((await entry('unsummed')).sha256).toBe(unsummed)
    await removeArtifacts(server.ctx, project.id, 'scrub')
    await server.ctx.blobs.remove('objects', orphan.id)
    await server.ctx.blobs.remove('content', content.sha256)
  })
})

test('trainyard scrub: one line for each bad file, status 1 when there is one', async () => {
  const command = async () => {
    const { data, databaseUrl } = server.ctx.config
    const program = startProgram(['scrub', '--data', data, '--database-url', databaseUrl])
    return { status: await program.ended, output: program.output() }
  }
  const good = await command()
  expect(good.output).toMatch(/files \(\d+ bytes\) read: 0 damaged, 0 missing; 0 \(0 bytes\) unreferenced\.$/m)
  expect(good.status).toBe(0)
  await put('cli/bad', 'bytes')
  const { object_id: id } = await entry('bad')
  await writeFile(diskPath(id ?? ''), 'bytez')
  const bad = await command()
  expect(bad.output).toContain(`damaged\tobjects/${id}\tIts SHA-256 is `)
  expect(bad.output).toContain('\tlocal/default: artifact cli/bad\n')
  expect(bad.status).toBe(1)
  await removeArtifacts(server.ctx, project.id, 'cli')
})

describe('files of an earlier version', () => {
  test('are taken over once, links are not', async () => {
    const blobs = join(server.folder, 'blobs')
    const old = (path: string) => join(blobs, 'files', 'projects', project.id, 'artifacts', path)
    for (const [path, value] of [
      ['old/a/model.bin', 'bytes'],
      ['old/über.txt', 'text'],
    ] as const) {
      await mkdir(dirname(old(path)), { recursive: true })
      await writeFile(old(path), value)
    }
    await symlink('/etc/passwd', old('old/link'))
    await adoptNamedFiles(server.ctx, blobs)
    expect([await read('old/a/model.bin'), await read('old/über.txt')]).toEqual(['bytes', 'text'])
    expect((await entry('model.bin')).sha256).toBe(createHash('sha256').update('bytes').digest('hex'))
    await expect(read('old/link')).rejects.toMatchObject({ code: 'not_found' })
    await expect(stat(join(blobs, 'files'))).rejects.toMatchObject({ code: 'ENOENT' })
    await adoptNamedFiles(server.ctx, blobs)
    // Killed between the row and the removal: the newer file of the same name stays.
    await mkdir(dirname(old('old/a/model.bin')), { recursive: true })
    await writeFile(old('old/a/model.bin'), 'stale')
    await adoptNamedFiles(server.ctx, blobs)
    expect(await read('old/a/model.bin')).toBe('bytes')
  })
})

describe('a folder as a zip', () => {
  test('unpacks to the same files, wherever it is unpacked, and says its length beforehand', async () => {
    const run = await api.run()
    const folder = await mkdtemp(join(tmpdir(), 'trainyard-zip-'))
    const big = randomBytes(2_000_000)
    const root = `0/${run}/artifacts/model`
    await putArtifact(server.ctx, project, `${root}/data/weights.bin`, Readable.from([big]))
    for (const [name, value] of [
      ['MLmodel', 'flavors'],
      ['empty', ''],
      ['ünïcode 日本.txt', 'name'],
      ['con.txt', 'device'],
      ['ab:c', 'stream'],
    ] as const)
      await put(`${root}/${name}`, value)
    const url = `${server.url}/api/v1/projects/local/default/runs/${run}/artifacts/archive`
    const answer = await fetch(`${url}?path=model`)
    const bytes = Buffer.from(await answer.arrayBuffer())
    expect(answer.headers.get('content-type')).toBe('application/zip')
    expect(answer.headers.get('content-disposition')).toContain('filename="model.zip"')
    expect(answer.headers.get('content-security-policy')).toContain('sandbox')
    expect(Number(answer.headers.get('content-length'))).toBe(bytes.length)
    await writeFile(join(folder, 'model.zip'), bytes)
    const unpack =
      'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; z.extractall(sys.argv[2])'
    await promisify(execFile)('python3', ['-c', unpack, join(folder, 'model.zip'), join(folder, 'out')])
    const out = (name: string) => readFile(join(folder, 'out', name))
    expect((await out('data/weights.bin')).equals(big)).toBe(true)
    expect(await readdir(join(folder, 'out'))).toEqual(
      ['MLmodel', '_con.txt', 'ab_c', 'data', 'empty', 'ünïcode 日本.txt'].sort(),
    )
    expect((await out('ünïcode 日本.txt')).toString()).toBe('name')
    await rm(folder, { recursive: true })
    expect((await fetch(`${url}?path=none`)).status).toBe(404)
    expect((await fetch(`${url}?path=..%2f..`)).status).toBe(400)
    expect((await fetch(url)).status).toBe(200)
  })

  test('a file that is damaged meanwhile breaks the download off: no archive passes for whole that is not', async () => {
    const run = await api.run()
    await put(`0/${run}/artifacts/a`, 'first')
    await put(`0/${run}/artifacts/b`, 'x'.repeat(100_000))
    const rows = await server.ctx.db
      .selectFrom('artifact_entries')
      .selectAll()
      .where('folder', '=', `0/${run}/artifacts`)
      .orderBy('name')
      .execute()
    await truncate(diskPath(rows[1]?.object_id ?? ''), 10)
    const answer = await fetch(`${server.url}/api/v1/projects/local/default/runs/${run}/artifacts/archive`)
    await expect(answer.arrayBuffer()).rejects.toThrow()
    await removeArtifacts(server.ctx, project.id, `0/${run}`)
  })

  test('zip slip: names that lead nowhere else on any system', () => {
    expect(archiveName('model/data.bin')).toBe('model/data.bin')
    expect(archiveName('a:b/c|d/con/nul.txt/x. ')).toBe('a_b/c_d/_con/_nul.txt/x_')
  })
})
