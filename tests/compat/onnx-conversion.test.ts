import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemEnvironment } from '../../src/config.ts'
import { projectForSystem } from '../../src/server/projects/projects.service.ts'
import { conversionRequirements } from '../../src/server/registry/requirements.ts'
import { findModelVersion } from '../../src/server/registry/versions.service.ts'
import { predictRows } from '../../src/server/serving/predict.service.ts'
import { addRunInput } from '../../src/server/tracking/inputs.service.ts'
import { ensureEnvironment } from '../../src/server/training/environments.ts'
import { upload } from '../harness/datasets.ts'
import { localProject } from '../harness/registry.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'

/** Models logged by the real MLflow client, converted by real jobs in their own environments, served from ONNX. */
const REQUIREMENTS = [
  'mlflow==3.17.2',
  'pandas==3.1.1; python_version >= "3.11"',
  'pandas==2.3.3; python_version < "3.11"',
  'pyarrow==25.0.1',
  'scikit-learn==1.9.1; python_version >= "3.11"',
  'scikit-learn==1.7.2; python_version < "3.11"',
]
const P = '/api/v1/projects/local/convert'

type Logged = {
  runs: Record<string, string>
  test: string
  ask: Record<string, unknown>[]
  expected: [number, number][]
  labels: Record<string, string[]>
}

let server: TestServer
let projectId: string
let logged: Logged

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '1' })
  projectId = (await localProject(server, 'convert')).id
  // The same requirements as the conversions' own: one environment serves the client below and all jobs.
  const requirements = conversionRequirements(REQUIREMENTS.join('\n'), [])
  if ('refused' in requirements) throw new Error(requirements.refused)
  const log = { say: () => {}, path: join(server.folder, 'environment.log') }
  const spec = { python: null, requirements: requirements.text }
  const environment = await ensureEnvironment(server.ctx.config, spec, log, new AbortController().signal)
  const { stdout } = await promisify(execFile)(
    environment.python,
    ['-W', 'ignore', 'tests/compat/log_models.py', REQUIREMENTS.join(',')],
    {
      env: { ...systemEnvironment(), MLFLOW_TRACKING_URI: `${server.url}/mlflow/local/convert/tracking` },
      maxBuffer: 16 * 1024 * 1024,
    },
  )
  logged = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Logged
})
afterAll(() => server.close())

/** A version's form as soon as its job has ended. */
async function converted(name: string, version = 1) {
  const form = async () => (await server.request('GET', `${P}/models/${name}/versions/${version}`)).body.onnx
  await expect
    .poll(async () => (await form())?.state, { timeout: 200_000, interval: 500 })
    .toMatch(/ready|refused|failed/)
  const ended = await form()
  if (ended.state === 'failed') {
    const log = join(server.folder, 'jobs', ended.job_id, 'log.txt')
    throw new Error(`${ended.reason}\n${await readFile(log, 'utf8').catch(() => '')}`)
  }
  return ended
}

describe('conversion to ONNX', () => {
  it('of a pipeline with text columns, one of a name that ONNX does not know, is proved equal on the input example and answers in this process', async () => {
    const form = await converted('logistic')
    expect(form).toMatchObject({ state: 'ready', reason: null })
    expect(form.report).toMatchObject({
      rows: 4,
      source: 'logged input example',
      label_agreement: 1,
      passed: true,
      versions: { skl2onnx: '1.20.0', 'scikit-learn': '1.9.1' },
      interface: {
        inputs: [
          { name: 'age', column: 'age', type: 'int64', shape: [null, 1] },
          { name: 'hours__week_', column: 'hours (week)', type: 'float', shape: [null, 1] },
          { name: 'work', column: 'work', type: 'string', shape: [null, 1] },
        ],
        outputs: { label: 'label', probabilities: 'probabilities', classes: ['<=50K', '>50K'] },
      },
    })
    const version = await findModelVersion(server.ctx, projectId, 'logistic', { version: 1 })
    const { runtime, outputs } = await predictRows(server.ctx, version, logged.ask)
    expect(runtime).toBe('onnx')
    for (const [i, { value, scores }] of outputs.entries()) {
      const [no, yes] = logged.expected[i]!
      expect(value).toBe(yes > no ? '>50K' : '<=50K')
      expect(scores?.['>50K']).toBeCloseTo(yes, 5)
    }
  })

  it('uses the test rows of the dataset version that the run used', async () => {
    const made = await upload(server, P, 'people', [
      { path: 'other.csv', content: 'a\n1\n' },
      { path: 'test.csv', content: logged.test },
    ])
    expect(made.status, made.text).toBe(201)
    const project = await projectForSystem(server.ctx, projectId)
    const { findVersion } = await import('../../src/server/datasets/versions.service.ts')
    await addRunInput(server.ctx, project, logged.runs.regressor!, {
      name: 'people',
      digest: 'd',
      sourceType: 'local',
      source: 'x',
      tags: [],
      datasetVersionId: (await findVersion(server.ctx, projectId, 'people@1')).id,
    })
    const source = (await server.request('GET', `${P}/models/regressor/versions/1`)).body.source
    expect((await server.request('POST', `${P}/models/regressor/versions`, { body: { source } })).status).toBe(201)
    const form = await converted('regressor', 2)
    expect(form.report).toMatchObject({ rows: 500, source: 'people: test.csv', label_agreement: null, passed: true })
    expect(form.report.value.max_rel).toBeLessThan(1e-3)
    expect(form.state).toBe('ready')
  })

  it.each(['svc', 'linear'])('of a classifier without probabilities gives its labels alone: %s', async (name) => {
    const form = await converted(name)
    expect(form).toMatchObject({ state: 'ready', reason: null })
    expect(form.report).toMatchObject({ label_agreement: 1, probability: null, passed: true })
    const version = await findModelVersion(server.ctx, projectId, name, { version: 1 })
    const asked = logged.ask.map(({ work: _work, ...numbers }) => numbers)
    const { runtime, outputs } = await predictRows(server.ctx, version, asked)
    expect(runtime).toBe('onnx')
    expect(outputs).toEqual(logged.labels[name]?.map((value) => ({ value, scores: null })))
  })

  it('is refused with the converter’s words for what it does not know', async () => {
    const form = await converted('hist')
    expect(form).toMatchObject({ state: 'refused', report: null, size_bytes: null })
    expect(form.reason).toMatch(/^HistGradientBoostingClassifier cannot be converted to ONNX by skl2onnx 1\.20\.0: /)
  })
})
