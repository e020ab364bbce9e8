import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type RunningServer, startServer } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { LOCAL } from '../../src/lib/actor.ts'
import { addToken, addUser } from '../../src/server/identity/identity.service.ts'

export const ENGINE = process.env.TRAINYARD_TEST_ENGINE ?? 'sqlite'
export const POSTGRES_URL = process.env.TRAINYARD_TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres'

export type TestServer = RunningServer & {
  folder: string
  /** One JSON request; `token` becomes the Authorization header. */
  request(
    method: string,
    path: string,
    options?: { body?: unknown; token?: string; headers?: Record<string, string> },
  ): Promise<TestAnswer>
  /** Adds a user and returns a token of theirs (scope admin unless said). */
  user(name: string, options?: { isAdmin?: boolean; scope?: 'read' | 'write' | 'admin' }): Promise<string>
}
export type TestAnswer = {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
  body: any
  text: string
  headers: Headers
}

/**
 * A whole real server on a fresh folder (and, on PostgreSQL, a fresh database), on a free port. Close it at the end.
 * `prepare` may fill the database before the server first sees it.
 */
export async function startTestServer(
  settings: Parameters<typeof readConfig>[0] = {},
  prepare: (databaseUrl: string) => Promise<void> = async () => {},
): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'trainyard-test-'))
  const database = ENGINE === 'postgres' ? await freshPostgres() : null
  const config = readConfig(
    {
      host: '127.0.0.1',
      port: '0',
      data: folder,
      logLevel: process.env.TRAINYARD_TEST_LOG ?? 'silent',
      ...(database === null ? {} : { databaseUrl: database.url }),
      ...settings,
    },
    {},
  )
  await prepare(config.databaseUrl)
  const server = await startServer(config)
  // The server itself, also when users reach it through a proxy of another name.
  const { port } = server.app.server.address() as AddressInfo
  const listener = `http://127.0.0.1:${port}${config.basePath}`
  return {
    ...server,
    folder,
    async request(method, path, options = {}) {
      const answer = await fetch(listener + path, {
        method,
        headers: {
          ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
          ...options.headers,
        },
        ...(options.body === undefined
          ? {}
          : { body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body) }),
      })
      const text = await answer.text()
      let body: unknown = null
      try {
        body = JSON.parse(text)
      } catch {}
      return { status: answer.status, body, text, headers: answer.headers }
    },
    async user(name, { isAdmin = false, scope = 'admin' } = {}) {
      const { id } = await addUser(server.ctx, LOCAL, { name, password: null, isAdmin })
      return (await addToken(server.ctx, { userId: id, name: 'test', scope, expiresAtMs: null })).token
    },
    async close() {
      await server.close()
      await database?.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function freshPostgres(): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `trainyard_test_${randomBytes(6).toString('hex')}`
  await admin(`CREATE DATABASE ${name}`)
  const url = new URL(POSTGRES_URL)
  url.pathname = `/${name}`
  return { url: url.toString(), drop: () => admin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) }
}

async function admin(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: POSTGRES_URL })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
