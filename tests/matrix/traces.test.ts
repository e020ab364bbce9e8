import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig, systemEnvironment } from '../../src/config.ts'
import { PACKAGE_ROOT } from '../../src/lib/package-root.ts'
import { ensureEnvironment } from '../../src/server/training/environments.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'

/** Clients that trace by the older protocol, with the libraries of their time (newer OpenTelemetry breaks their tracing). */
const COMMON = [
  'opentelemetry-api==1.29.0',
  'opentelemetry-sdk==1.29.0',
  'numpy==1.26.4',
  'pandas==2.2.3',
  'setuptools==75.8.0',
]
const CLIENTS: Record<string, string[]> = {
  '2.14.2': ['scikit-learn==1.5.2', ...COMMON],
  '2.22.1': ['scikit-learn==1.6.1', 'matplotlib==3.10.0', ...COMMON],
}
const TRACES = {
  found: 2,
  run: 1,
  status: 'OK',
  name: 'answer',
  colour: 'blue',
  inputs: { question: 'a dog' },
  spans: ['answer', 'think'],
  attribute: 7,
  outputs: { deep: [1, { a: null }] },
  timed: true,
  ok: 2,
  deleted: 1,
  left: 1,
}
const CURVES = ['lift_curve_plot', 'precision_recall_curve_plot', 'roc_curve_plot']

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
})
afterAll(() => server.close())

async function pythonWith(version: string): Promise<string> {
  const data = join(PACKAGE_ROOT, '.cache', 'py')
  await mkdir(data, { recursive: true })
  const requirements = [`mlflow==${version}`, ...(CLIENTS[version] ?? [])].join('\n')
  const log = { path: join(data, `build-traces-${version}.log`), say: () => {} }
  return (
    await ensureEnvironment(readConfig({ data }), { python: null, requirements }, log, AbortSignal.timeout(580_000))
  ).python
}

async function run(python: string, script: string, name: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(python, [join(PACKAGE_ROOT, 'tests', script), name], {
    env: {
      ...systemEnvironment(),
      MLFLOW_TRACKING_URI: server.url,
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
      GIT_PYTHON_REFRESH: 'quiet',
    },
    maxBuffer: 64 * 1024 * 1024,
  })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}

describe('clients before MLflow 3', () => {
  for (const version of Object.keys(CLIENTS)) {
    it(`mlflow ${version} traces; from 2.21 on it keeps prompts`, async () => {
      const name = `traces-${version}`
      expect(await run(await pythonWith(version), 'matrix/mlflow2_traces.py', name)).toEqual({
        version,
        traces: TRACES,
        ...(version === '2.14.2' ? {} : { prompts: [['2', 'Hi you!', 'second'], ['1', 'Hello you!', 'first'], []] }),
      })
    }, 900_000)
  }

  it('mlflow 2.22.1 evaluates a classifier and a regressor', async () => {
    expect(await run(await pythonWith('2.22.1'), 'compat/mlflow_evaluate.py', 'evaluate')).toEqual({
      classifier: {
        same: true,
        metrics: ['accuracy_score', 'own/worst', 'roc_auc'],
        artifacts: ['confusion_matrix', 'eval_results_table', ...CURVES],
        files: ['confusion_matrix.png', 'eval_results_table.json', ...CURVES.map((curve) => `${curve}.png`)],
        table: [120, true],
        datasets: 1,
      },
      regressor: {
        same: true,
        metrics: ['own/worst', 'r2_score'],
        artifacts: ['eval_results_table'],
        files: ['eval_results_table.json'],
        table: [120, true],
        datasets: 1,
      },
    })
  }, 900_000)
})
