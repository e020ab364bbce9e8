import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Ledger } from '../harness/ledger.ts'
import { clusterMissing, createCluster, type PostgresCluster } from '../harness/postgres-cluster.ts'
import { type Program, startProgram } from '../harness/process.ts'
import { API, type Ask, askAt, randomFrom, Writer } from '../harness/writers.ts'

/**
 * PostgreSQL itself is killed under the load of 8 writers: the server lives on, says 503 and when to come back, connects
 * again by itself, and what it acknowledged is there once. Again with the same numbers: TRAINYARD_KILL_SEED.
 */
const CYCLES = Number(process.env.TRAINYARD_KILL_CYCLES ?? 12)
const SEED = Number(process.env.TRAINYARD_KILL_SEED ?? Date.now() % 1_000_000)
const missing = clusterMissing()
if (missing !== null) console.log(`!! SKIPPED: a PostgreSQL that is killed is not tested, ${missing}.`)

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

let folder: string
let cluster: PostgresCluster | undefined
let server: Program | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-pgkill-'))
})
afterEach(async () => {
  server?.kill('SIGKILL')
  await server?.ended
  await cluster?.close()
  await rm(folder, { recursive: true, force: true })
})

/** Every kind of request while PostgreSQL is away: 503 in the words of its door, and soon. */
async function expectAway(ask: Ask): Promise<void> {
  const asked: [string, string, object | Uint8Array | undefined][] = [
    ['POST', `${API}/runs/create`, { experiment_id: '0' }],
    ['POST', `${API}/runs/search`, { experiment_ids: ['0'] }],
    ['GET', `${API}/experiments/get?experiment_id=0`, undefined],
    ['PUT', '/api/2.0/mlflow-artifacts/artifacts/0/00000000000000000000000000000000/artifacts/x', new Uint8Array(9)],
    ['GET', '/api/v1/projects', undefined],
    ['GET', '/api/stac/collections', undefined],
    ['POST', '/endpoints/local/default/none/invocations', { inputs: [1] }],
  ]
  for (const [method, path, content] of asked) {
    const answer = await ask(method, path, content)
    expect([path, answer.status, answer.retryAfter]).toEqual([path, 503, '2'])
    if (path.startsWith('/api/2.0')) expect(answer.body.error_code).toBe('TEMPORARILY_UNAVAILABLE')
  }
  // It lives, and it is not ready: an orchestrator sends requests elsewhere and does not restart it.
  expect((await ask('GET', '/health')).status).toBe(200)
  expect((await ask('GET', '/ready')).status).toBe(503)
}

describe.skipIf(missing !== null)(`PostgreSQL killed ${CYCLES} times (TRAINYARD_KILL_SEED=${SEED})`, () => {
  it('loses and doubles nothing, and the server outlives it', async () => {
    cluster = await createCluster()
    await cluster.start()
    const database = ['--database-url', cluster.url]
    server = startProgram(['serve', '--port', '0', '--data', folder, '--log-level', 'error', ...database])
    const [, url = ''] = await server.saw(/ready at (http\S+)/)
    const ask = askAt(url)
    const ledger = new Ledger()
    const random = randomFrom(SEED)
    const writers = Array.from({ length: 8 }, (_, i) => new Writer(`w${i}`, SEED + i + 1, ledger))
    await ledger.begin(ask)
    let isOver = false
    const work = Promise.all(
      writers.map((writer) =>
        writer.work(
          ask,
          () => isOver,
          () => false,
        ),
      ),
    )
    // Its error is looked at below; until then nobody waits for it.
    work.catch(() => {})
    for (let cycle = 1; cycle <= CYCLES; cycle++) {
      await wait(200 + 800 * random())
      if (cycle % 3 === 0) await cluster.stopImmediately()
      else await cluster.kill()
      await expectAway(ask)
      await wait(500 * random())
      await cluster.start()
      const before = ledger.acknowledged
      const until = Date.now() + 20_000
      while (ledger.acknowledged === before) {
        if (Date.now() > until) throw new Error('The server does not write again 20 s after PostgreSQL is back.')
        // A writer that met something else than 503 ends this at once.
        await Promise.race([work, wait(20)])
      }
    }
    isOver = true
    await work
    for (const writer of writers)
      await writer.work(
        ask,
        () => true,
        () => false,
        true,
      )
    await ledger.check(ask)
    console.log(`seed ${SEED}: PostgreSQL killed ${CYCLES} times, ${ledger}`)
    expect(ledger.refused).toBeGreaterThan(CYCLES * 2)
    expect(server.output().match(/^Trainyard is ready/gm)?.length).toBe(1)
    server.kill('SIGTERM')
    expect(await server.ended, server.output().slice(-5_000)).toBe(0)
  })
})
