import { execFileSync } from 'node:child_process'
import { createReadStream, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemEnvironment } from '../../src/config.ts'
import { LOCAL } from '../../src/lib/actor.ts'
import { PACKAGE_ROOT } from '../../src/lib/package-root.ts'
import { putArtifact } from '../../src/server/artifacts/artifacts.service.ts'
import type { Project } from '../../src/server/projects/projects.service.ts'
import { createModelVersion, type ModelVersion } from '../../src/server/registry/versions.service.ts'
import { createRun } from '../../src/server/tracking/run-starts.service.ts'
import { ensureEnvironment } from '../../src/server/training/environments.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'
import { IRIS, putTestForm, testProject } from '../harness/serving.ts'

/** What the two models need, as their requirements.txt says. The platform builds the environment from it, once. */
const REQUIREMENTS = [
  'mlflow==3.17.2',
  'scikit-learn==1.9.1; python_version >= "3.11"',
  'scikit-learn==1.7.2; python_version < "3.11"',
  'pandas',
  'cloudpickle==3.1.2',
  '',
].join('\n')
const P = '/api/v1/projects/local/python'

let server: TestServer
let project: Project
let folder: string

beforeAll(async () => {
  // No job slots: the conversion that registering asks for must not run beside this.
  server = await startTestServer({ jobSlots: '0' })
  project = await testProject(server, 'python')
  folder = join(server.folder, 'models')
  mkdirSync(folder)
  const log = { path: join(server.folder, 'build.log'), say: () => {} }
  const spec = { python: null, requirements: REQUIREMENTS }
  const { python } = await ensureEnvironment(server.ctx.config, spec, log, AbortSignal.timeout(500_000))
  execFileSync(python, [join(PACKAGE_ROOT, 'tests', 'fixtures', 'make_python_models.py'), folder], {
    env: { ...systemEnvironment(), MLFLOW_TRACKING_URI: `file://${folder}` },
    stdio: 'pipe',
  })
})
afterAll(() => server.close())

/** Registers a saved model as a version whose conversion was refused, and serves it. */
async function serve(name: string): Promise<ModelVersion> {
  const run = await createRun(server.ctx, LOCAL, project, {})
  const base = run.artifactUri.replace(/^mlflow-artifacts:\/+/, '')
  writeFileSync(join(folder, name, 'requirements.txt'), REQUIREMENTS)
  for (const entry of readdirSync(join(folder, name), { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    await putArtifact(
      server.ctx,
      project,
      `${base}/model/${path.slice(join(folder, name).length + 1)}`,
      createReadStream(path),
    )
  }
  const source = `runs:/${run.id}/model`
  const version = await createModelVersion(server.ctx, LOCAL, project, {
    name,
    source,
    runId: run.id,
    createModel: true,
  })
  expect(version.mlmodel?.flavors).toContain('python_function')
  await putTestForm(server, project, version.id, IRIS, 'refused')
  const made = await server.request('POST', `${P}/endpoints`, { body: { name, model: name, version: version.version } })
  expect(made.status, made.text).toBe(201)
  return version
}

const predict = (name: string, rows: unknown[]) =>
  server.request('POST', `${P}/endpoints/${name}/predict`, { body: { rows } })

/** A first request may come while Python still imports: it is told when to come back. */
async function patiently(name: string, rows: unknown[]) {
  for (;;) {
    const answer = await predict(name, rows)
    if (answer.status !== 503) return answer
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

describe('a model that cannot become ONNX', () => {
  it('is served by a Python child with the values and scores of the original', async () => {
    await serve('boosting')
    const rows = [
      { job: 'nurse', age: 60 },
      { job: 'clerk', age: 60 },
    ]
    const answer = await patiently('boosting', rows)
    expect(answer.status, answer.text).toBe(200)
    expect(answer.body.runtime).toBe('python')
    expect(answer.body.predictions.map((row: { value: string }) => row.value)).toEqual(['>50K', '<=50K'])
    const [first] = answer.body.predictions
    expect(Object.keys(first.scores)).toEqual(['<=50K', '>50K'])
    expect(first.scores['>50K']).toBeGreaterThan(0.5)
    expect(first.scores['>50K'] + first.scores['<=50K']).toBeCloseTo(1)
    expect((await predict('boosting', [{ job: 'nurse', age: '60' }])).body.error.field).toBe('rows[0].age')
    // OrdinalEncoder knows no such job and says so: the model's own words, as the caller's mistake.
    const unknown = await predict('boosting', [{ job: 'pilot', age: 60 }])
    expect(unknown.status).toBe(400)
    expect(unknown.body.error.message).toMatch(/The model refused the rows: .*pilot/)
    const serving = (await server.request('GET', `${P}/endpoints/boosting`)).body.serving
    expect(serving).toEqual({ version: 1, runtime: 'python', state: 'ready', reason: null })
    const door = await server.request('POST', '/endpoints/local/python/boosting/invocations', {
      body: { dataframe_records: rows },
    })
    expect(door.body).toEqual({ predictions: ['>50K', '<=50K'] })
  })

  it('may print, raise and die; the next request is answered again', async () => {
    await serve('moody')
    const first = await patiently('moody', [{ word: 'four' }])
    expect(first.status, first.text).toBe(200)
    expect(first.body.predictions[0]).toMatchObject({ value: { length: 4, nothing: null }, scores: null })
    expect((await predict('moody', [{ word: 'raise' }])).body.error.message).toMatch(/a word it cannot bear/)
    const died = await predict('moody', [{ word: 'die' }])
    expect(died.status).toBe(503)
    expect(died.headers.get('retry-after')).toBe('1')
    expect((await patiently('moody', [{ word: 'alive' }])).body.predictions[0].value.length).toBe(5)
  })

  it('is not served by a server that runs no code of models', async () => {
    const { loadPredictor } = await import('../../src/server/serving/load.ts')
    const { findModelVersion } = await import('../../src/server/registry/versions.service.ts')
    const version = await findModelVersion(server.ctx, project.id, 'boosting', { version: 1 })
    const strict = { ...server.ctx, config: { ...server.ctx.config, allowCodeModels: false } }
    await expect(loadPredictor(strict, version, AbortSignal.timeout(1_000))).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringMatching(/--allow-code-models/),
    })
  })

  it('leaves no process and no folder behind', async () => {
    const { pids } = children()
    expect(pids.length).toBeGreaterThan(0)
    await server.ctx.models.close()
    expect(children().pids).toEqual([])
    expect(readdirSync(join(server.folder, 'serving'))).toEqual([])
  })
})

function children(): { pids: string[] } {
  const lines = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n')
  return { pids: lines.filter((line) => line.includes('pyfunc/server.py') && line.includes(server.folder)) }
}
