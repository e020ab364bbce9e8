import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Canaries, fire, plantCanaries } from '../harness/attacker.ts'
import { LEADING_OUT } from '../harness/hostile-paths.ts'
import { type MlflowApi, mlflowApi } from '../harness/mlflow.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'

/** Where things lie is the server's own business: no URI and no path of a client is ever opened (rows 1-34, 39). */
let server: TestServer
let api: MlflowApi
let canaries: Canaries
let run: string
const P = '/api/v1/projects/local/default'

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  canaries = await plantCanaries(server)
  api = mlflowApi(server)
  run = await api.run()
})
afterAll(async () => {
  await canaries.remove()
  await server.close()
})

/** Fails when an answer is the server's fault, or holds what is not the caller's. */
function harmless(answer: { status: number; text: string }, what: string): void {
  expect(answer.status, `${what}: ${answer.text.slice(0, 300)}`).toBeLessThan(500)
  expect(canaries.leaked(answer.text), what).toBe(false)
}

test('a canary that was read, and one that was changed, are noticed', async () => {
  const file = join(canaries.outside, 'folder', 'canary.txt')
  const text = await readFile(file, 'utf8')
  expect([canaries.leaked(`<p>${text}`), canaries.leaked('canary.txt')]).toEqual([true, false])
  await writeFile(file, 'overwritten')
  await expect(canaries.untouched()).rejects.toThrow()
  await writeFile(file, text)
  await canaries.untouched()
})

/** Relative paths that would lead to a canary from a place of the attacker's choice. */
const INTO = ['canary.txt', 'folder/canary.txt', 'etc/passwd', 'passwd', 'trainyard.db', '']

/** Reads and writes whatever can be reached through a run. */
async function through(id: string, experiment: string): Promise<void> {
  const asked = INTO.flatMap((path) => {
    const query = `path=${encodeURIComponent(path)}`
    return [
      api.get('/get-artifact', { run_id: id, path }),
      api.get('artifacts/list', { run_id: id, path }),
      ...['', '/content', '/archive'].map((at) => server.request('GET', `${P}/runs/${id}/artifacts${at}?${query}`)),
    ]
  })
  for (const [i, answer] of (await Promise.all(asked)).entries()) {
    harmless(answer, `${id} ${i}`)
    expect(answer.body?.files ?? [], `${id} ${i}`).toEqual([])
  }
  const body = 'overwritten'
  harmless(
    await fire(server, 'POST', `/ajax-api/2.0/mlflow/upload-artifact?run_uuid=${id}&path=canary.txt`, { body }),
    'upload-artifact',
  )
  harmless(await api.post('runs/delete', { run_id: id }), 'delete')
  harmless(await api.post('experiments/delete', { experiment_id: experiment }), 'delete')
  harmless(await server.request('DELETE', `${P}/recycle-bin/experiment/${experiment}`), 'for ever')
}

describe('artifact locations of experiments (rows 8, 12-18)', () => {
  const locations = (outside: string): Record<string, string[]> => ({
    query: ['http:///?/../../../../../etc/', 'mlflow-artifacts:/?/../../etc', 's3://b/x?/../../etc'],
    fragment: ['http:///#/../../../../etc/', 'http:///#/', 's3://b/a#/../../etc', 'file:///x#/../../etc'],
    params: ['http:///;/../../../../etc/', 'mlflow-artifacts:/;/../../etc', 'ftp://h/;/..'],
    authority: ['file://localhost/etc/', 'http://127.0.0.1@evil.example/', 'mlflow-artifacts://evil.example/0'],
    'file-uri': [`file://${outside}`, `FILE://${outside}`, `file:${outside}`, 'file:///etc'],
    'abs-path': [outside, '/', '//proc/self/root', '/etc', 'C:\\Windows', '\\\\server\\share'],
    dotdot: ['..', '../../../..', 'mlflow-artifacts:/../../..', 'mlflow-artifacts:/%2e%2e/%2e%2e', './mlruns/../../x'],
    schemes: ['dbfs:/etc', 'local:/etc', 'hdfs://h/etc', 'sqlite:////etc/passwd', ':/etc', 'runs:/x/y', 'models:/a/1'],
    odd: ['\u0000', 'a\u0000b', 's3://b/\n', '%00', 'x'.repeat(2_049), '\ud800'],
  })
  for (const kind of Object.keys(locations(''))) {
    test(`exp-location-${kind}`, async () => {
      for (const [i, location] of (locations(canaries.outside)[kind] ?? []).entries()) {
        const made = await api.post('experiments/create', { name: `${kind} ${i}`, artifact_location: location })
        expect([200, 400], location).toContain(made.status)
        // What is only noted may be anything; no byte is ever read from it or written to it.
        if (made.status === 200) await through(await api.run(made.body.experiment_id), made.body.experiment_id)
      }
      await canaries.untouched()
    })
  }

  test('exp-location-query, -fragment, -params and -authority are refused outright', async () => {
    const refused = [
      'http:///?/../../../etc/',
      'http:///#/../../etc/',
      's3://b/a#b',
      'mlflow-artifacts://evil.example/0',
      'http://169.254.169.254/',
      'ftp://h/a;b',
    ]
    for (const [i, location] of refused.entries()) {
      const made = await api.post('experiments/create', { name: `refused ${i}`, artifact_location: location })
      expect([location, made.status, made.body.error_code]).toEqual([location, 400, 'INVALID_PARAMETER_VALUE'])
    }
  })

  test('a run and a logged model lie where their experiment lies, whatever they say', async () => {
    const place = { artifact_uri: `file://${canaries.outside}`, artifact_location: '/etc', source: 'file:///etc' }
    const made = await api.post('runs/create', { experiment_id: '0', ...place, root_uri: '/etc' })
    const id = made.body.run.info.run_id
    expect(made.body.run.info.artifact_uri).toBe(`mlflow-artifacts:/0/${id}/artifacts`)
    const model = await api.post('logged-models', { experiment_id: '0', name: 'm', source_run_id: id, ...place })
    const { model_id: modelId, artifact_uri: uri } = model.body.model.info
    expect(uri).toBe(`mlflow-artifacts:/0/models/${modelId}/artifacts`)
    for (const path of INTO) {
      for (const at of ['artifacts', 'artifacts/content', 'artifacts/archive']) {
        const url = `${P}/logged-models/${modelId}/${at}?path=${encodeURIComponent(path)}`
        harmless(await server.request('GET', url), `logged-model-source ${url}`)
      }
    }
    await api.post('runs/set-tag', { run_id: id, key: 'mlflow.artifactLocation', value: canaries.outside })
    harmless(await api.get('/get-artifact', { run_id: id, path: 'canary.txt' }), 'tag')
    await canaries.untouched()
  })
})

describe('sources of model versions (rows 2-6, 9, 12, 17-22)', () => {
  const sources = (outside: string, root: string): Record<string, string[]> => ({
    'abs-path': ['/', '//proc/self/root', '/etc', outside, '///etc', '\\etc', 'C:\\Windows', './x', ''],
    'file-uri': [
      'file:///etc/',
      `file://${outside}`,
      `FILE://${outside}`,
      'file:etc',
      'file:/etc',
      'file://localhost/etc',
      'file://127.0.0.1/etc',
      'file:///etc?x',
      'file:\\\\..\\..\\etc',
      ' file:///etc',
      'file%3a///etc',
    ],
    dotdot: [`${root}/../../..`, `${root}/a/../../../b`, '../../etc', `${root}/%2e%2e/x`, `${root}/%25252e%25252e/x`],
    'models-runs': [
      'models:/m/1/../../',
      'models:/m/../..',
      `runs:/${run}/../../etc`,
      `runs:/../${run}/x`,
      'runs:/../x/y',
    ],
    query: ['http:///?/../../../etc/', `${root}?/../../etc`, 'dbfs:/x?/../../etc', 's3://b/m?/../../etc'],
    fragment: [
      'http:///#/../../etc/',
      `${root}#/../../etc`,
      `${root}%23/../../etc`,
      'dbfs:/x#/../../etc',
      's3://b/#/..',
    ],
    params: ['http:///;/../../etc/', `${root};/../../etc`, `${root}%3b/../../etc`, 's3://b/;/../../etc'],
    schemes: [
      'local:/etc/../..',
      'ftp://h/x',
      'http://169.254.169.254/latest',
      'https://evil.example/m',
      'data:,x/..',
      'x',
    ],
    back: [`${root}/..\\..\\etc`, `${root}/%5c..%5c..`, 's3://b\\..\\etc', `file:\\\\${outside}`],
    odd: [
      `${root}/a\u0000b`,
      `${root}/%00`,
      `${root}/\n`,
      `${root}/${'x'.repeat(3_000)}`,
      `mlflow-artifacts://evil.example/0/${run}`,
    ],
  })
  for (const kind of Object.keys(sources('', ''))) {
    test(`mv-source-${kind}: no version is made of it, by either door`, async () => {
      const model = `source ${kind}`
      await api.post('registered-models/create', { name: model })
      const root = `mlflow-artifacts:/0/${run}/artifacts`
      for (const source of sources(canaries.outside, root)[kind] ?? []) {
        for (const runId of [run, undefined]) {
          const made = await api.post('model-versions/create', { name: model, source, run_id: runId })
          expect([source, made.status]).toEqual([source, 400])
        }
        const ours = await server.request('POST', `${P}/models/${encodeURIComponent(model)}/versions`, {
          body: { source },
        })
        expect([source, ours.status], ours.text).toEqual([source, 400])
      }
      expect((await api.get('model-versions/search', { filter: `name = '${model}'` })).body).toEqual({})
      await canaries.untouched()
    })
  }

  test('mv-source-under-run: an experiment that lies on the disk opens nothing of the disk', async () => {
    const location = `file://${canaries.outside}`
    const made = await api.post('experiments/create', { name: 'on disk', artifact_location: location })
    expect(made.status).toBe(200)
    const inside = await api.run(made.body.experiment_id)
    await api.post('registered-models/create', { name: 'under run' })
    let accepted = 0
    for (const source of [
      `runs:/${inside}/folder`,
      `${location}/${inside}/artifacts`,
      location,
      `runs:/${inside}/..`,
    ]) {
      const version = await api.post('model-versions/create', { name: 'under run', source, run_id: inside })
      expect([200, 400], source).toContain(version.status)
      if (version.status !== 200) continue
      accepted += 1
      for (const path of INTO)
        harmless(
          await api.get('/model-versions/get-artifact', {
            name: 'under run',
            version: version.body.model_version.version,
            path,
          }),
          source,
        )
    }
    expect(accepted).toBe(1)
    await canaries.untouched()
  })

  test('mv-source-prompt-tag: a prompt has no files, and a model does not become a prompt on the way in', async () => {
    const prompt = [{ key: 'mlflow.prompt.is_prompt', value: 'true' }]
    await api.post('registered-models/create', { name: 'prompt', tags: prompt })
    await api.post('registered-models/create', { name: 'no prompt' })
    for (const [name, source] of [
      ['prompt', `file://${canaries.outside}`],
      ['prompt', canaries.outside],
      ['no prompt', `file://${canaries.outside}`],
      ['no prompt', canaries.outside],
    ]) {
      const made = await api.post('model-versions/create', { name, source, run_id: run, tags: prompt })
      expect([name, made.status], made.text).toEqual([name, 400])
    }
    await api.post('model-versions/create', { name: 'prompt', source: 'prompt-template', tags: prompt })
    for (const path of INTO) {
      const answer = await api.get('/model-versions/get-artifact', { name: 'prompt', version: '1', path })
      harmless(answer, path)
      expect(answer.status).toBeGreaterThanOrEqual(400)
    }
  })
})

describe('URLs that name files (rows 1, 25-33)', () => {
  for (const [name, path] of Object.entries(LEADING_OUT)) {
    test(`path-static-files-${name}, path-root-path-${name}, path-api-${name}`, async () => {
      const query = path.replaceAll('\\', '%5c')
      for (const url of [
        `/static-files/${path}`,
        `/assets/${path}`,
        `/static../${path}`,
        `/static/js/${path}`,
        `/${path}`,
        `/file=${path}`,
        `/file/${path}`,
        `/api/v0/logs/file?filename=${query}`,
        `${P}/jobs/none/logs?file=${query}`,
        `${P}/runs/${run}/artifacts?path=${query}`,
        `${P}/runs/${run}/artifacts/content?path=${query}`,
        `${P}/runs/${run}/artifacts/archive?path=${query}`,
        `/model-versions/get-artifact?name=none&version=1&path=${query}`,
        `${P}/datasets/none/versions/1/content?path=${query}`,
      ]) {
        const answer = await fire(server, 'GET', url)
        harmless(answer, url)
        const isEmptyList = answer.status === 200 && name === 'overlong' && answer.text.includes('"entries":[]')
        if (!isEmptyList) expect([400, 404], url).toContain(answer.status)
      }
      await canaries.untouched()
    })
  }

  test('db-files-served: what the server keeps for itself is at no URL', async () => {
    for (const name of [
      'trainyard.db',
      'trainyard.db-wal',
      '.env',
      'blobs',
      'secret.key',
      '.git/config',
      'canary.txt',
      'link/canary.txt',
    ])
      for (const at of [
        '/',
        '/assets/',
        '/static/',
        '/data/',
        '/file/',
        '/get-artifact?path=',
        `/get-artifact?run_id=${run}&path=`,
      ]) {
        const answer = await fire(server, 'GET', at + name)
        harmless(answer, at + name)
        expect([400, 404], at + name).toContain(answer.status)
      }
  })

  test('delete-run-id-traversal: an id is looked up and is never a path', async () => {
    for (const id of ['..', '../..', '../../x', '%2e%2e', canaries.outside, '.', '*', `${run}/../..`, 'link', '\\..']) {
      const calls = [
        await api.post('runs/delete', { run_id: id }),
        await api.post('runs/restore', { run_id: id }),
        await api.get('runs/get', { run_id: id }),
        await api.post('experiments/delete', { experiment_id: id }),
        await api.send('DELETE', `logged-models/${encodeURIComponent(id)}`),
        await api.send('DELETE', 'registered-models/delete', { name: id }),
        await api.post('webhooks/x/test', {}),
        await fire(server, 'DELETE', `${P}/recycle-bin/run/${encodeURIComponent(id)}`),
        await fire(server, 'DELETE', `${P}/recycle-bin/experiment/${encodeURIComponent(id)}`),
      ]
      for (const [i, answer] of calls.entries())
        expect([400, 404, 405], `${i} ${id} ${answer.text}`).toContain(answer.status)
    }
    await canaries.untouched()
  })
})
