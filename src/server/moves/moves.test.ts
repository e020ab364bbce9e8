import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { LOCAL } from '../../lib/actor.ts'
import { addProject, type Project } from '../projects/projects.service.ts'
import { importStore } from './import.service.ts'
import { openSource } from './open-source.ts'
import { createReport, type Report } from './report.ts'
import type { Reader } from './types.ts'

/** Stores that are damaged or hostile, and ids that are taken. Whole stores by MLflow itself: tests/compat, tests/matrix. */

let server: TestServer
let folder: string
let project: Project
let made = 0
beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
})
afterAll(() => server.close())
beforeEach(async () => {
  // Ids are of the whole server, and these tests share one. In the order in which they are asserted.
  RUN = `a${randomBytes(16).toString('hex').slice(1)}`
  OTHER = `b${randomBytes(16).toString('hex').slice(1)}`
  folder = await mkdtemp(join(tmpdir(), 'trainyard-moves-'))
  project = await addProject(server.ctx, LOCAL, { owner: 'local', name: `p${++made}` })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

let RUN: string
let OTHER: string
const EXPERIMENT = '123456789012345678'

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), text)
}

async function experiment(id = EXPERIMENT, more = ''): Promise<void> {
  const meta = `artifact_location: /gone/${id}\ncreation_time: 1700000000000\nexperiment_id: '${id}'\nlast_update_time: 1700000000001\nlifecycle_stage: active\nname: from afar\n`
  await put(`${id}/meta.yaml`, meta + more)
}

async function run(id = RUN, options: { artifactUri?: string; name?: string; lifecycle?: string } = {}): Promise<void> {
  const { artifactUri = `/gone/${EXPERIMENT}/${id}/artifacts`, name = 'first', lifecycle = 'active' } = options
  await put(
    `${EXPERIMENT}/${id}/meta.yaml`,
    `artifact_uri: ${artifactUri}\nend_time: 1700000009000\nexperiment_id: '${EXPERIMENT}'\nlifecycle_stage: ${lifecycle}\nrun_id: ${id}\nrun_name: ${name}\nstart_time: 1700000000000\nstatus: 3\nuser_id: ada\n`,
  )
  await put(`${EXPERIMENT}/${id}/params/depth`, '3')
  await put(`${EXPERIMENT}/${id}/tags/mlflow.runName`, name)
  await put(`${EXPERIMENT}/${id}/metrics/loss`, '1700000000000 0.5 -1\n1700000000001 nan 9007199254740993\n')
  await put(`${EXPERIMENT}/${id}/artifacts/notes.txt`, 'hello')
}

async function imported(into: Project = project, change: (reader: Reader) => Reader = (reader) => reader) {
  const report = createReport()
  const options = { artifactFolders: [], credentials: {}, workspace: 'default' }
  const reader = await openSource(folder, options, report)
  await importStore(server.ctx, { actor: LOCAL, project: into, reader: change(reader), report })
  return report
}

const moved = (report: Report) => Object.fromEntries([...report.counts].map(([what, { moved }]) => [what, moved]))
const door = (of: Project) => `/mlflow/local/${of.name}/tracking/api/2.0/mlflow`
const get = async (path: string, of = project) => (await server.request('GET', `${door(of)}/${path}`)).body
const artifact = (path: string, of = project) =>
  server.request('GET', `/mlflow/local/${of.name}/tracking/api/2.0/mlflow-artifacts/artifacts/${path}`)

describe('a store that comes in', () => {
  it('keeps the ids, times, points and files that it has', async () => {
    await experiment()
    await run()
    const report = await imported()
    expect(report.problems).toEqual([])
    expect(moved(report)).toEqual({ experiments: 1, runs: 1, points: 2, files: 1 })
    expect((await get(`experiments/get?experiment_id=${EXPERIMENT}`)).experiment).toMatchObject({
      experiment_id: EXPERIMENT,
      name: 'from afar',
      creation_time: 1_700_000_000_000,
      last_update_time: 1_700_000_000_001,
      artifact_location: `mlflow-artifacts:/${EXPERIMENT}`,
    })
    const found = (await get(`runs/get?run_id=${RUN}`)).run
    expect(found.info).toMatchObject({
      run_name: 'first',
      user_id: 'ada',
      status: 'FINISHED',
      end_time: 1_700_000_009_000,
    })
    const history = await server.request('GET', `${door(project)}/metrics/get-history?run_id=${RUN}&metric_key=loss`)
    expect(history.text).toContain('"step":-1')
    expect(history.text).toContain('"step":9007199254740993')
    expect(history.body.metrics.map((point: { value: unknown }) => point.value)).toEqual([0.5, 'NaN'])
    expect((await artifact(`${EXPERIMENT}/${RUN}/artifacts/notes.txt`)).text).toBe('hello')
    const search = { experiment_ids: [EXPERIMENT] }
    const runs = await server.request('POST', `${door(project)}/runs/search`, { body: search })
    expect(runs.body.runs).toHaveLength(1)
  })

  it('changes nothing a second time, and brings what is new a third time', async () => {
    await experiment()
    await run(RUN, { lifecycle: 'deleted' })
    await imported()
    const before = (await server.request('GET', `/api/v1/projects/local/${project.name}/events?limit=100`)).text
    const again = await imported()
    expect(moved(again)).toEqual({ experiments: 0, runs: 0 })
    expect((await server.request('GET', `/api/v1/projects/local/${project.name}/events?limit=100`)).text).toBe(before)
    await put(
      `${EXPERIMENT}/${RUN}/metrics/loss`,
      '1700000000000 0.5 -1\n1700000000001 nan 9007199254740993\n1700000000002 7 1\n',
    )
    await put(`${EXPERIMENT}/${RUN}/artifacts/more.txt`, 'more')
    const third = await imported()
    expect(third.counts.get('files')).toEqual({ moved: 1, unchanged: 1 })
    expect((await get(`metrics/get-history?run_id=${RUN}&metric_key=loss`)).metrics).toHaveLength(3)
    expect((await get(`runs/get?run_id=${RUN}`)).run.info.lifecycle_stage).toBe('deleted')
  })

  it('is taken up where it was stopped', async () => {
    await experiment()
    await run(RUN, { lifecycle: 'deleted' })
    const stopped = (reader: Reader): Reader => ({
      ...reader,
      async *points(of) {
        for await (const points of reader.points(of)) yield points.slice(0, 1)
        throw new Error('killed here')
      },
    })
    await expect(imported(project, stopped)).rejects.toThrow('killed here')
    const report = await imported()
    expect(moved(report)).toMatchObject({ runs: 1, points: 2, files: 1 })
    expect((await get(`metrics/get-history?run_id=${RUN}&metric_key=loss`)).metrics).toHaveLength(2)
    expect((await get(`runs/get?run_id=${RUN}`)).run.info.lifecycle_stage).toBe('deleted')
  })

  it('gets other ids where its own are taken, the same at each import', async () => {
    await experiment()
    await run()
    await run(OTHER, { name: 'second' })
    await put(`${EXPERIMENT}/${OTHER}/tags/mlflow.parentRunId`, RUN)
    await imported()
    const second = await addProject(server.ctx, LOCAL, { owner: 'local', name: `q${made}` })
    const report = await imported(second)
    const ids = report.notes.map((note) => /is run ([0-9a-f]{32}) here/.exec(note)?.[1])
    expect(ids).toHaveLength(2)
    const child = (await get(`runs/get?run_id=${ids[1]}`, second)).run
    expect(child.data.tags).toContainEqual({ key: 'mlflow.parentRunId', value: ids[0] })
    expect((await artifact(`${EXPERIMENT}/${ids[0]}/artifacts/notes.txt`, second)).text).toBe('hello')
    expect(moved(await imported(second))).toEqual({ experiments: 0, runs: 0 })
  })

  it('puts an experiment whose id is taken under another one, and one whose name is here into it', async () => {
    const taken = (await server.request('POST', `${door(project)}/experiments/create`, { body: { name: 'ours' } })).body
    await experiment(taken.experiment_id)
    const report = await imported()
    expect(report.notes).toEqual([expect.stringMatching(/is experiment \d+ here, as this project has another one/)])
    expect((await get('experiments/get-by-name?experiment_name=ours')).experiment.experiment_id).toBe(
      taken.experiment_id,
    )
    const found = (await get('experiments/get-by-name?experiment_name=from%20afar')).experiment
    expect(found.experiment_id).not.toBe(taken.experiment_id)
    await rm(join(folder, taken.experiment_id), { recursive: true })
    await experiment('7000000000')
    expect((await imported()).notes).toEqual([expect.stringContaining('went into the experiment')])
    const next = (await server.request('POST', `${door(project)}/experiments/create`, { body: { name: 'next' } })).body
    expect(Number(next.experiment_id)).toBeLessThan(7_000_000_000)
  })
})

describe('a damaged store', () => {
  it('names what is malformed and brings the rest', async () => {
    await experiment()
    await run()
    await run(OTHER)
    await put(`${EXPERIMENT}/${OTHER}/meta.yaml`, 'run_id: [unclosed\n  : :')
    await put('222/meta.yaml', "experiment_id: '333'\nname: lies\n")
    await put('444/meta.yaml', 'a: &a [x]\nb: *a\n')
    await mkdir(join(folder, '555'))
    await put(`${EXPERIMENT}/${RUN}/metrics/bad`, 'no number 1\n1 2 3 4\n1700000000000 1 1\n')
    await put(`${EXPERIMENT}/${RUN}/params/__proto__`, 'x')
    await put(`${EXPERIMENT}/${RUN}/tags/odd`, 'nul \0 in it')
    await writeFile(join(folder, EXPERIMENT, RUN, 'params', 'latin'), Buffer.from([0xe9, 0x20]))
    const report = await imported()
    const named = report.problems.join('\n')
    for (const file of [
      `${EXPERIMENT}/${OTHER}/meta.yaml`,
      '222/meta.yaml',
      '444/meta.yaml',
      '555/meta.yaml',
      'metrics/bad line 1',
      'metrics/bad line 2',
      'params/latin',
    ])
      expect(named).toContain(file)
    expect(moved(report)).toMatchObject({ experiments: 1, runs: 1, points: 3, files: 1 })
    const { data } = (await get(`runs/get?run_id=${RUN}`)).run
    expect(data.params).toEqual(
      expect.arrayContaining([
        { key: '__proto__', value: 'x' },
        { key: 'depth', value: '3' },
      ]),
    )
    expect(data.tags).toContainEqual({ key: 'odd', value: 'nul \ufffd in it' })
  })

  it('is refused as a whole when it is no store', async () => {
    await expect(imported()).rejects.toThrow(/holds no MLflow store/)
    await put('mlflow.db', 'not a database at all, but long enough to be taken for one')
    const options = { artifactFolders: [], credentials: {}, workspace: 'default' }
    await expect(openSource(join(folder, 'mlflow.db'), options, createReport())).rejects.toThrow(/database/)
    await expect(openSource(join(folder, 'nothing'), options, createReport())).rejects.toThrow(/nothing at/)
  })
})

describe('a hostile store', () => {
  it('reads nothing outside of its folder, whatever its links and locations say', async () => {
    const secret = await mkdtemp(join(tmpdir(), 'trainyard-secret-'))
    await writeFile(join(secret, 'key.pem'), 'SECRET')
    await experiment()
    await run()
    await run(OTHER, { artifactUri: `file://${secret}` })
    await rm(join(folder, EXPERIMENT, OTHER, 'artifacts'), { recursive: true })
    await symlink(join(secret, 'key.pem'), join(folder, EXPERIMENT, RUN, 'artifacts', 'link.txt'))
    await symlink(secret, join(folder, EXPERIMENT, RUN, 'artifacts', 'folder'))
    await symlink(join(secret, 'key.pem'), join(folder, EXPERIMENT, RUN, 'params', 'stolen'))
    await symlink(secret, join(folder, EXPERIMENT, 'c'.repeat(32)))
    await symlink('notes.txt', join(folder, EXPERIMENT, RUN, 'artifacts', 'inner.txt'))
    execFileSync('mkfifo', [join(folder, EXPERIMENT, RUN, 'artifacts', 'pipe')])
    const report = await imported()
    const named = report.problems.join('\n')
    for (const path of [
      'artifacts/link.txt',
      'artifacts/folder',
      'params/stolen',
      'c'.repeat(32),
      'artifacts/pipe',
      secret,
    ])
      expect(named).toContain(path)
    expect(moved(report)).toMatchObject({ runs: 2, files: 2 })
    const here = await get(`artifacts/list?run_id=${RUN}`)
    expect(here.files.map((file: { path: string }) => file.path)).toEqual(['inner.txt', 'notes.txt'])
    expect((await get(`artifacts/list?run_id=${OTHER}`)).files).toBeUndefined()
    expect(JSON.stringify(await get(`runs/get?run_id=${RUN}`))).not.toContain('SECRET')
    await rm(secret, { recursive: true })
  })

  it('writes nothing outside of the project, whatever its files are called', async () => {
    await experiment()
    await run()
    for (const name of ['back\\slash.txt', '%2e%2e%2fup.txt', 'line\nbreak.txt'])
      await put(`${EXPERIMENT}/${RUN}/artifacts/${name}`, 'x')
    const traversal = (reader: Reader): Reader => ({
      ...reader,
      runArtifacts: async (of) => {
        const artifacts = await reader.runArtifacts(of)
        if ('elsewhere' in artifacts) return artifacts
        return {
          files: (async function* () {
            for await (const file of artifacts.files)
              yield file.path === 'notes.txt' ? { ...file, path: '../../../up.txt' } : file
          })(),
        }
      },
    })
    const report = await imported(project, traversal)
    expect(report.problems).toHaveLength(4)
    expect(report.problems.join('')).not.toContain('\n')
    expect(moved(report).files).toBeUndefined()
    expect((await artifact('up.txt')).status).toBe(404)
  })

  it('cannot name a run that is no run, nor a version that reads the disk', async () => {
    await experiment()
    await run()
    await put('models/m/meta.yaml', 'name: m\ncreation_timestamp: 1\nlast_updated_timestamp: 2\n')
    const version = (source: string) =>
      `name: m\nversion: 1\ncreation_timestamp: 1\nlast_updated_timestamp: 2\ncurrent_stage: None\nsource: ${source}\nrun_id: ${RUN}\n`
    await put('models/m/version-1/meta.yaml', version('/etc'))
    await put('models/m/version-2/meta.yaml', version(`/gone/${EXPERIMENT}/${RUN}/artifacts/notes.txt`))
    await put('models/m/aliases/latest', '1')
    const report = await imported()
    expect(report.problems).toEqual([
      expect.stringContaining('version 1 of "m": its files cannot be read here'),
      expect.stringContaining('latest'),
    ])
    const file = `/mlflow/local/${project.name}/tracking/model-versions/get-artifact?name=m&version=1&path=passwd`
    const answer = await server.request('GET', file)
    expect([answer.status, answer.text]).toEqual([400, expect.not.stringContaining('root:')])
    const found = (await get('model-versions/get?name=m&version=2')).model_version
    expect(found.source).toBe(`mlflow-artifacts:/${EXPERIMENT}/${RUN}/artifacts/notes.txt`)
  })
})
