import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BlobStore } from '../../src/blobs/store.ts'
import { newId } from '../../src/lib/ids.ts'

export type OpenedStore = { store: BlobStore; close(): Promise<void> }

const LIMIT = { limitBytes: 64 * 1024 * 1024 }
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
/** In pieces as they come from a socket. */
const stream = (bytes: Buffer, piece = 65_536) =>
  Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece)
    })(),
  )
const breaksOff = (bytes: Buffer) =>
  Readable.from(
    (function* () {
      yield bytes
      throw new Error('the client went away')
    })(),
  )
async function read(opened: Promise<{ stream: Readable }>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync((await opened).stream as AsyncIterable<Buffer>))
}
async function ids(store: BlobStore, kind: 'content' | 'objects'): Promise<string[]> {
  return (await Array.fromAsync(store.list(kind))).map(({ id }) => id)
}

/**
 * What every blob store does, whatever is behind it.
 * @param traits.large bytes of a file that this store takes in several pieces
 * @param traits.isMoto moto says of every upload in parts that it was begun in 2010, and answers 500 for one it forgot
 */
export function blobStoreCases(
  name: string,
  open: () => Promise<OpenedStore>,
  { large, isMoto = false }: { large: number; isMoto?: boolean },
): void {
  describe(`blob store: ${name}`, () => {
    let opened: OpenedStore
    let store: BlobStore
    beforeAll(async () => {
      opened = await open()
      store = opened.store
    })
    afterAll(() => opened.close())

    test('content is found by its hash, whole and in ranges, and again after it came twice', async () => {
      for (const bytes of [Buffer.alloc(0), Buffer.from('x'), randomBytes(100_000), randomBytes(large)]) {
        const stored = { sha256: sha256(bytes), sizeBytes: bytes.length }
        expect(await store.hasContent(stored.sha256)).toBe(false)
        expect(await store.putContent(stream(bytes), LIMIT)).toEqual(stored)
        const again = await store.putContent(stream(bytes), { ...LIMIT, expectedSha256: stored.sha256 })
        expect(again).toEqual(stored)
        expect(await store.hasContent(stored.sha256)).toBe(true)
        expect((await read(store.openContent(stored.sha256))).equals(bytes)).toBe(true)
      }
      const bytes = randomBytes(large)
      const { sha256: hash } = await store.putContent(stream(bytes), LIMIT)
      for (const [start, end] of [
        [0, 0],
        [1, 99],
        [large - 1, large - 1],
        [large >> 1, large - 2],
      ] as const) {
        const part = await store.openContent(hash, { start, end })
        expect(part.sizeBytes).toBe(large)
        expect((await read(Promise.resolve(part))).equals(bytes.subarray(start, end + 1))).toBe(true)
      }
    })

    test('a path holds the content for readers that need a file', async () => {
      const bytes = randomBytes(70_000)
      const { sha256: hash } = await store.putContent(stream(bytes), LIMIT)
      const { readFile } = await import('node:fs/promises')
      const [one, two] = await Promise.all([store.contentPath(hash), store.contentPath(hash)])
      expect((await readFile(one)).equals(bytes)).toBe(true)
      expect(two).toBe(one)
      await expect(store.contentPath('0'.repeat(64))).rejects.toMatchObject({ code: 'not_found' })
    })

    test('objects are found by the id the store makes; equal bytes are two of them', async () => {
      const bytes = randomBytes(large)
      const first = await store.putObject(stream(bytes), { ...LIMIT, sizeBytes: large })
      const second = await store.putObject(stream(bytes), LIMIT)
      expect(first).toEqual({ id: first.id, sha256: sha256(bytes), sizeBytes: large })
      expect(second.id).not.toBe(first.id)
      expect((await read(store.openObject(first.id, { start: 5, end: large - 5 }))).length).toBe(large - 9)
      await store.remove('objects', first.id)
      await store.remove('objects', first.id)
      await expect(store.openObject(first.id)).rejects.toMatchObject({ code: 'not_found' })
      expect((await read(store.openObject(second.id))).equals(bytes)).toBe(true)
    })

    test('what may not be kept leaves nothing behind', async () => {
      const before = [await ids(store, 'content'), await ids(store, 'objects')]
      const bytes = randomBytes(large)
      const refused = [
        [{ limitBytes: large - 1 }, 'payload_too_large'],
        [{ limitBytes: 10, sizeBytes: large }, 'payload_too_large'],
        [{ ...LIMIT, sizeBytes: large + 1 }, 'bad_request'],
        [{ ...LIMIT, expectedSha256: sha256(Buffer.from('other')) }, 'unprocessable'],
      ] as const
      for (const [options, code] of refused) {
        await expect(store.putContent(stream(bytes), options)).rejects.toMatchObject({ code })
        await expect(store.putObject(stream(bytes), options)).rejects.toMatchObject({ code })
      }
      for (const sent of [randomBytes(1_000), bytes]) {
        await expect(store.putContent(breaksOff(sent), LIMIT)).rejects.toThrow('the client went away')
        await expect(store.putObject(breaksOff(sent), LIMIT)).rejects.toThrow('the client went away')
      }
      expect([await ids(store, 'content'), await ids(store, 'objects')]).toEqual(before)
    })

    test('what is no hash and no id is not there', async () => {
      for (const id of ['', 'x', '../../etc/passwd', 'A'.repeat(64), `${'0'.repeat(63)}/`]) {
        await expect(store.openContent(id)).rejects.toMatchObject({ code: 'not_found' })
        await expect(store.openObject(id)).rejects.toMatchObject({ code: 'not_found' })
      }
      await expect(store.openObject(newId())).rejects.toMatchObject({ code: 'not_found' })
    })

    test('lists what there is, with sizes', async () => {
      const { id } = await store.putObject(stream(Buffer.from('12345')), LIMIT)
      const { sha256: hash } = await store.putContent(stream(Buffer.from('listed')), LIMIT)
      const objects = await Array.fromAsync(store.list('objects'))
      const found = objects.find((entry) => entry.id === id)
      expect(found?.sizeBytes).toBe(5)
      expect(Math.abs((found?.modifiedAtMs ?? 0) - Date.now())).toBeLessThan(60_000)
      expect(await ids(store, 'content')).toContain(hash)
      await store.remove('content', hash)
      expect(await store.hasContent(hash)).toBe(false)
    })

    test('an upload that was never ended is swept, one that goes on is not', async () => {
      const upload = await store.uploads.start()
      if (!isMoto) expect(await store.sweep(Date.now() - 3600_000)).toBe(0)
      expect(await store.sweep(Date.now() + 60_000)).toBe(1)
      await expect(store.uploads.complete(upload, [{ partNumber: 1, etag: 'x' }], 1)).rejects.toMatchObject({
        code: isMoto ? 'unavailable' : 'not_found',
      })
      await store.uploads.abort(upload)
    })
  })
}
