import { DatabaseSync } from 'node:sqlite'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINE, startTestServer, type TestServer } from '../../tests/harness/server.ts'
import { type Context, inTransaction } from '../context.ts'
import { inBatch } from './batch.ts'
import { troubleOf } from './dialect.ts'
import { defineBatch, type Outcome } from './writes.ts'

/** What the engine itself says when it is full, gone or busy; the same on a real full disk: tests/matrix/disk-full.test.ts. */
let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const LARGE = 'x'.repeat(2_000_000)
const addUser = (ctx: Context, name: string, passwordHash: string | null = null) =>
  ctx.db
    .insertInto('users')
    .values({ id: name, name, password_hash: passwordHash, is_admin: 0, created_at_ms: 1, disabled_at_ms: null })
    .execute()
const userNames = async (prefix: string) =>
  (
    await server.ctx.db.selectFrom('users').select('name').where('name', 'like', `${prefix}%`).orderBy('name').execute()
  ).map(({ name }) => name.slice(prefix.length))
const troubles = (outcomes: PromiseSettledResult<unknown>[]) =>
  outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'done' : troubleOf(outcome.reason)))

/** While `work` runs, the engine has no space for a row that is large. */
async function whileFull(work: () => Promise<void>): Promise<void> {
  const { db } = server.ctx
  if (ENGINE === 'sqlite') {
    const { rows } = await sql<{ page_count: number }>`PRAGMA page_count`.execute(db)
    await sql.raw(`PRAGMA max_page_count = ${rows[0]?.page_count}`).execute(db)
    await work().finally(() => sql`PRAGMA max_page_count = 4294967294`.execute(db))
    return
  }
  await sql`CREATE OR REPLACE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF length(NEW.password_hash) > 1000 THEN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END IF;
    RETURN NEW; END $$`.execute(db)
  await sql`CREATE TRIGGER no_space BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION no_space()`.execute(db)
  await work().finally(() => sql`DROP TRIGGER no_space ON users`.execute(db))
}

test('a full engine refuses a batch as a whole, once, and takes it when there is space', async () => {
  let asked = 0
  const users = defineBatch(async (tx: Context, names: string[]): Promise<Outcome<number>[]> => {
    asked += 1
    for (const name of names) await addUser(tx, name, LARGE)
    return names.map((name) => ({ value: name.length }))
  })
  const write = () => Promise.allSettled(['a', 'b', 'c'].map((name) => inBatch(server.ctx, `full-${name}`, users)))
  await whileFull(async () => {
    expect(troubles(await write())).toEqual(['full', 'full', 'full'])
    // Not each alone again: on a full disk that would only take longer.
    expect(asked).toBeLessThanOrEqual(ENGINE === 'sqlite' ? 1 : 3)
    expect(await userNames('full-')).toEqual([])
  })
  expect(troubles(await write())).toEqual(['done', 'done', 'done'])
  expect(await userNames('full-')).toEqual(['a', 'b', 'c'])
})

test('transactions that share a commit fail together when there is no space for one of them', async () => {
  const write = () =>
    Promise.allSettled(
      ['shared-a', 'shared-b', 'shared-c'].map((name) =>
        inTransaction(server.ctx, (tx) => addUser(tx, name, name === 'shared-b' ? LARGE : null)),
      ),
    )
  await whileFull(async () => {
    const outcomes = troubles(await write())
    // PostgreSQL's are three transactions.
    expect(outcomes).toEqual(ENGINE === 'sqlite' ? ['full', 'full', 'full'] : ['done', 'full', 'done'])
    expect(await userNames('shared-')).toEqual(ENGINE === 'sqlite' ? [] : ['a', 'c'])
  })
  await server.ctx.db.deleteFrom('users').where('name', 'like', 'shared-%').execute()
  expect(troubles(await write())).toEqual(['done', 'done', 'done'])
})

test.runIf(ENGINE === 'sqlite')(
  'a file that another process writes to for too long is 503, and free again afterwards',
  async () => {
    const { db, config } = server.ctx
    const other = new DatabaseSync(config.databaseUrl.slice('sqlite:'.length))
    await sql`PRAGMA busy_timeout = 50`.execute(db)
    other.exec('BEGIN IMMEDIATE')
    const outcomes = await Promise.allSettled(
      ['a', 'b'].map((name) => inTransaction(server.ctx, (tx) => addUser(tx, name))),
    )
    expect(troubles(outcomes)).toEqual(['busy', 'busy'])
    other.exec('ROLLBACK')
    await db.deleteFrom('users').execute()
    other.exec('BEGIN IMMEDIATE')
    const make = () => server.request('POST', '/api/2.0/mlflow/runs/create', { body: { experiment_id: '0' } })
    const refused = await make()
    expect([refused.status, refused.body.error_code, refused.headers.get('retry-after')]).toEqual([
      503,
      'TEMPORARILY_UNAVAILABLE',
      '2',
    ])
    other.exec('ROLLBACK')
    other.close()
    expect((await make()).status).toBe(200)
    await sql`PRAGMA busy_timeout = 10000`.execute(db)
  },
)

describe.runIf(ENGINE === 'postgres')('a connection that breaks', () => {
  const breakOthers = () =>
    sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()`.execute(server.ctx.db)

  test('in a transaction is an outage, and the next query has a new one', async () => {
    const broken = inTransaction(server.ctx, async (tx) => {
      await addUser(tx, 'broken-a')
      await breakOthers()
      await addUser(tx, 'broken-b')
    })
    expect(troubles(await Promise.allSettled([broken]))).toEqual(['down'])
    expect(await userNames('broken-')).toEqual([])
  })

  test('is 503 with Retry-After on every door, in its words', async () => {
    const { db } = server.ctx
    // Without accounts nobody need sign in.
    await db.deleteFrom('users').execute()
    await sql`CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$`.execute(db)
    for (const table of ['projects', 'runs'])
      await sql`CREATE TRIGGER gone BEFORE INSERT ON ${sql.table(table)} FOR EACH ROW EXECUTE FUNCTION gone()`.execute(
        db,
      )
    const project = await server.request('POST', '/api/v1/projects', { body: { owner: 'local', name: 'gone' } })
    expect([project.status, project.body.error.code, project.headers.get('retry-after')]).toEqual([
      503,
      'unavailable',
      '2',
    ])
    const run = await server.request('POST', '/api/2.0/mlflow/runs/create', { body: { experiment_id: '0' } })
    expect([run.status, run.body.error_code, run.headers.get('retry-after')]).toEqual([
      503,
      'TEMPORARILY_UNAVAILABLE',
      '2',
    ])
    for (const table of ['projects', 'runs']) await sql`DROP TRIGGER gone ON ${sql.table(table)}`.execute(db)
    expect((await server.request('POST', '/api/2.0/mlflow/runs/create', { body: { experiment_id: '0' } })).status).toBe(
      200,
    )
  })
})
