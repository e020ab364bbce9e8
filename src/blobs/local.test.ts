import { mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blobStoreCases } from '../../tests/harness/blob-store.ts'
import { newId } from '../lib/ids.ts'
import { openLocalStore } from './local.ts'
import type { BlobStore } from './store.ts'

blobStoreCases(
  'folder',
  async () => {
    const root = await mkdtemp(join(tmpdir(), 'trainyard-blobs-'))
    return {
      store: await openLocalStore(root, { sweep: true }),
      close: () => rm(root, { recursive: true, force: true }),
    }
  },
  { large: 3_000_000 },
)

describe('a folder', () => {
  let root: string
  let store: BlobStore
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'trainyard-blobs-'))
    store = await openLocalStore(root, { sweep: true })
  })
  afterAll(() => rm(root, { recursive: true, force: true }))
  const put = (text: string) => store.putObject(Readable.from([Buffer.from(text)]), { limitBytes: 1_000 })
  const pathOf = (id: string) => join(root, 'objects', id.slice(-2), id)

  test("files are nobody else's to read (row 24, temp files 0600 in a 0700 dir)", async () => {
    const { id } = await put('mine')
    expect((await stat(pathOf(id))).mode & 0o777).toBe(0o600)
    for (const folder of ['tmp', 'uploads', 'objects', join('objects', id.slice(-2))])
      expect((await stat(join(root, folder))).mode & 0o777, folder).toBe(0o700)
  })

  test('symlink-read: a link in the store is never followed', async () => {
    const secret = join(root, 'secret')
    await writeFile(secret, 'secret')
    const { id } = await put('replaced by a link')
    await rm(pathOf(id))
    await symlink(secret, pathOf(id))
    await expect(store.openObject(id)).rejects.toMatchObject({ code: 'not_found' })
    expect((await Array.fromAsync(store.list('objects'))).map((entry) => entry.id)).not.toContain(id)
  })

  test('a file cut short breaks the download off instead of passing for the whole', async () => {
    const { id } = await put('0123456789')
    const { stream } = await store.openObject(id)
    await truncate(pathOf(id), 4)
    await expect(Array.fromAsync(stream)).rejects.toThrow('too early')
  })

  test('temporary files of a killed server go at the next start; parts of an upload stay', async () => {
    await writeFile(join(root, 'tmp', 'half'), 'half a file')
    const upload = await store.uploads.start()
    await openLocalStore(root, { sweep: false })
    expect(await readdir(join(root, 'tmp'))).toEqual(['half'])
    await openLocalStore(root, { sweep: true })
    expect(await readdir(join(root, 'tmp'))).toEqual([])
    expect(await readdir(join(root, 'uploads'))).toEqual([upload.objectId])
  })

  test('parts come in any order, the last before its place is known, and again', async () => {
    const upload = await store.uploads.start()
    const send = (partNumber: number, offset: number | null, text: string) =>
      store.uploads.putPart(upload, { partNumber, offset, sizeBytes: text.length }, Readable.from([Buffer.from(text)]))
    const last = await send(3, null, 'end')
    expect(last).toBe('7f021a1415b86f2d013b2618fb31ae53')
    await send(2, 4, 'wron')
    const parts = [await send(1, 0, 'aaaa'), await send(2, 4, 'bbbb'), last]
    const listed = parts.map((etag, i) => ({ partNumber: i + 1, etag }))
    await expect(
      store.uploads.putPart(upload, { partNumber: 1, offset: 0, sizeBytes: 9 }, Readable.from([Buffer.from('short')])),
    ).rejects.toMatchObject({ code: 'bad_request' })
    await send(1, 0, 'aaaa')
    await send(2, 4, 'bbbb')
    expect(await store.uploads.complete(upload, listed, 11)).toEqual({ sizeBytes: 11 })
    expect(await readFile(pathOf(upload.objectId), 'utf8')).toBe('aaaabbbbend')
    // Asked again by a server that was killed before it had written the file's row.
    expect(await store.uploads.complete(upload, listed, 11)).toEqual({ sizeBytes: 11 })
    await expect(send(1, 0, 'late')).rejects.toMatchObject({ code: 'not_found' })
    expect(await readdir(join(root, 'uploads'))).not.toContain(upload.objectId)
    await store.uploads.abort({ objectId: newId(), storeUploadId: '' })
  })
})
