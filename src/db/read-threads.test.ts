import { afterAll, beforeAll, expect, test } from 'vitest'
import { rawQuery } from '../../tests/harness/reads.ts'
import { ENGINE, startTestServer, type TestServer } from '../../tests/harness/server.ts'
import { inTransaction } from '../context.ts'
import { troubleOf } from './dialect.ts'

/** Reads as the program has them, here with inputs that make them fail. */
let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const ask = (text: string) => server.ctx.reads.ask(server.ctx.db, rawQuery, text)
const failure = (text: string) =>
  ask(text).then(
    () => null,
    (error: unknown) => error,
  )

/** The first reads are done by the asking thread, whose connection has written; a thread's own has not. */
async function untilThreadsAnswer(): Promise<void> {
  if (ENGINE !== 'sqlite') return
  await expect.poll(() => ask('SELECT total_changes() AS changes'), { timeout: 20_000 }).toEqual([{ changes: 0 }])
}

test.runIf(ENGINE === 'sqlite')('a thread answers, cannot write, and says what the engine said', async () => {
  await untilThreadsAnswer()
  expect(await ask('SELECT 1 AS one')).toEqual([{ one: 1 }])
  const refused = await failure("INSERT INTO users (id, name, is_admin, created_at_ms) VALUES ('x', 'x', 0, 0)")
  expect(refused).toMatchObject({ code: 'ERR_SQLITE_ERROR', errcode: 8 })
  expect(troubleOf(refused)).toBe('down')
  expect(await failure('SELECT nonsense')).toMatchObject({ message: expect.stringContaining('nonsense') })
})

test('a transaction reads what it wrote itself', async () => {
  await untilThreadsAnswer()
  await inTransaction(server.ctx, async (tx) => {
    await tx.db
      .insertInto('users')
      .values({ id: 'own', name: 'own', is_admin: 0, created_at_ms: 1, disabled_at_ms: null, password_hash: null })
      .execute()
    expect(await tx.reads.ask(tx.db, rawQuery, "SELECT name FROM users WHERE id = 'own'")).toEqual([{ name: 'own' }])
  })
})

test.runIf(ENGINE === 'postgres')('a read that the server breaks off is told as too long', async () => {
  const slow = 'SET LOCAL statement_timeout = 50; SELECT pg_sleep(2)'
  expect(await failure(slow)).toMatchObject({ code: 'bad_request', field: 'filter' })
})
