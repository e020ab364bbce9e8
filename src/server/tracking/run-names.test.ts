import { afterAll, beforeAll, expect, test } from 'vitest'
import { type MlflowApi, mlflowApi } from '../../../tests/harness/mlflow.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { inTransaction } from '../../context.ts'
import { LOCAL } from '../../lib/actor.ts'
import { runWrites } from './run-writes.service.ts'

const NAME_TAG = 'mlflow.runName'
let server: TestServer
let api: MlflowApi
beforeAll(async () => {
  server = await startTestServer()
  api = mlflowApi(server)
})
afterAll(() => server.close())

/** Name and tag as a client sees them. */
async function namesOf(run: string): Promise<[string, string[]]> {
  const { info, data } = (await api.get('runs/get', { run_id: run })).body.run
  const tags: { key: string; value: string }[] = data.tags ?? []
  return [info.run_name, tags.flatMap(({ key, value }) => (key === NAME_TAG ? [value] : []))]
}

test('the tag is the name, whichever of them is written, and a name without a tag gets one again', async () => {
  const run = await api.run('0', { run_name: 'a' })
  expect(await namesOf(run)).toEqual(['a', ['a']])
  await api.post('runs/set-tag', { run_id: run, key: NAME_TAG, value: 'b' })
  expect(await namesOf(run)).toEqual(['b', ['b']])
  await api.post('runs/update', { run_id: run, run_name: 'c' })
  expect(await namesOf(run)).toEqual(['c', ['c']])
  expect((await api.post('runs/delete-tag', { run_id: run, key: NAME_TAG })).status).toBe(200)
  expect(await namesOf(run)).toEqual(['c', []])
  expect((await api.post('runs/delete-tag', { run_id: run, key: NAME_TAG })).status).toBe(404)
  await api.post('runs/log-batch', { run_id: run, tags: [{ key: NAME_TAG, value: '' }] })
  expect(await namesOf(run)).toEqual(['c', []])
  await api.post('runs/log-batch', { run_id: run, tags: [{ key: NAME_TAG, value: 'd' }] })
  expect(await namesOf(run)).toEqual(['d', ['d']])
})

test('runs without the tag are behind all others in both directions, and no filter of the tag but its absence finds them', async () => {
  const experiment = await api.experiment('names')
  const [b, a, none] = [
    await api.run(experiment, { run_name: 'b' }),
    await api.run(experiment, { run_name: 'a' }),
    await api.run(experiment, { run_name: 'c' }),
  ]
  await api.post('runs/delete-tag', { run_id: none, key: NAME_TAG })
  const found = async (query: object): Promise<string[]> => {
    const { body } = await api.post('runs/search', { experiment_ids: [experiment], ...query })
    return (body.runs ?? []).map((run: { info: { run_id: string } }) => run.info.run_id)
  }
  expect(await found({ order_by: [`tags.\`${NAME_TAG}\` ASC`] })).toEqual([a, b, none])
  expect(await found({ order_by: [`tags.\`${NAME_TAG}\` DESC`] })).toEqual([b, a, none])
  expect(await found({ order_by: ['params.no ASC', `tags.\`${NAME_TAG}\` ASC`] })).toEqual([a, b, none])
  expect(await found({ filter: `tags.${NAME_TAG} = 'c'` })).toEqual([])
  expect(await found({ filter: `tags.${NAME_TAG} != 'a'` })).toEqual([b])
  expect(await found({ filter: `tags.${NAME_TAG} LIKE '%'`, order_by: [`tags.\`${NAME_TAG}\``] })).toEqual([a, b])
  expect(await found({ filter: `tags.${NAME_TAG} IS NULL` })).toEqual([none])
})

test('transactions that name the same runs in another order wait for each other, and none is broken off', async () => {
  const runs = await Promise.all(Array.from({ length: 6 }, () => api.run()))
  const { id: projectId } = await server.ctx.db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
  const naming = (name: string, order: readonly string[]) =>
    inTransaction(server.ctx, (tx) => {
      const place = { actor: LOCAL, projectId, metrics: [], params: [], isWriterKnown: true }
      return runWrites.flush(
        tx,
        order.map((runId) => ({ ...place, runId, tags: new Map([[NAME_TAG, name]]) })),
      )
    })
  for (let round = 0; round < 5; round++)
    await Promise.all([naming('one', runs), naming('other', runs.toReversed()), naming('third', runs)])
  const names = await Promise.all(runs.map(async (run) => (await namesOf(run))[0]))
  expect(new Set(names).size).toBe(1)
})
