import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EXPERIMENT, type HandMadeStore, handMadeStore, moved } from '../../../tests/harness/mlruns.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { LOCAL } from '../../lib/actor.ts'
import { addProject } from '../projects/projects.service.ts'
import type { Reader } from './types.ts'

/** What an import makes of ids and names, and of being done again. Whole stores by MLflow itself: tests/compat, tests/matrix. */

let server: TestServer
let store: HandMadeStore
beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
})
afterAll(() => server.close())
beforeEach(async () => {
  store = await handMadeStore(server)
})
afterEach(() => rm(store.folder, { recursive: true, force: true }))

describe('a store that comes in', () => {
  it('keeps the ids, times, points and files that it has', async () => {
    await store.experiment()
    await store.run(store.RUN)
    const report = await store.imported()
    expect(report.problems).toEqual([])
    expect(moved(report)).toEqual({ experiments: 1, runs: 1, points: 2, files: 1 })
    expect((await store.get(`experiments/get?experiment_id=${EXPERIMENT}`)).experiment).toMatchObject({
      experiment_id: EXPERIMENT,
      name: 'from afar',
      creation_time: 1_700_000_000_000,
      last_update_time: 1_700_000_000_001,
      artifact_location: `mlflow-artifacts:/${EXPERIMENT}`,
    })
    const found = (await store.get(`runs/get?run_id=${store.RUN}`)).run
    expect(found.info).toMatchObject({
      run_name: 'first',
      user_id: 'ada',
      status: 'FINISHED',
      end_time: 1_700_000_009_000,
    })
    const history = await server.request(
      'GET',
      `/mlflow/local/${store.project.name}/tracking/api/2.0/mlflow/metrics/get-history?run_id=${store.RUN}&metric_key=loss`,
    )
    expect(history.text).toContain('"step":-1')
    expect(history.text).toContain('"step":9007199254740993')
    expect(history.body.metrics.map((point: { value: unknown }) => point.value)).toEqual([0.5, 'NaN'])
    expect((await store.artifact(`${EXPERIMENT}/${store.RUN}/artifacts/notes.txt`)).text).toBe('hello')
    const search = { experiment_ids: [EXPERIMENT] }
    const listed = await store.post('runs/search', search)
    expect(listed.runs).toHaveLength(1)
  })

  it('names a run once, and says so where its tag had another name', async () => {
    await store.experiment()
    await store.run(store.RUN)
    await store.put(`${EXPERIMENT}/${store.RUN}/tags/mlflow.runName`, 'edited by hand')
    const report = await store.imported()
    expect(report.notes).toEqual([expect.stringMatching(/is named "first"; its tag .* was "edited by hand"/)])
    const { info, data } = (await store.get(`runs/get?run_id=${store.RUN}`)).run
    expect([info.run_name, data.tags]).toEqual(['first', [{ key: 'mlflow.runName', value: 'first' }]])
  })

  it('changes nothing a second time, and brings what is new a third time', async () => {
    await store.experiment()
    await store.run(store.RUN, { lifecycle: 'deleted' })
    await store.imported()
    const before = (await server.request('GET', `/api/v1/projects/local/${store.project.name}/events?limit=100`)).text
    const again = await store.imported()
    expect(moved(again)).toEqual({ experiments: 0, runs: 0 })
    expect((await server.request('GET', `/api/v1/projects/local/${store.project.name}/events?limit=100`)).text).toBe(
      before,
    )
    await store.put(
      `${EXPERIMENT}/${store.RUN}/metrics/loss`,
      '1700000000000 0.5 -1\n1700000000001 nan 9007199254740993\n1700000000002 7 1\n',
    )
    await store.put(`${EXPERIMENT}/${store.RUN}/artifacts/more.txt`, 'more')
    const third = await store.imported()
    expect(third.counts.get('files')).toEqual({ moved: 1, unchanged: 1 })
    expect((await store.get(`metrics/get-history?run_id=${store.RUN}&metric_key=loss`)).metrics).toHaveLength(3)
    expect((await store.get(`runs/get?run_id=${store.RUN}`)).run.info.lifecycle_stage).toBe('deleted')
  })

  it('is taken up where it was stopped', async () => {
    await store.experiment()
    await store.run(store.RUN, { lifecycle: 'deleted' })
    const stopped = (reader: Reader): Reader => ({
      ...reader,
      async *points(of) {
        for await (const points of reader.points(of)) yield points.slice(0, 1)
        throw new Error('killed here')
      },
    })
    await expect(store.imported(store.project, stopped)).rejects.toThrow('killed here')
    const report = await store.imported()
    expect(moved(report)).toMatchObject({ runs: 1, points: 2, files: 1 })
    expect((await store.get(`metrics/get-history?run_id=${store.RUN}&metric_key=loss`)).metrics).toHaveLength(2)
    expect((await store.get(`runs/get?run_id=${store.RUN}`)).run.info.lifecycle_stage).toBe('deleted')
  })

  it('gets other ids where its own are taken, the same at each import', async () => {
    await store.experiment()
    await store.run(store.RUN)
    await store.run(store.OTHER, { name: 'second' })
    await store.put(`${EXPERIMENT}/${store.OTHER}/tags/mlflow.parentRunId`, store.RUN)
    await store.imported()
    const second = await addProject(server.ctx, LOCAL, { owner: 'local', name: `${store.project.name}-too` })
    const report = await store.imported(second)
    const ids = report.notes.map((note) => /is run ([0-9a-f]{32}) here/.exec(note)?.[1])
    expect(ids).toHaveLength(2)
    const child = (await store.get(`runs/get?run_id=${ids[1]}`, second)).run
    expect(child.data.tags).toContainEqual({ key: 'mlflow.parentRunId', value: ids[0] })
    expect((await store.artifact(`${EXPERIMENT}/${ids[0]}/artifacts/notes.txt`, second)).text).toBe('hello')
    expect(moved(await store.imported(second))).toEqual({ experiments: 0, runs: 0 })
  })

  it('puts an experiment whose id is taken under another one, and one whose name is here into it', async () => {
    const taken = await store.post('experiments/create', { name: 'ours' })
    await store.experiment(taken.experiment_id)
    const report = await store.imported()
    expect(report.notes).toEqual([expect.stringMatching(/is experiment \d+ here, as this project has another one/)])
    expect((await store.get('experiments/get-by-name?experiment_name=ours')).experiment.experiment_id).toBe(
      taken.experiment_id,
    )
    const found = (await store.get('experiments/get-by-name?experiment_name=from%20afar')).experiment
    expect(found.experiment_id).not.toBe(taken.experiment_id)
    await rm(join(store.folder, taken.experiment_id), { recursive: true })
    await store.experiment('7000000000')
    expect((await store.imported()).notes).toEqual([expect.stringContaining('went into the experiment')])
    const next = await store.post('experiments/create', { name: 'next' })
    expect(Number(next.experiment_id)).toBeLessThan(7_000_000_000)
  })

  it('comes again when it was deleted for ever, and stays away when it lies in the bin', async () => {
    await store.experiment()
    await store.run(store.RUN)
    await store.imported()
    await store.post('runs/delete', { run_id: store.RUN })
    expect(moved(await store.imported())).toEqual({ experiments: 0, runs: 0 })
    expect((await store.get(`runs/get?run_id=${store.RUN}`)).run.info.lifecycle_stage).toBe('deleted')
    await server.ctx.db.deleteFrom('runs').where('id', '=', store.RUN).execute()
    expect(moved(await store.imported())).toMatchObject({ runs: 1, points: 2 })
    expect((await store.get(`metrics/get-history?run_id=${store.RUN}&metric_key=loss`)).metrics).toHaveLength(2)
  })

  it('adds its versions to a model whose name is here, and leaves the aliases of others alone', async () => {
    await store.post('registered-models/create', { name: 'm' })
    await store.post('model-versions/create', { name: 'm', source: 's3://ours/m' })
    await store.post('registered-models/alias', { name: 'm', alias: 'champion', version: '1' })
    await store.experiment()
    await store.put('models/m/meta.yaml', 'name: m\ncreation_timestamp: 5\nlast_updated_timestamp: 6\n')
    for (const number of [1, 7]) {
      const meta = `name: m\nversion: ${number}\ncreation_timestamp: 5\nlast_updated_timestamp: 6\ncurrent_stage: Production\nsource: s3://theirs/${number}\n`
      await store.put(`models/m/version-${number}/meta.yaml`, meta)
    }
    await store.put('models/m/version-9/meta.yaml', 'name: m\nversion: 9\ncurrent_stage: Deleted_Internal\n')
    await store.put('models/m/aliases/champion', '7')
    await store.put('models/m/aliases/newest', '7')
    const report = await store.imported()
    expect(report.problems).toEqual([
      expect.stringContaining('stand for other versions here, or can be none: champion'),
    ])
    expect(report.notes).toContainEqual(expect.stringContaining('version 1 of "m" is version 2 here'))
    const found = (await store.get('registered-models/get?name=m')).registered_model
    expect(found.aliases).toEqual([
      { alias: 'champion', version: '1' },
      { alias: 'newest', version: '7' },
    ])
    const sources = (await store.get("model-versions/search?filter=name%3D'm'")).model_versions
    expect(
      Object.fromEntries(sources.map((of: { version: string; source: string }) => [of.version, of.source])),
    ).toEqual({
      1: 's3://ours/m',
      2: 's3://theirs/1',
      7: 's3://theirs/7',
    })
    const next = await store.post('model-versions/create', { name: 'm', source: 's3://ours/m' })
    expect(next.model_version.version).toBe('10')
    expect(moved(await store.imported())).toMatchObject({ 'registered models': 0, 'model versions': 0 })
  })
})
