import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Program, startProgram } from '../harness/process.ts'

/** `kill -9` in the middle of the demo, twice: while candidates train, and while the policy retrains. */
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-kill-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

type Job = { id: string; name: string; state: string; run_id: string | null }
const PROJECT = '/api/v1/projects/local/adult-income'
const ENDED = ['succeeded', 'failed', 'cancelled', 'lost']

/** Writes runs with a metric each until the server dies; what was answered 2xx is acknowledged. */
async function writeUntilDead(url: string, acknowledged: Map<string, number>): Promise<void> {
  const post = async (path: string, body: object) => {
    const answer = await fetch(`${url}/mlflow/local/adult-income/tracking/api/2.0/mlflow/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return answer.json() as Promise<{ run?: { info: { run_id: string } } }>
  }
  for (let i = 0; ; i++) {
    try {
      const made = await post('runs/create', { experiment_id: '0', start_time: Date.now(), run_name: `kill-${i}` })
      const id = made.run?.info.run_id ?? ''
      acknowledged.set(id, Number.NaN)
      await post('runs/log-metric', { run_id: id, key: 'number', value: i, timestamp: Date.now(), step: 0 })
      acknowledged.set(id, i)
    } catch (error) {
      if (error instanceof TypeError) return // the connection: the server is dead
      throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function read<T>(url: string, path: string): Promise<T> {
  const answer = await fetch(`${url}${path}`)
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
  return (await answer.json()) as T
}

async function demoUntil(
  port: string,
  pattern: RegExp,
  pauseMs: number,
  acknowledged: Map<string, number>,
): Promise<{ url: string; jobs: Job[] }> {
  const demo = startProgram(['demo', '--port', port], { TRAINYARD_DATA: folder })
  const [, url = ''] = await demo.saw(/ready at (http\S+)/)
  await demo.saw(pattern, 400_000)
  const writing = writeUntilDead(url, acknowledged)
  await new Promise((resolve) => setTimeout(resolve, pauseMs))
  const { jobs } = await read<{ jobs: Job[] }>(url, `${PROJECT}/jobs?limit=100`)
  demo.kill('SIGKILL')
  await demo.ended
  await writing
  return { url, jobs }
}

async function checkAfter(server: Program, acknowledged: Map<string, number>, jobsBefore: Job[]): Promise<string> {
  const [, url = ''] = await server.saw(/ready at (http\S+)/)
  for (const [id, value] of acknowledged) {
    const { metrics } = await read<{ metrics: Record<string, number> }>(url, `${PROJECT}/runs/${id}`)
    if (!Number.isNaN(value)) expect(metrics.number).toBe(value)
  }
  const { jobs } = await read<{ jobs: Job[] }>(url, `${PROJECT}/jobs?limit=100`)
  for (const before of jobsBefore) {
    const now = jobs.find((job) => job.id === before.id)
    expect(now, `job ${before.name} is lost from the list`).toBeDefined()
    if (ENDED.includes(before.state)) expect(now?.state).toBe(before.state)
  }
  return url
}

it('nothing acknowledged is lost, and no job runs twice', async () => {
  const acknowledged = new Map<string, number>()
  const first = await demoUntil('5311', /Train 3 candidates/, 9_000, acknowledged)
  expect(first.jobs.length).toBeGreaterThanOrEqual(3)
  expect(first.jobs.some((job) => ['preparing', 'running'].includes(job.state))).toBe(true)

  // The second try goes on where the first was killed, and is killed while the policy retrains.
  const second = await demoUntil('5311', /The policy acts/, 3_000, acknowledged)
  for (const before of first.jobs) expect(second.jobs.map((job) => job.id)).toContain(before.id)

  const third = startProgram(['demo', '--exit', '--port', '5311'], { TRAINYARD_DATA: folder })
  await checkAfter(third, acknowledged, second.jobs)
  expect(await third.ended, third.output()).toBe(0)
  expect(third.output()).toMatch(/policy decision\s+(promoted|refused)/)

  const server = startProgram(['serve', '--port', '5311', '--data', folder, '--log-level', 'error'])
  const url = await checkAfter(server, acknowledged, second.jobs)
  const { jobs } = await read<{ jobs: Job[] }>(url, `${PROJECT}/jobs?limit=100`)
  expect(jobs.filter((job) => !ENDED.includes(job.state))).toEqual([])
  for (const job of jobs.filter((each) => each.run_id !== null)) {
    const log = await (await fetch(`${url}${PROJECT}/jobs/${job.id}/logs?offset=0`)).text()
    expect(
      log.match(/^\[trainyard\] Starting entry point/gm)?.length ?? 0,
      `${job.name} ${job.state}\n${log}`,
    ).toBeLessThanOrEqual(1)
  }
  server.kill('SIGTERM')
  expect(await server.ended).toBe(0)
})
