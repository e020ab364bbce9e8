import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '../../bench/tracking/servers.ts'
import { checkWhole, Ledger } from '../harness/ledger.ts'
import { type Program, startProgram } from '../harness/process.ts'
import { POSTGRES_URL } from '../harness/server.ts'
import { type Ask, askAt, randomFrom, Writer } from '../harness/writers.ts'

/**
 * `kill -9` of the server under the load of 8 writers, again and again on the same store: all that was acknowledged is
 * there, once, and nothing by halves. Again with the same numbers: TRAINYARD_KILL_SEED.
 */
const CYCLES = Number(process.env.TRAINYARD_KILL_CYCLES ?? 50)
const SEED = Number(process.env.TRAINYARD_KILL_SEED ?? Date.now() % 1_000_000)
const WRITERS = 8
const DAY_MS = 24 * 3600_000

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

let folder: string
let server: Program | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-kills-'))
})
afterEach(async () => {
  server?.kill('SIGKILL')
  await server?.ended
  await rm(folder, { recursive: true, force: true })
})

type Store = {
  settings: string[]
  /** When the server is dead: until what it had asked the engine for has ended. */
  quiet(): Promise<void>
  /** Whether the engine itself finds its files whole. */
  intact(): void
}

function launch(port: number, store: Store): Program {
  const args = ['serve', '--port', String(port), '--data', folder, '--log-level', 'error', '--job-slots', '0']
  return startProgram([...args, ...store.settings])
}

/** What a start does first (recover, migrate, sweep) is cut off, too. */
async function killWhileStarting(port: number, store: Store, afterMs: number): Promise<void> {
  const early = launch(port, store)
  await wait(afterMs)
  early.kill('SIGKILL')
  await early.ended
  await store.quiet()
}

async function start(port: number, store: Store): Promise<Ask> {
  server = launch(port, store)
  const [, url = ''] = await server.saw(/ready at (http\S+)/)
  return askAt(url)
}

/** The bytes on the disk are those that the database refers to, after a sweep as an administrator would run it. */
async function expectTidy(ask: Ask): Promise<void> {
  const blobs = join(folder, 'blobs')
  for (const name of ['tmp', 'uploads']) expect(await readdir(join(blobs, name)), name).toEqual([])
  // As if a day had passed: a sweep leaves alone what may still be on its way.
  const dayAgo = (Date.now() - DAY_MS) / 1000
  const objects = join(blobs, 'objects')
  for (const file of await readdir(objects, { recursive: true, withFileTypes: true }))
    if (file.isFile()) await utimes(join(file.parentPath, file.name), dayAgo, dayAgo)
  const [swept, after] = [await sweep(ask, false), await sweep(ask, true)]
  expect([swept.missing_blobs, after.missing_blobs, after.unreferenced_blobs]).toEqual([0, 0, 0])
  expect(after.blobs).toBe(after.referenced_blobs)
}

async function sweep(ask: Ask, dryRun: boolean): Promise<Record<string, number>> {
  const { body } = await ask('POST', '/api/v1/reclaims', { dry_run: dryRun, grace_minutes: 60 })
  const found = async () => (await ask('GET', `/api/v1/reclaims/${body.id}`)).body
  await expect.poll(async () => (await found()).state, { timeout: 60_000 }).toBe('done')
  return (await found()).report.objects
}

async function killAgainAndAgain(store: Store): Promise<void> {
  const startedAt = Date.now()
  const ledger = new Ledger()
  const random = randomFrom(SEED)
  const writers = Array.from({ length: WRITERS }, (_, i) => new Writer(`w${i}`, SEED + i + 1, ledger))
  const port = await freePort()
  const halves = { all: 0, nothing: 0 }
  let ask = await start(port, store)
  await ledger.begin(ask)
  for (let cycle = 1; cycle <= CYCLES; cycle++) {
    let isDead = false
    const work = writers.map((writer) =>
      writer.work(
        ask,
        () => false,
        () => isDead,
      ),
    )
    const upTo = ledger.acknowledged + 20 + 180 * random()
    const until = Date.now() + 300 + 700 * random()
    while (ledger.acknowledged < upTo && Date.now() < until) await Promise.race([Promise.all(work), wait(3 * random())])
    isDead = true
    server?.kill('SIGKILL')
    await Promise.all([server?.ended, ...work])
    await store.quiet()
    if (cycle % 5 === 0) await killWhileStarting(port, store, 600 * random())
    ask = await start(port, store)
    for (const { unanswered } of writers) if (unanswered !== undefined) halves[await checkWhole(ask, unanswered)] += 1
  }
  for (const writer of writers)
    await writer.work(
      ask,
      () => true,
      () => false,
      true,
    )
  await ledger.check(ask)
  await expectTidy(ask)
  await ledger.check(ask)
  server?.kill('SIGTERM')
  expect(await server?.ended, server?.output()).toBe(0)
  store.intact()
  console.log(
    `seed ${SEED}: ${CYCLES} kills in ${Math.round((Date.now() - startedAt) / 1000)} s, ${ledger}; batches without an answer: ${halves.all} kept, ${halves.nothing} not`,
  )
  // Else the kills hit nothing, and this proves nothing.
  expect(ledger.lostAnswers).toBeGreaterThan(CYCLES * 2)
}

describe(`${CYCLES} kills under load (TRAINYARD_KILL_SEED=${SEED})`, () => {
  it('lose and double nothing on SQLite', async () => {
    await killAgainAndAgain({
      settings: [],
      quiet: async () => {},
      intact() {
        const file = join(folder, 'trainyard.db')
        expect(existsSync(file)).toBe(true)
        const database = new DatabaseSync(file, { readOnly: true })
        expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
        expect(database.prepare('PRAGMA foreign_key_check').all()).toEqual([])
        database.close()
      },
    })
  })

  it('lose and double nothing on PostgreSQL', async () => {
    const name = `trainyard_kills_${process.pid}_${Date.now()}`
    const client = new pg.Client({ connectionString: POSTGRES_URL })
    await client.connect()
    try {
      await client.query(`CREATE DATABASE ${name}`)
      const url = new URL(POSTGRES_URL)
      url.pathname = `/${name}`
      await killAgainAndAgain({
        settings: ['--database-url', url.toString()],
        async quiet() {
          const open = `SELECT 1 FROM pg_stat_activity WHERE datname = '${name}'`
          await expect.poll(async () => (await client.query(open)).rowCount, { timeout: 30_000, interval: 10 }).toBe(0)
        },
        intact() {},
      })
    } finally {
      server?.kill('SIGKILL')
      await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
      await client.end()
    }
  })
})
