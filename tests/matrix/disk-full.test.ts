import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clusterMissing, createCluster, type PostgresCluster } from '../harness/postgres-cluster.ts'
import { type Program, startProgram } from '../harness/process.ts'
import { openSmallDisk, type SmallDisk, smallDiskMissing } from '../harness/small-disk.ts'

/** The disk is filled to the last byte while 8 writers are at work, and emptied again: on the real server, with a real disk. */
const missing = smallDiskMissing()
if (missing !== null) console.log(`!! SKIPPED: what a full disk does is not tested, ${missing}.`)
const noCluster = missing ?? clusterMissing()
if (missing === null && noCluster !== null)
  console.log(`!! SKIPPED: what a full disk does to PostgreSQL is not tested, ${noCluster}.`)

// biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
type Answer = { status: number; body: any; retryAfter: string | null }
const ARTIFACTS = '/api/2.0/mlflow-artifacts'
const PROJECT = '/api/v1/projects/local/default'
const KEPT = randomBytes(1_000_000)
const MLFLOW_FULL = { status: 507, retryAfter: '60', body: { error_code: 'RESOURCE_EXHAUSTED' } }
const OUR_FULL = { status: 507, retryAfter: '60', body: { error: { code: 'storage_full' } } }

let disk: SmallDisk
let server: Program
let url: string
beforeEach(async () => {
  if (missing === null) disk = await openSmallDisk(128)
})
afterEach(async () => {
  server?.kill('SIGKILL')
  await server?.ended
  await disk?.close()
})

const dataFolder = () => join(disk.path, 'data')

async function start(...more: string[]): Promise<void> {
  server = startProgram(['serve', '--port', '0', '--data', dataFolder(), '--log-level', 'error', ...more])
  ;[, url = ''] = await server.saw(/ready at (http\S+)/)
}

async function ask(method: string, path: string, content?: object | Uint8Array): Promise<Answer> {
  const isBytes = content instanceof Uint8Array
  const answer = await fetch(path.startsWith('http') ? path : url + path, {
    method,
    headers: content === undefined ? {} : { 'content-type': `application/${isBytes ? 'octet-stream' : 'json'}` },
    ...(content === undefined ? {} : { body: isBytes ? (content as BodyInit) : JSON.stringify(content) }),
    signal: AbortSignal.timeout(15_000),
  })
  const isJson = answer.headers.get('content-type')?.includes('json') ?? false
  return {
    status: answer.status,
    body: isJson ? await answer.json() : Buffer.from(await answer.arrayBuffer()),
    retryAfter: answer.headers.get('retry-after'),
  }
}
const post = (path: string, body: object) => ask('POST', `/api/2.0/mlflow/${path}`, body)

async function newRun(name: string): Promise<Answer> {
  return post('runs/create', { experiment_id: '0', start_time: 1, run_name: name })
}
const batch = (run: string, step: number) => ({
  run_id: run,
  metrics: Array.from({ length: 300 }, (_, i) => ({ key: `m${i}`, value: Math.random(), timestamp: 1, step })),
  params: Array.from({ length: 50 }, (_, i) => ({ key: `p${step}-${i}`, value: 'x'.repeat(200) })),
  tags: [{ key: 'newest', value: String(step) }],
})

/** How many batches each run acknowledged. */
type Kept = Map<string, number>

/** Writes runs of up to ten batches until one is refused for want of space; the refused one must leave nothing. */
async function writeUntilFull(kept: Kept): Promise<void> {
  for (;;) {
    const made = await newRun('under load')
    if (made.status !== 200) return expect(made).toMatchObject(MLFLOW_FULL)
    const run: string = made.body.run.info.run_id
    for (let step = 1; step <= 10; step++) {
      kept.set(run, step - 1)
      const answer = await post('runs/log-batch', batch(run, step))
      if (answer.status !== 200) return expect(answer).toMatchObject(MLFLOW_FULL)
    }
    kept.set(run, 10)
  }
}

/** All that was acknowledged is there, and nothing of what was refused. */
async function expectKept(kept: Kept, others: string[]): Promise<void> {
  const found: string[] = []
  for (let token: string | undefined; ; ) {
    const { body } = await post('runs/search', { experiment_ids: ['0'], max_results: 500, page_token: token })
    for (const { info, data } of body.runs ?? []) {
      found.push(info.run_id)
      const batches = kept.get(info.run_id)
      if (batches === undefined) continue
      expect(data.params?.length ?? 0).toBe(50 * batches)
      expect(data.tags.find((tag: { key: string }) => tag.key === 'newest')?.value).toBe(
        batches === 0 ? undefined : String(batches),
      )
    }
    token = body.next_page_token
    if (token === undefined) break
  }
  expect(found.sort()).toEqual([...kept.keys(), ...others].sort())
  for (const [run, batches] of kept) {
    const history = await ask('GET', `/api/2.0/mlflow/metrics/get-history?run_id=${run}&metric_key=m299`)
    expect((history.body.metrics ?? []).map((point: { step: number }) => Number(point.step))).toEqual(
      Array.from({ length: batches }, (_, i) => i + 1),
    )
  }
}

async function expectReads(run: string): Promise<void> {
  expect((await ask('GET', `/api/2.0/mlflow/runs/get?run_id=${run}`)).body.run.info.run_id).toBe(run)
  expect((await post('runs/search', { experiment_ids: ['0'], order_by: ['metrics.m1 DESC'] })).body.runs).toBeDefined()
  expect((await ask('GET', `${ARTIFACTS}/artifacts/0/${run}/artifacts/kept.bin`)).body.equals(KEPT)).toBe(true)
  expect((await ask('GET', `${PROJECT}/runs/${run}`)).status).toBe(200)
  for (const path of ['/health', '/ready', '/api/config/']) expect((await ask('GET', path)).status, path).toBe(200)
}

/** A run with a file, and an upload in parts that has begun. */
async function begin(): Promise<{ run: string; root: string; parts: { url: string }[]; uploadId: string }> {
  const run: string = (await newRun('before')).body.run.info.run_id
  const root = `0/${run}/artifacts`
  expect((await ask('PUT', `${ARTIFACTS}/artifacts/${root}/kept.bin`, KEPT)).status).toBe(200)
  const begun = await ask('POST', `${ARTIFACTS}/mpu/create/${root}`, { path: 'parts.bin', num_parts: 2 })
  return { run, root, parts: begun.body.credentials, uploadId: begun.body.upload_id }
}

/** Every way in for bytes is refused in the words of its door, and leaves none of them. */
async function expectNoBytesTaken({ root, parts }: Awaited<ReturnType<typeof begin>>): Promise<void> {
  const large = randomBytes(12_000_000)
  for (const bytes of [large, large.subarray(0, 9_000)]) {
    expect(await ask('PUT', `${ARTIFACTS}/artifacts/${root}/refused.bin`, bytes)).toMatchObject(MLFLOW_FULL)
    const hash = createHash('sha256').update(bytes).digest('hex')
    expect(await ask('PUT', `${PROJECT}/blobs/${hash}`, bytes)).toMatchObject(OUR_FULL)
  }
  for (const part of parts) expect(await ask('PUT', part.url, large)).toMatchObject(MLFLOW_FULL)
  const listed = await ask('GET', `${ARTIFACTS}/artifacts?path=${root}`)
  expect(listed.body.files.map((file: { path: string }) => file.path)).toEqual(['kept.bin'])
  expect(await readdir(join(dataFolder(), 'blobs', 'tmp'))).toEqual([])
}

/** SQLite writes on in space that it has already: a small change is refused when that is used up. @returns how many fitted */
async function refusedAtLast(change: (i: number) => Promise<Answer>, refusal: object): Promise<number> {
  for (let i = 0; i < 20_000; i++) {
    const answer = await change(i)
    if (answer.status < 300) continue
    expect(answer).toMatchObject(refusal)
    return i
  }
  throw new Error('20,000 changes were taken on a full disk.')
}

/** The same requests again, now that there is space: no restart in between. */
async function expectBytesTaken({ root, parts, uploadId }: Awaited<ReturnType<typeof begin>>): Promise<void> {
  const large = randomBytes(12_000_000)
  expect((await ask('PUT', `${ARTIFACTS}/artifacts/${root}/refused.bin`, large)).status).toBe(200)
  expect((await ask('GET', `${ARTIFACTS}/artifacts/${root}/refused.bin`)).body.equals(large)).toBe(true)
  const sent: { part_number: number; etag: string; url: string }[] = []
  for (const [i, part] of parts.entries()) {
    const answer = await fetch(part.url, { method: 'PUT', body: large as BodyInit })
    expect(answer.status).toBe(200)
    sent.push({ part_number: i + 1, etag: answer.headers.get('etag') ?? '', url: part.url })
  }
  const whole = { path: 'parts.bin', upload_id: uploadId, parts: sent }
  expect((await ask('POST', `${ARTIFACTS}/mpu/complete/${root}`, whole)).status).toBe(200)
  expect(
    (await ask('GET', `${ARTIFACTS}/artifacts/${root}/parts.bin`)).body.equals(Buffer.concat([large, large])),
  ).toBe(true)
  expect(await readdir(join(dataFolder(), 'blobs', 'tmp'))).toEqual([])
  expect(await readdir(join(dataFolder(), 'blobs', 'uploads'))).toEqual([])
}

async function stop(): Promise<void> {
  // It lived on, and says little more than one message for each refused request.
  expect(server.output().match(/^Trainyard is ready/gm)?.length).toBe(1)
  expect(server.output().length).toBeLessThan(1_000_000)
  server.kill('SIGTERM')
  expect(await server.ended, server.output()).toBe(0)
}

type Begun = Awaited<ReturnType<typeof begin>>

/** Eight writers until nothing fits any more: what is read is answered, no byte is taken. Returns what was acknowledged. */
async function fillDisk(begun: Begun): Promise<Kept> {
  const kept: Kept = new Map()
  disk.fill(12_000_000)
  await Promise.all(Array.from({ length: 8 }, () => writeUntilFull(kept)))
  expect([...kept.values()].reduce((sum, batches) => sum + batches, 0)).toBeGreaterThan(8)
  disk.fill()
  await expectReads(begun.run)
  await expectNoBytesTaken(begun)
  return kept
}

/** There is space again: bytes and batches are taken, without a restart. */
async function freeDisk(begun: Begun, kept: Kept): Promise<void> {
  await disk.free()
  await expectBytesTaken(begun)
  const [again = ''] = kept.keys()
  expect((await post('runs/log-batch', batch(again, (kept.get(again) ?? 0) + 1))).status).toBe(200)
  kept.set(again, (kept.get(again) ?? 0) + 1)
}

describe.skipIf(missing !== null)('a full disk, SQLite', () => {
  it('refuses with 507, answers reads, keeps what it acknowledged and goes on when there is space', async () => {
    await start()
    const begun = await begin()
    const kept = await fillDisk(begun)
    const project = (i: number) => ask('POST', '/api/v1/projects', { owner: 'local', name: `project-${i}` })
    const projects = await refusedAtLast(project, OUR_FULL)
    const model = (i: number) => post('registered-models/create', { name: `model-${i}` })
    const models = await refusedAtLast(model, MLFLOW_FULL)
    await expectKept(kept, [begun.run])

    await freeDisk(begun, kept)
    // What was refused left nothing behind: the same names are free.
    expect([(await project(projects)).status, (await model(models)).status]).toEqual([201, 200])
    await expectKept(kept, [begun.run])
    await stop()
    const database = new DatabaseSync(join(dataFolder(), 'trainyard.db'), { readOnly: true })
    expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
    database.close()
  })
})

describe.skipIf(noCluster !== null)('a full disk, PostgreSQL', () => {
  let cluster: PostgresCluster
  afterEach(() => cluster?.close())

  it('refuses with 507 what the tables have no space for, and goes on when there is some', async () => {
    // Its tables lie on the small disk; the log of its writes does not: without that PostgreSQL stops altogether.
    cluster = await createCluster(join(disk.path, 'tables'))
    await cluster.start()
    await start('--database-url', cluster.url)
    const begun = await begin()
    const kept = await fillDisk(begun)
    await expectKept(kept, [begun.run])

    await freeDisk(begun, kept)
    await expectKept(kept, [begun.run])
    await stop()
  })
})
