import { threadId } from 'node:worker_threads'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINE, startTestServer, type TestServer } from '../../tests/harness/server.ts'
import { type NewUser, userWrites } from '../../tests/harness/writes.ts'
import { inTransaction } from '../context.ts'
import { inBatch } from './batch.ts'
import { troubleOf } from './dialect.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

let made = 0
const write = (user: NewUser) => inBatch(server.ctx, user, userWrites)
/** Users of that many callers at once. */
const several = (count: number) =>
  Promise.all(Array.from({ length: count }, () => write({ name: `several-${++made}` })))
const names = async (prefix: string) => {
  const users = server.ctx.db.selectFrom('users').select('name').where('name', 'like', `${prefix}%`)
  return (await users.orderBy('name').execute()).map((user) => user.name)
}

/** The first batches are written here, while the thread starts. */
async function untilThreadWrites(): Promise<void> {
  if (ENGINE !== 'sqlite') return
  await expect.poll(async () => (await several(3)).at(-1)?.thread, { timeout: 20_000 }).not.toBe(threadId)
}

test('one caller at a time is written for here', async () => {
  for (let i = 0; i < 3; i++) expect(await write({ name: `single-${i}` })).toMatchObject({ thread: threadId })
})

test('a few rows are written here, whoever else comes', async () => {
  await untilThreadWrites()
  await new Promise((resolve) => setTimeout(resolve, 50)) // the heavy load is over
  const all = await Promise.all(Array.from({ length: 20 }, (_, i) => write({ name: `light-${i}`, light: true })))
  for (const one of all) expect(one).toMatchObject({ thread: threadId })
})

describe('many callers at once', () => {
  test('each has its own outcome, as it was thrown', async () => {
    await untilThreadWrites()
    const refused = await Promise.allSettled([
      write({ name: 'own-a' }),
      write({ name: 'own-b', refuse: true }),
      write({ name: 'own-c' }),
    ])
    expect(refused.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(refused[1]).toMatchObject({
      reason: { code: 'bad_request', status: 400, field: 'name', message: 'no own-b' },
    })
    expect(await names('own-')).toEqual(['own-a', 'own-c'])
  })

  test('what the engine refuses breaks nothing but the item that it refuses', async () => {
    await untilThreadWrites()
    const outcomes = await Promise.allSettled(['twice-a', 'twice-b', 'twice-a'].map((name) => write({ name })))
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { message: expect.stringMatching(/unique/i) },
    })
    expect(await names('twice-')).toEqual(['twice-a', 'twice-b'])
  })

  test('transactions of this thread wait for their turn, and both are kept', async () => {
    await untilThreadWrites()
    // Whoever found the file taken would not wait.
    if (ENGINE === 'sqlite') await sql`PRAGMA busy_timeout = 0`.execute(server.ctx.db)
    const theirs = Array.from({ length: 30 }, (_, i) => write({ name: `turn-there-${i}` }))
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve)) // on their way
    const own = Array.from({ length: 30 }, (_, i) =>
      inTransaction(server.ctx, async (tx) => {
        await inBatch(tx, { name: `turn-here-${i}` }, userWrites)
        await new Promise((resolve) => setImmediate(resolve)) // held open, while the thread could write
      }),
    )
    await Promise.all(own)
    const threads = (await Promise.all(theirs)).map(({ thread }) => thread)
    expect(await names('turn-')).toHaveLength(60)
    if (ENGINE === 'sqlite') expect(threads).not.toContain(threadId)
  })
})

test.runIf(ENGINE === 'sqlite')('a full disk is told as what it is, to all, and none is tried again', async () => {
  await untilThreadWrites()
  const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((n) => write({ name: `full-${n}`, full: true })))
  for (const outcome of outcomes)
    expect(outcome.status === 'rejected' ? troubleOf(outcome.reason) : 'kept').toBe('full')
  expect(await names('full-')).toEqual([])
  expect(await several(3)).toHaveLength(3)
})

test.runIf(ENGINE === 'sqlite')('a thread that ends takes nobody down, and the next batches are written', async () => {
  await untilThreadWrites()
  const outcomes = await Promise.allSettled([write({ name: 'ends-a' }), write({ name: 'ends-b', end: true })])
  for (const outcome of outcomes)
    expect(outcome).toMatchObject({ reason: { code: 'unavailable', retryAfterSeconds: 1 } })
  expect(await names('ends-')).toEqual([])
  expect(await several(3)).toHaveLength(3) // here, or in a new thread
})
