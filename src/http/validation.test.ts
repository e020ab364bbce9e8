import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../tests/harness/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  await server.request('GET', '/api/v1/projects/local/default')
})
afterAll(() => server.close())

it('says of every wrong field where it is and what it may be', async () => {
  const base = '/api/v1/projects/local/default'
  const file = { path: 'a', sha256: 'a'.repeat(64), size_bytes: 1 }
  const cases: [method: string, path: string, body: unknown, message: string][] = [
    ['POST', '/endpoints/e/predict', [1], 'body must be an object {…}.'],
    ['POST', '/endpoints/e/predict', { rows: {} }, 'body.rows must be a list.'],
    ['POST', '/endpoints/e/predict', { rows: [] }, 'body.rows must not be an empty list.'],
    ['POST', '/endpoints/e/predict', { rows: [{}, 1] }, 'body.rows[1] must be an object {…}.'],
    ['POST', '/endpoints', { name: '', model: 'm' }, 'body.name must not be empty.'],
    ['POST', '/endpoints', { name: 'e', model: 'm', version: '1' }, 'body.version must be a whole number.'],
    ['POST', '/endpoints', { name: 'e' }, 'body.model is missing.'],
    ['POST', '/endpoints', { name: 'e', model: 'm', colour: 1 }, 'body.colour is not a known field.'],
    ['PUT', '/endpoints/e/policy', { threshold: 90 }, 'body.threshold must be at most 1.'],
    ['PUT', '/endpoints/e/policy', { threshold: 0.9, promote: 'no' }, 'body.promote must be one of auto, ask.'],
    [
      'POST',
      '/jobs',
      { code_digest: 'a', parameters: { depth: [1] } },
      'body.parameters.depth must be text, or a number, or true or false.',
    ],
    [
      'POST',
      '/jobs',
      { code_digest: 'a', parameters: { 'a\nb': [1] } },
      'body.parameters.a\nb must be text, or a number, or true or false.',
    ],
    [
      'POST',
      '/jobs',
      { code_digest: 'a', parameters: { ['x'.repeat(201)]: 1 } },
      `body.parameters holds the key "${'x'.repeat(40)}", which may have at most 200 characters.`,
    ],
    [
      'PUT',
      '/endpoints/e/policy',
      { threshold: 0.9, retrain: { parameters: { ['x'.repeat(201)]: 1 } } },
      `body.retrain.parameters holds the key "${'x'.repeat(40)}", which may have at most 200 characters.`,
    ],
    ['POST', '/code', { files: [file, { ...file, size_bytes: -1 }] }, 'body.files[1].size_bytes must be at least 0.'],
    ['GET', '/runs?limit=ten', undefined, 'querystring.limit must be a whole number.'],
    ['PATCH', '', {}, 'body must hold at least one field.'],
  ]
  for (const [method, path, body, message] of cases) {
    const answer = await server.request(method, base + path, body === undefined ? {} : { body })
    expect([answer.status, answer.body.error.message]).toEqual([400, message])
    expect(message.startsWith(answer.body.error.field)).toBe(true)
  }
})
