import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../tests/harness/server.ts'
import { type Context, inTransaction } from '../context.ts'
import { inBatch } from './batch.ts'
import { defineBatch } from './writes.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const addUser = (ctx: Context, name: string) =>
  ctx.db
    .insertInto('users')
    .values({ id: name, name, password_hash: null, is_admin: 0, created_at_ms: 1, disabled_at_ms: null })
    .execute()
const names = async (prefix: string) =>
  (
    await server.ctx.db.selectFrom('users').select('name').where('name', 'like', `${prefix}%`).orderBy('name').execute()
  ).map((user) => user.name)

test('work that comes together is committed, and what throws takes back its own changes only', async () => {
  const work = (name: string, fails: boolean) =>
    inTransaction(server.ctx, async (tx) => {
      await addUser(tx, name)
      if (fails) throw new Error(`no ${name}`)
      // What is seen inside: one's own change.
      return (await tx.db.selectFrom('users').select('name').where('name', '=', name).executeTakeFirst())?.name
    })
  const outcomes = await Promise.allSettled(Array.from({ length: 9 }, (_, i) => work(`together-${i}`, i % 3 === 1)))
  expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.message))).toEqual(
    Array.from({ length: 9 }, (_, i) => (i % 3 === 1 ? `no together-${i}` : `together-${i}`)),
  )
  expect(await names('together-')).toEqual([0, 2, 3, 5, 6, 8].map((i) => `together-${i}`))
})

test('a transaction in a transaction is part of it', async () => {
  const outer = inTransaction(server.ctx, async (tx) => {
    await inTransaction(tx, (inner) => addUser(inner, 'nested-1'))
    throw new Error('all of it')
  })
  await expect(outer).rejects.toThrow('all of it')
  expect(await names('nested-')).toEqual([])
})

test('items of a batch have outcomes of their own, also when one breaks the statement of all', async () => {
  const users = defineBatch(async (tx: Context, items: string[]) => {
    for (const name of items.filter((item) => item !== 'batch-refused')) await addUser(tx, name)
    return items.map((item) => (item === 'batch-refused' ? { error: new Error('refused') } : { value: item.length }))
  })
  // The same name twice: a constraint breaks the whole transaction, and each is then tried alone.
  const items = ['batch-a', 'batch-refused', 'batch-b', 'batch-a', 'batch-c']
  const outcomes = await Promise.allSettled(items.map((item) => inBatch(server.ctx, item, users)))
  expect(outcomes.map((outcome) => outcome.status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
    'rejected',
    'fulfilled',
  ])
  expect(await names('batch-')).toEqual(['batch-a', 'batch-b', 'batch-c'])
})
