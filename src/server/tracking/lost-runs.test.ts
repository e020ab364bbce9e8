import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type MlflowApi, mlflowApi } from '../../../tests/harness/mlflow.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { lookForLostRuns } from './lost-runs.service.ts'

const HOUR_MS = 3600_000
const BASE = '/api/v1/projects/local/default'

let server: TestServer
let api: MlflowApi
beforeAll(async () => {
  server = await startTestServer()
  api = mlflowApi(server)
})
afterAll(() => server.close())

/** Looks as if it were so many hours later. */
const look = (hours: number) => lookForLostRuns({ ...server.ctx, now: () => Date.now() + hours * HOUR_MS })
const shown = async (run: string) => (await server.request('GET', `${BASE}/runs/${run}`)).body
const silentFor = (run: string, hours: number) =>
  server.ctx.db
    .updateTable('runs')
    .set({ last_write_at_ms: Date.now() - hours * HOUR_MS })
    .where('id', '=', run)
    .execute()
const verbs = async (run: string) =>
  (await server.ctx.db.selectFrom('events').select('verb').where('subject', '=', run).orderBy('id').execute())
    .map((event) => event.verb)
    .filter((verb) => verb === 'lost' || verb === 'resumed')

describe('runs that stop speaking', () => {
  it('are shown as lost after the set time, with when they were last heard, and keep their status on the wire', async () => {
    const run = await api.run()
    await look(23)
    expect((await shown(run)).lost_since_ms).toBeNull()
    await look(25)
    const { lost_since_ms, status } = await shown(run)
    expect(status).toBe('RUNNING')
    expect(Date.now() - lost_since_ms).toBeLessThan(HOUR_MS)
    expect((await api.get('runs/get', { run_id: run })).body.run.info.status).toBe('RUNNING')
    const listed = await server.request('GET', `${BASE}/runs`)
    expect(listed.body.runs.find((one: { id: string }) => one.id === run).lost_since_ms).toBe(lost_since_ms)
    await look(26)
    expect(await verbs(run)).toEqual(['lost'])
  })

  it('are running again with their next write', async () => {
    const run = await api.run()
    await silentFor(run, 30)
    await look(0)
    expect((await shown(run)).lost_since_ms).not.toBeNull()
    await api.post('runs/log-metric', { run_id: run, key: 'loss', value: 1, timestamp: 1, step: 0 })
    expect((await shown(run)).lost_since_ms).toBeNull()
    await look(0)
    expect(await verbs(run)).toEqual(['lost', 'resumed'])
    await silentFor(run, 30)
    await look(0)
    // It fell silent before what is known now: the clock was set by hand here. A later silence is a new one.
    await look(25)
    expect((await verbs(run)).filter((verb) => verb === 'lost')).toHaveLength(2)
  })

  it('are not lost when they ended, were deleted, belong to a job, or only wait for their children', async () => {
    const [ended, deleted, ofJob, parent] = [await api.run(), await api.run(), await api.run(), await api.run()]
    const child = await api.run('0', { tags: [{ key: 'mlflow.parentRunId', value: parent }] })
    const grandchild = await api.run('0', { tags: [{ key: 'mlflow.parentRunId', value: child }] })
    await api.post('runs/update', { run_id: ended, status: 'FINISHED', end_time: 5 })
    await api.post('runs/delete', { run_id: deleted })
    await server.ctx.db.updateTable('runs').set({ job_id: 'j' }).where('id', '=', ofJob).execute()
    for (const run of [ended, deleted, ofJob, parent, child]) await silentFor(run, 48)
    await look(0)
    for (const run of [ended, deleted, ofJob, parent, child, grandchild])
      expect((await shown(run)).lost_since_ms).toBeNull()
    await silentFor(grandchild, 48)
    await look(0)
    for (const run of [parent, child, grandchild]) expect((await shown(run)).lost_since_ms).not.toBeNull()
    await api.post('runs/log-metric', { run_id: grandchild, key: 'loss', value: 1, timestamp: 1, step: 0 })
    await look(0)
    expect((await shown(parent)).lost_since_ms).toBeNull()
    expect(await verbs(parent)).toEqual(['lost', 'resumed'])
  })

  it('end as what they are when their end is told late', async () => {
    const run = await api.run()
    await silentFor(run, 30)
    await look(0)
    await api.post('runs/update', { run_id: run, status: 'FINISHED', end_time: 9 })
    expect(await shown(run)).toMatchObject({ status: 'FINISHED', lost_since_ms: null })
    await look(0)
    expect(await verbs(run)).toEqual(['lost'])
    expect(await server.ctx.db.selectFrom('lost_runs').selectAll().where('run_id', '=', run).execute()).toEqual([])
  })

  it('are never lost where the configuration says so', async () => {
    const run = await api.run()
    await silentFor(run, 1_000)
    const ctx = { ...server.ctx, config: { ...server.ctx.config, runLostAfterMs: 0 } }
    await lookForLostRuns(ctx)
    expect((await shown(run)).lost_since_ms).toBeNull()
  })
})
