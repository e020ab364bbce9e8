import Fastify from 'fastify'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../tests/harness/server.ts'
import { createCompilers } from './compilers.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
})
afterAll(() => server.close())

it('every schema of every route compiles', () => {
  server.app.compileSchemas()
})

it('finds a broken schema without a request', async () => {
  for (const part of [{ body: { type: 'nonsense' } }, { response: { 200: { $ref: 'nowhere#' } } }]) {
    const compilers = createCompilers()
    const app = Fastify({ schemaController: { compilersFactory: compilers.factory } })
    app.post('/', { schema: part }, async () => ({}))
    await app.ready()
    expect(() => compilers.compileAll()).toThrow(/nonsense|nowhere|type must be/)
    await app.close()
  }
})

it('coerces the text of queries and params, and nothing of a body', async () => {
  const compilers = createCompilers()
  const app = Fastify({ schemaController: { compilersFactory: compilers.factory } })
  const count = { type: 'object', properties: { n: { type: 'integer', default: 7 } }, additionalProperties: false }
  const response = { 200: { type: 'object', properties: { n: { type: 'integer' }, seen: { type: 'integer' } } } }
  const answer = async (request: { query?: unknown; body?: unknown }) => {
    const { n } = (request.body ?? request.query) as { n: number }
    return { n, seen: 1, secret: 'not declared' }
  }
  app.get('/', { schema: { querystring: count, response } }, answer)
  app.post('/', { schema: { body: count, response } }, answer)
  const status = async (body: object) => (await app.inject({ method: 'POST', url: '/', payload: body })).statusCode
  expect((await app.inject('/?n=3')).json()).toEqual({ n: 3, seen: 1 })
  expect((await app.inject('/')).json()).toEqual({ n: 7, seen: 1 })
  expect((await app.inject('/?n=three')).statusCode).toBe(400)
  expect([await status({ n: 3 }), await status({}), await status({ n: '3' }), await status({ m: 1 })]).toEqual([
    200, 200, 400, 400,
  ])
  expect(await status({ n: 2 ** 53 })).toBe(400)
  await app.close()
})
