import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from '../../../tests/harness/datasets.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { actions, attempt, readEverything, stream } from '../../../tests/harness/store-actions.ts'
import { age, inDatabase, onDisk, seeded, tasksDone } from '../../../tests/harness/store-model.ts'
import { type Context, inTransaction } from '../../context.ts'
import { isPostgres } from '../../db/dialect.ts'
import { LOCAL, SYSTEM } from '../../lib/actor.ts'
import { AppError } from '../../lib/errors.ts'
import { holdContent, missingContent, storeContent } from '../datasets/content.service.ts'
import { addVersion } from '../datasets/versions.service.ts'
import { addProject, type Project } from '../projects/projects.service.ts'
import { DEFAULT_GRACE_MS, reclaim, sweepBlobs } from './reclaim.service.ts'
import { aboutToBeSwept } from './references.service.ts'
import { REFERENCES } from './references.store.ts'

let server: TestServer
let ctx: Context
let blobs: string
beforeAll(async () => {
  server = await startTestServer()
  ctx = server.ctx
  blobs = join(server.folder, 'blobs')
})
afterAll(() => server.close())

const SWEEP = { dryRun: false, graceMs: DEFAULT_GRACE_MS }

describe('bytes on disk = bytes referenced', () => {
  for (const seed of [1, 20_261_122]) {
    it(`after any sequence of uploads, deletions and sweeps, also at once (seed ${seed})`, async () => {
      const random = seeded(seed)
      const projects = [
        await addProject(ctx, LOCAL, { owner: 'local', name: `left-${seed}` }),
        await addProject(ctx, LOCAL, { owner: 'local', name: `right-${seed}` }),
      ]
      const all = actions(ctx, random, projects)
      const some = async (count: number) => {
        for (let i = 0; i < count; i++) await attempt(random.one(all) as () => Promise<unknown>)
      }
      for (let round = 0; round < 5; round++) {
        await some(35)
        await age(ctx, blobs)
        // The sweep, and others at work on the same contents.
        await Promise.all([reclaim(ctx, SYSTEM, SWEEP), some(10), some(10)])
        const disk = new Set(await onDisk(ctx))
        expect((await inDatabase(ctx)).filter((blob) => !disk.has(blob))).toEqual([])
      }
      for (const kind of ['recycling.sweep', 'recycling.purge-experiment']) await tasksDone(ctx, kind)
      await age(ctx, blobs)
      const dry = await reclaim(ctx, SYSTEM, { ...SWEEP, dryRun: true })
      const before = await onDisk(ctx)
      const report = await reclaim(ctx, SYSTEM, SWEEP)
      expect(dry.content.unreferencedBytes).toBe(report.content.unreferencedBytes)
      expect(dry.objects.unreferencedBytes).toBe(report.objects.unreferencedBytes)
      const after = await onDisk(ctx)
      expect(before.length - after.length).toBe(report.content.unreferencedBlobs + report.objects.unreferencedBlobs)
      expect(after).toEqual(await inDatabase(ctx))
      expect(report.content.missingBlobs + report.objects.missingBlobs).toBe(0)
      expect(await readEverything(ctx)).toBeGreaterThan(10)
      const again = await reclaim(ctx, SYSTEM, SWEEP)
      expect(again.content).toMatchObject({ unreferencedBlobs: 0, bytes: report.content.referencedBytes })
      expect(again.objects).toMatchObject({ unreferencedBlobs: 0, bytes: report.objects.referencedBytes })
    }, 60_000)
  }
})

describe('a sweep beside an upload', () => {
  const unused = async (text: string) => {
    const stored = await ctx.blobs.putContent(stream(text), { limitBytes: 1_000 })
    await age(ctx, blobs)
    return stored.sha256
  }
  let project: Project
  beforeAll(async () => {
    project = await addProject(ctx, LOCAL, { owner: 'local', name: 'race' })
  })

  it('keeps old content that is sent again after the sweep has listed it', async () => {
    const hash = await unused('listed, then sent')
    const list = async function* (kind: 'content' | 'objects') {
      for await (const blob of ctx.blobs.list(kind)) {
        yield blob
        if (blob.id === hash) await storeContent(ctx, project, stream('listed, then sent'), hash)
      }
    }
    await reclaim({ ...ctx, blobs: { ...ctx.blobs, list } }, SYSTEM, SWEEP)
    expect(await ctx.blobs.hasContent(hash)).toBe(true)
    expect(await missingContent(ctx, project.id, [hash])).toEqual([])
  })

  it('never leaves a reference to content that it removes in the same moment', async () => {
    const text = 'condemned, then sent'
    const hash = await unused(text)
    let upload: Promise<unknown> | undefined
    const remove = async (kind: 'content' | 'objects', id: string) => {
      if (id === hash) {
        // It is condemned: who sends it now must wait for the end of the sweep.
        upload = storeContent(ctx, project, stream(text), hash).catch((error: unknown) => error)
        while (!(await written(hash))) await new Promise((resolve) => setImmediate(resolve))
      }
      await ctx.blobs.remove(kind, id)
    }
    // The upload has put its bytes when the old file's date is young again.
    const written = async (id: string) => {
      for await (const blob of ctx.blobs.list('content'))
        if (blob.id === id) return blob.modifiedAtMs > Date.now() - 60_000
      return false
    }
    await reclaim({ ...ctx, blobs: { ...ctx.blobs, remove } }, SYSTEM, SWEEP)
    const outcome = await upload
    expect(outcome).toBeInstanceOf(AppError)
    expect((outcome as AppError).code).toBe('unavailable')
    expect(await missingContent(ctx, project.id, [hash])).toEqual([hash])
    await storeContent(ctx, project, stream(text), hash)
    expect(await ctx.blobs.hasContent(hash)).toBe(true)
  })

  it('waits for a transaction that is writing a reference', async () => {
    const text = 'being referred to'
    const hash = await unused(text)
    let begun = () => {}
    const started = new Promise<void>((resolve) => {
      begun = resolve
    })
    let finish = () => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    const writing = inTransaction(ctx, async (tx) => {
      expect(await aboutToBeSwept(tx, 'content', [hash])).toBe(false)
      await tx.db
        .insertInto('project_blobs')
        .values({ project_id: project.id, sha256: hash, size_bytes: 1, created_at_ms: Date.now() })
        .execute()
      begun()
      await finished
    })
    await started
    const sweeping = reclaim(ctx, SYSTEM, SWEEP)
    for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve))
    finish()
    await Promise.all([writing, sweeping])
    expect(await ctx.blobs.hasContent(hash)).toBe(true)
  })

  it('asks again, in the transaction that condemns, whether something refers to it', async () => {
    const { sha256: hash } = await storeContent(ctx, project, stream('referred to meanwhile'))
    await age(ctx, blobs)
    // As if the reference had been written after the sweep took it for unused.
    expect(await sweepBlobs(ctx, 'content', [hash, await unused('really unused')])).toHaveLength(1)
    expect(await ctx.blobs.hasContent(hash)).toBe(true)
  })

  it('takes content away from a version that is being made, rather than leave it without', async () => {
    const text = 'asked for long ago'
    await storeContent(ctx, project, stream(text))
    await age(ctx, blobs)
    await reclaim(ctx, SYSTEM, SWEEP)
    const file = { path: 'a.bin', sha256: sha256(text), sizeBytes: Buffer.byteLength(text) }
    await expect(inTransaction(ctx, (tx) => holdContent(tx, project.id, [file]))).rejects.toThrow('upload it first')
  })

  it('keeps for the grace time what somebody was told is here', async () => {
    const text = 'told that it is here'
    await storeContent(ctx, project, stream(text))
    await age(ctx, blobs)
    expect(await missingContent(ctx, project.id, [sha256(text)])).toEqual([])
    await reclaim(ctx, SYSTEM, SWEEP)
    const files = [{ path: 'a.bin', sha256: sha256(text), sizeBytes: Buffer.byteLength(text) }]
    await addVersion(ctx, LOCAL, project, { dataset: 'told', files })
    expect(await ctx.blobs.hasContent(sha256(text))).toBe(true)
  })
})

describe('reclaim', () => {
  it('knows every column that refers to a blob', async () => {
    const { rows } = await (isPostgres(ctx.db)
      ? sql<{
          t: string
          c: string
        }>`SELECT table_name AS t, column_name AS c FROM information_schema.columns WHERE table_schema = 'public'`
      : sql<{
          t: string
          c: string
        }>`SELECT m.name AS t, c.name AS c FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table'`
    ).execute(ctx.db)
    const known = Object.values(REFERENCES)
      .flat()
      .map(([table, column]) => `${table}.${column}`)
    // Checksums of what another column refers to.
    const checksums = ['artifact_entries.sha256']
    const like = rows.map(({ t, c }) => `${t}.${c}`).filter((name) => /sha256|object_id|blob_id/.test(name))
    expect(like.filter((name) => !known.includes(name) && !checksums.includes(name))).toEqual([])
    expect(known.filter((name) => !like.includes(name))).toEqual([])
  })

  it('refuses a grace time in which an upload could be under way', async () => {
    await expect(reclaim(ctx, SYSTEM, { dryRun: true, graceMs: 1_000 })).rejects.toThrow('at least 10 minutes')
  })

  it('is asked for by administrators, done after the answer, and leaves its report', async () => {
    const token = await server.user('root', { isAdmin: true })
    const other = await server.user('guest')
    expect((await server.request('POST', '/api/v1/reclaims', { body: {}, token: other })).status).toBe(403)
    const asked = await server.request('POST', '/api/v1/reclaims', { body: { dry_run: true }, token })
    expect(asked.status).toBe(202)
    await tasksDone(ctx, 'recycling.reclaim')
    const done = await server.request('GET', `/api/v1/reclaims/${asked.body.id}`, { token })
    expect(done.body).toMatchObject({ state: 'done', dry_run: true, asked_by: 'root', error: null })
    expect(done.body.report.content.missing_blobs).toBe(0)
    expect((await server.request('GET', '/api/v1/reclaims', { token })).body.reclaims).toHaveLength(1)
    expect((await server.request('POST', '/api/v1/reclaims', { body: { grace_minutes: 1 }, token })).status).toBe(400)
  })
})
