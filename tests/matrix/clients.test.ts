import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig, systemEnvironment } from '../../src/config.ts'
import { PACKAGE_ROOT } from '../../src/lib/package-root.ts'
import { ensureEnvironment } from '../../src/server/training/environments.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'

/** Older clients that people still have. Each with the scikit-learn of its time, in an environment of its own. */
const CLIENTS: Record<string, string[]> = {
  '2.10.0': ['scikit-learn==1.4.2', 'numpy==1.26.4', 'pandas==2.2.3', 'setuptools==75.8.0'],
  '2.14.2': ['scikit-learn==1.5.2', 'numpy==1.26.4', 'pandas==2.2.3', 'setuptools==75.8.0'],
  '2.22.1': ['scikit-learn==1.6.1', 'numpy==2.2.6', 'pandas==2.2.3', 'setuptools==75.8.0'],
}

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
})
afterAll(() => server.close())

async function pythonWith(version: string): Promise<string> {
  const data = join(PACKAGE_ROOT, '.cache', 'py')
  await mkdir(data, { recursive: true })
  const requirements = [`mlflow==${version}`, ...(CLIENTS[version] ?? [])].join('\n')
  const log = { path: join(data, `build-${version}.log`), say: () => {} }
  return (
    await ensureEnvironment(readConfig({ data }), { python: null, requirements }, log, AbortSignal.timeout(580_000))
  ).python
}

describe('the unmodified client', () => {
  for (const version of Object.keys(CLIENTS)) {
    it(`mlflow ${version} logs, registers and loads at both doors`, async () => {
      const python = await pythonWith(version)
      await server.request('POST', '/api/v1/projects', { body: { name: `v${version.replaceAll('.', '-')}` } })
      const doors = [server.url, `${server.url}/mlflow/local/v${version.replaceAll('.', '-')}/tracking/`]
      for (const uri of doors) {
        const { stdout } = await promisify(execFile)(
          python,
          [join(PACKAGE_ROOT, 'tests', 'matrix', 'mlflow2_client.py'), `classic-${version}`],
          {
            env: {
              ...systemEnvironment(),
              MLFLOW_TRACKING_URI: uri,
              MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
              GIT_PYTHON_REFRESH: 'quiet',
            },
            maxBuffer: 64 * 1024 * 1024,
          },
        )
        expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toEqual({
          version,
          status: 'FINISHED',
          name: 'classic',
          loss: 0.2,
          history: [0, 1, 2, 3, 4],
          autologged: '500',
          equal: true,
          files: ['config.json', 'model'],
          found: 1,
          models: [`classic-${version}-model`],
        })
      }
    })
  }
})
