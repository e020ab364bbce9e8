import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { addTestModel, addTestVersion, testProject } from '../../../tests/harness/serving.ts'
import { newId } from '../../lib/ids.ts'
import { SILENT } from '../../lib/log.ts'
import { createFreshCache } from './fresh-cache.ts'
import { createLineChild } from './line-child.ts'
import { recordPredictions } from './predict.service.ts'
import type { PredictionRow } from './predictions.store.ts'

describe('a fresh cache', () => {
  it('reads once per key and time, and never keeps what began before a clear', async () => {
    let now = 0
    let reads = 0
    const cache = createFreshCache<number>(100, () => now)
    const read = async () => ++reads
    expect(await Promise.all([cache.get('a', read), cache.get('a', read)])).toEqual([1, 1])
    expect(await cache.get('a', read)).toBe(1)
    now = 101
    expect(await cache.get('a', read)).toBe(2)
    let finish: (value: number) => void = () => {}
    const slow = cache.get('b', () => new Promise((resolve) => (finish = resolve)))
    cache.clear()
    const after = cache.get('b', read)
    finish(-1)
    expect(await slow).toBe(-1)
    expect(await after).toBe(3)
    await expect(cache.get('c', () => Promise.reject(new Error('away')))).rejects.toThrow('away')
    expect(await cache.get('c', read)).toBe(4)
  })
})

/** A child of a few lines that echoes, hangs, prints nonsense or ends, as told. */
const SCRIPT = `
  const fail = process.argv[1] === 'fail'
  if (fail) { console.error('ModuleNotFoundError: no such thing'); process.exit(3) }
  console.log(JSON.stringify({ ready: true, pid: process.pid }))
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, say } = JSON.parse(line)
    if (say === 'end') process.exit(7)
    if (say === 'nonsense') return console.log('not json')
    if (say !== 'hang') console.log(JSON.stringify({ id, said: say, pid: process.pid }))
  }).on('close', () => process.exit(0))`

function child(mode = '', limits: { callTimeoutMs?: number; maxQueue?: number } = {}) {
  return createLineChild({
    argv: [process.execPath, '-e', SCRIPT, mode],
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/tmp',
    startTimeoutMs: 10_000,
    callTimeoutMs: limits.callTimeoutMs ?? 5_000,
    maxQueue: limits.maxQueue ?? 8,
    log: SILENT,
    what: 'The child',
  })
}

function isRunning(pid: unknown): boolean {
  try {
    return process.kill(Number(pid), 0)
  } catch {
    return false
  }
}

describe('a child of lines', () => {
  it('answers one call at a time, in order, and ends with its owner', async () => {
    const echo = child()
    const { pid } = await echo.start()
    const answers = await Promise.all(['a', 'b', 'c'].map((say) => echo.call({ say })))
    expect(answers.map((answer) => answer.said)).toEqual(['a', 'b', 'c'])
    expect(answers.every((answer) => answer.pid === pid)).toBe(true)
    await echo.close()
    expect(isRunning(pid)).toBe(false)
    await expect(echo.call({ say: 'late' })).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('is killed when it hangs or talks nonsense, and started again for the next call', async () => {
    const echo = child('', { callTimeoutMs: 300 })
    const { pid } = await echo.start()
    await expect(echo.call({ say: 'hang' })).rejects.toMatchObject({ code: 'timeout' })
    await expect.poll(() => isRunning(pid)).toBe(false)
    expect((await echo.call({ say: 'again' })).said).toBe('again')
    await expect(echo.call({ say: 'nonsense' })).rejects.toMatchObject({ code: 'unavailable' })
    await expect(echo.call({ say: 'end' })).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 1 })
    expect((await echo.call({ say: 'once more' })).said).toBe('once more')
    await echo.close()
  })

  it('refuses calls beyond its queue, and says why it cannot start', async () => {
    const echo = child('', { maxQueue: 2 })
    const calls = Array.from({ length: 5 }, (_, i) => echo.call({ say: i }))
    const states = await Promise.allSettled(calls)
    expect(states.map((state) => state.status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'])
    await echo.close()
    const broken = child('fail')
    await expect(broken.start()).rejects.toMatchObject({
      code: 'unprocessable',
      message: expect.stringMatching(/ModuleNotFoundError/),
    })
    await broken.close()
  })
})

describe('the journal', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
  })
  afterAll(() => server.close())

  it('commits many requests together, and fails only the one whose rows are refused', async () => {
    const project = await testProject(server, 'flowers')
    const model = await addTestModel(server, project, 'iris')
    const version = await addTestVersion(server, project, model, 1)
    await server.request('POST', '/api/v1/projects/local/flowers/endpoints', {
      body: { name: 'iris', model: 'iris', version: 1 },
    })
    const endpoint = await server.ctx.db.selectFrom('endpoints').select('id').executeTakeFirstOrThrow()
    const row = (endpointId: string): PredictionRow => ({
      id: newId(),
      endpoint_id: endpointId,
      project_id: project.id,
      version_id: version.id,
      request_id: 'r',
      inputs: '{}',
      output: '1',
      scores: null,
      latency_us: 5,
      created_at_ms: Date.now(),
    })
    const groups = Array.from({ length: 40 }, (_, i) => [row(i === 17 ? 'gone' : endpoint.id), row(endpoint.id)])
    const states = await Promise.allSettled(groups.map((rows) => recordPredictions(server.ctx, rows)))
    expect(states.flatMap((state, i) => (state.status === 'rejected' ? [i] : []))).toEqual([17])
    const stored = await server.ctx.db.selectFrom('predictions').select('id').execute()
    const expected = groups.flatMap((rows, i) => (i === 17 ? [] : rows.map(({ id }) => id)))
    expect(stored.map(({ id }) => id).sort()).toEqual(expected.sort())
    const flood = Array.from({ length: 50_001 }, () => row(endpoint.id))
    await expect(recordPredictions(server.ctx, flood)).rejects.toMatchObject({
      code: 'unavailable',
      retryAfterSeconds: 1,
    })
  })
})
