import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EXPERIMENT, type HandMadeStore, handMadeStore, moved, NO_OPTIONS } from '../../../tests/harness/mlruns.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { openSource } from './open-source.ts'
import { createReport } from './report.ts'
import type { Reader } from './types.ts'

/** Stores that are damaged or hostile. */

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

describe('a damaged store', () => {
  it('names what is malformed and brings the rest', async () => {
    await store.experiment()
    await store.run(store.RUN)
    await store.run(store.OTHER)
    await store.put(`${EXPERIMENT}/${store.OTHER}/meta.yaml`, 'run_id: [unclosed\n  : :')
    await store.put('222/meta.yaml', "experiment_id: '333'\nname: lies\n")
    await store.put('444/meta.yaml', 'a: &a [x]\nb: *a\n')
    await mkdir(join(store.folder, '555'))
    await store.put(`${EXPERIMENT}/${store.RUN}/metrics/bad`, 'no number 1\n1 2 3 4\n1700000000000 1 1\n')
    await store.put(`${EXPERIMENT}/${store.RUN}/params/__proto__`, 'x')
    await store.put(`${EXPERIMENT}/${store.RUN}/tags/odd`, 'nul \0 in it')
    await writeFile(join(store.folder, EXPERIMENT, store.RUN, 'params', 'latin'), Buffer.from([0xe9, 0x20]))
    const report = await store.imported()
    const named = report.problems.join('\n')
    for (const file of [
      `${EXPERIMENT}/${store.OTHER}/meta.yaml`,
      '222/meta.yaml',
      '444/meta.yaml',
      '555/meta.yaml',
      'metrics/bad line 1',
      'metrics/bad line 2',
      'params/latin',
    ])
      expect(named).toContain(file)
    expect(moved(report)).toMatchObject({ experiments: 1, runs: 1, points: 3, files: 1 })
    const { data } = (await store.get(`runs/get?run_id=${store.RUN}`)).run
    expect(data.params).toEqual(
      expect.arrayContaining([
        { key: '__proto__', value: 'x' },
        { key: 'depth', value: '3' },
      ]),
    )
    expect(data.tags).toContainEqual({ key: 'odd', value: 'nul \ufffd in it' })
  })

  it('is refused as a whole when it is no store', async () => {
    await expect(store.imported()).rejects.toThrow(/holds no MLflow store/)
    await store.put('mlflow.db', 'not a database at all, but long enough to be taken for one')
    await expect(openSource(join(store.folder, 'mlflow.db'), NO_OPTIONS, createReport())).rejects.toThrow(/database/)
    await expect(openSource(join(store.folder, 'nothing'), NO_OPTIONS, createReport())).rejects.toThrow(/nothing at/)
  })
})

describe('a hostile store', () => {
  it('reads nothing outside of its folder, whatever its links and locations say', async () => {
    const secret = await mkdtemp(join(tmpdir(), 'trainyard-secret-'))
    await writeFile(join(secret, 'key.pem'), 'SECRET')
    await store.experiment()
    await store.run(store.RUN)
    await store.run(store.OTHER, { artifactUri: `file://${secret}` })
    await rm(join(store.folder, EXPERIMENT, store.OTHER, 'artifacts'), { recursive: true })
    await symlink(join(secret, 'key.pem'), join(store.folder, EXPERIMENT, store.RUN, 'artifacts', 'link.txt'))
    await symlink(secret, join(store.folder, EXPERIMENT, store.RUN, 'artifacts', 'folder'))
    await symlink(join(secret, 'key.pem'), join(store.folder, EXPERIMENT, store.RUN, 'params', 'stolen'))
    await symlink(secret, join(store.folder, EXPERIMENT, 'c'.repeat(32)))
    await symlink('notes.txt', join(store.folder, EXPERIMENT, store.RUN, 'artifacts', 'inner.txt'))
    execFileSync('mkfifo', [join(store.folder, EXPERIMENT, store.RUN, 'artifacts', 'pipe')])
    const report = await store.imported()
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
    const here = await store.get(`artifacts/list?run_id=${store.RUN}`)
    expect(here.files.map((file: { path: string }) => file.path)).toEqual(['inner.txt', 'notes.txt'])
    expect((await store.get(`artifacts/list?run_id=${store.OTHER}`)).files).toBeUndefined()
    expect(JSON.stringify(await store.get(`runs/get?run_id=${store.RUN}`))).not.toContain('SECRET')
    await rm(secret, { recursive: true })
  })

  it('writes nothing outside of the project, whatever its files are called', async () => {
    await store.experiment()
    await store.run(store.RUN)
    for (const name of ['back\\slash.txt', '%2e%2e%2fup.txt', 'line\nbreak.txt'])
      await store.put(`${EXPERIMENT}/${store.RUN}/artifacts/${name}`, 'x')
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
    const report = await store.imported(store.project, traversal)
    expect(report.problems).toHaveLength(4)
    expect(report.problems.join('')).not.toContain('\n')
    expect(moved(report).files).toBeUndefined()
    expect((await store.artifact('up.txt')).status).toBe(404)
  })

  it('cannot name a run that is no run, nor a version that reads the disk', async () => {
    await store.experiment()
    await store.run(store.RUN)
    await store.put('models/m/meta.yaml', 'name: m\ncreation_timestamp: 1\nlast_updated_timestamp: 2\n')
    const version = (source: string) =>
      `name: m\nversion: 1\ncreation_timestamp: 1\nlast_updated_timestamp: 2\ncurrent_stage: None\nsource: ${source}\nrun_id: ${store.RUN}\n`
    await store.put('models/m/version-1/meta.yaml', version('/etc'))
    await store.put('models/m/version-2/meta.yaml', version(`/gone/${EXPERIMENT}/${store.RUN}/artifacts/notes.txt`))
    await store.put('models/m/aliases/latest', '1')
    const report = await store.imported()
    expect(report.problems).toEqual([
      expect.stringContaining('version 1 of "m": its files cannot be read here'),
      expect.stringContaining('latest'),
    ])
    const file = `/mlflow/local/${store.project.name}/tracking/model-versions/get-artifact?name=m&version=1&path=passwd`
    const answer = await server.request('GET', file)
    expect([answer.status, answer.text]).toEqual([400, expect.not.stringContaining('root:')])
    const found = (await store.get('model-versions/get?name=m&version=2')).model_version
    expect(found.source).toBe(`mlflow-artifacts:/${EXPERIMENT}/${store.RUN}/artifacts/notes.txt`)
  })
})
