import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mlflowApi } from '../../../tests/harness/mlflow.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { findArtifact, openArtifact } from './artifacts.service.ts'
import { checkLink, signLink } from './links.service.ts'
import { ARTIFACT_TASKS, abortUpload, completeUpload, receivePart, startUpload } from './uploads.service.ts'

let server: TestServer
let project: { id: string }
beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0', uploadLimitBytes: '5000' })
  await mlflowApi(server).run()
  project = await server.ctx.db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
})
afterAll(() => server.close())

const send = async (id: string, partNumber: number, text: string) => ({
  partNumber,
  etag: await receivePart(server.ctx, id, { partNumber, sizeBytes: text.length }, Readable.from([Buffer.from(text)])),
})
const complete = (path: string, id: string, parts: { partNumber: number; etag: string }[]) =>
  completeUpload(server.ctx, project, path, id, parts, async () => {})
const waiting = () => readdir(join(server.folder, 'blobs', 'uploads'))

test('parts of one size make the file, in whatever order they come; its checksum follows', async () => {
  const parts = ['a'.repeat(1_000), 'b'.repeat(1_000), 'c'.repeat(10)]
  for (const order of [
    [1, 2, 3],
    [3, 2, 1],
    [2, 3, 1],
  ]) {
    const path = `parts/${order.join('')}`
    const { id } = await startUpload(server.ctx, project, path, 3)
    const sent = []
    for (const number of order) sent.push(await send(id, number, parts[number - 1] ?? ''))
    await complete(path, id, sent)
    const { stream } = await openArtifact(server.ctx, project.id, path)
    expect(Buffer.concat(await Array.fromAsync(stream)).toString()).toBe(parts.join(''))
    const sha256 = createHash('sha256').update(parts.join('')).digest('hex')
    await expect.poll(async () => (await findArtifact(server.ctx, project.id, path)).sha256).toBe(sha256)
  }
  expect(await waiting()).toEqual([])
})

test('what does not fit together is refused', async () => {
  const refused = { code: 'bad_request' }
  const { id } = await startUpload(server.ctx, project, 'odd', 3)
  await send(id, 1, 'x'.repeat(100))
  await expect(send(id, 2, 'x'.repeat(99))).rejects.toMatchObject(refused)
  await expect(send(id, 3, 'x'.repeat(101))).rejects.toMatchObject(refused)
  for (const number of [0, 4, -1, 1.5, Number.NaN]) await expect(send(id, number, 'x')).rejects.toMatchObject(refused)
  await expect(send(id, 1, 'x'.repeat(5_001))).rejects.toMatchObject(refused)
  await expect(complete('odd', id, [{ partNumber: 1, etag: 'x' }])).rejects.toMatchObject(refused)
  await abortUpload(server.ctx, project, 'odd', id)
  const large = await startUpload(server.ctx, project, 'large', 6)
  await send(large.id, 1, 'x'.repeat(1_000))
  await expect(send(large.id, 5, 'x'.repeat(1_001))).rejects.toMatchObject(refused)
  await expect(send(large.id, 6, 'x')).rejects.toMatchObject({ code: 'payload_too_large' })
  await abortUpload(server.ctx, project, 'large', large.id)
  // The last part came first, and is larger than the others turn out to be.
  const last = await startUpload(server.ctx, project, 'last', 2)
  const parts = [await send(last.id, 2, 'x'.repeat(20)), await send(last.id, 1, 'y'.repeat(10))]
  await expect(complete('last', last.id, parts)).rejects.toMatchObject(refused)
  await abortUpload(server.ctx, project, 'last', last.id)
  expect(await waiting()).toEqual([])
})

test('an upload that nobody ends is swept with its parts, one that ended keeps its file', async () => {
  const open = await startUpload(server.ctx, project, 'never', 2)
  await send(open.id, 1, 'part')
  const done = await startUpload(server.ctx, project, 'ended', 1)
  await complete('ended', done.id, [await send(done.id, 1, 'kept')])
  const queued = await server.ctx.db
    .selectFrom('tasks')
    .select(['payload', 'run_after_ms'])
    .where('kind', '=', 'artifacts.upload-expired')
    .execute()
  const uploads = await server.ctx.db.selectFrom('artifact_uploads').selectAll().execute()
  for (const { id } of [open, done]) {
    const task = queued.find((row) => row.payload.includes(id))
    const row = uploads.find((upload) => upload.id === id)
    expect(task?.run_after_ms).toBe(row?.expires_at_ms)
    expect(Number(row?.expires_at_ms) - Number(row?.created_at_ms)).toBe(24 * 3600_000)
    for (const _twice of [1, 2])
      await ARTIFACT_TASKS['artifacts.upload-expired']?.(server.ctx, { upload_id: id }, new AbortController().signal)
  }
  expect(await waiting()).toEqual([])
  await expect(send(open.id, 2, 'late')).rejects.toMatchObject({ code: 'not_found' })
  expect((await findArtifact(server.ctx, project.id, 'ended')).sizeBytes).toBe(4)
  expect(await server.ctx.db.selectFrom('artifact_upload_parts').selectAll().execute()).toEqual([])
})

test('a link opens what it was made for, until it is over', async () => {
  const target = { method: 'GET' as const, resource: 'object/1' }
  const link = await signLink(server.ctx, target, 60)
  await checkLink(server.ctx, target, link)
  const over = { ...server.ctx, now: () => Date.now() + 62_000 }
  await expect(checkLink(over, target, link)).rejects.toMatchObject({ code: 'not_found' })
  const wrong = [
    [{ ...target, resource: 'object/2' }, link],
    [{ ...target, method: 'PUT' as const }, link],
    [target, { ...link, expires: String(Number(link.expires) + 1) }],
    [target, { ...link, signature: link.signature.slice(1) }],
    [target, { expires: '', signature: '' }],
  ] as const
  for (const [what, given] of wrong)
    await expect(checkLink(server.ctx, what, given)).rejects.toMatchObject({ code: 'not_found' })
})
