import { afterAll, beforeAll, expect, test } from 'vitest'
import { fire } from '../harness/attacker.ts'
import { type MlflowApi, mlflowApi } from '../harness/mlflow.ts'
import { Receiver } from '../harness/receiver.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'

/**
 * A URL in whatever field is a text, and is never asked for (rows 44-52). A listener on this machine stands for the
 * metadata service; what goes out for webhooks is in the tests of webhooks and of src/lib/ssrf.ts.
 */
let server: TestServer
let api: MlflowApi
let inside: Receiver
const P = '/api/v1/projects/local/default'

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  inside = await Receiver.open()
  api = mlflowApi(server)
})
afterAll(async () => {
  await inside.close()
  await server.close()
})

/** The listener under its names: plain, as a proxy of the artifact protocol, by another name, with a user. */
const urls = () => {
  const { host } = inside
  return [
    inside.url('/latest/meta-data'),
    `http://${host}/api/2.0/mlflow-artifacts/artifacts/0`,
    `http://${host.replace('127.0.0.1', 'localhost')}/`,
    `http://x@${host}/`,
    `mlflow-artifacts://${host}/0`,
    `s3://${host}/bucket`,
    `gs://${host}/x`,
    `https://${host}/`,
    `ftp://${host}/`,
    `//${host}/`,
  ]
}

test('ssrf-artifact-location: a place in another store is noted and never visited', async () => {
  for (const [i, location] of urls().entries()) {
    const made = await api.post('experiments/create', { name: `place ${i}`, artifact_location: location })
    expect([200, 400], location).toContain(made.status)
    if (made.status !== 200) continue
    const run = await api.run(made.body.experiment_id)
    for (const answer of [
      await api.get('artifacts/list', { run_id: run }),
      await api.get('/get-artifact', { run_id: run, path: 'x' }),
      await server.request('GET', `${P}/runs/${run}/artifacts`),
      await server.request('GET', `${P}/runs/${run}/artifacts/content?path=x`),
      await server.request('GET', `${P}/runs/${run}/artifacts/archive`),
      await api.post('runs/delete', { run_id: run }),
      await server.request('DELETE', `${P}/recycle-bin/run/${run}`),
    ])
      expect(answer.status, location).toBeLessThan(500)
  }
  expect(inside.received).toEqual([])
})

test('ssrf-model-source: nor is the source of a version', async () => {
  await api.post('registered-models/create', { name: 'ssrf' })
  const run = await api.run()
  for (const source of urls()) {
    const made = await api.post('model-versions/create', { name: 'ssrf', source, run_id: run, run_link: source })
    expect([200, 400], source).toContain(made.status)
    const { status } = await server.request('POST', `${P}/models/ssrf/versions`, { body: { source } })
    expect([201, 400], source).toContain(status)
  }
  const versions = (await api.get('model-versions/search', { filter: "name = 'ssrf'" })).body.model_versions ?? []
  for (const { version } of versions) {
    for (const answer of [
      await api.get('model-versions/get-download-uri', { name: 'ssrf', version }),
      await api.get('/model-versions/get-artifact', { name: 'ssrf', version, path: 'MLmodel' }),
      await server.request('GET', `${P}/models/ssrf/versions/${version}`),
      await server.request('POST', `${P}/endpoints`, {
        body: { name: `e${version}`, model: 'ssrf', version: Number(version) },
      }),
    ])
      expect(answer.status, answer.text).toBeLessThan(500)
  }
  expect(inside.received).toEqual([])
})

test('ssrf-dataset-source: nor the source of a dataset, of a trace or of a link, as it is logged', async () => {
  const run = await api.run()
  for (const [i, source] of urls().entries()) {
    const dataset = {
      name: `d${i}`,
      digest: 'e',
      source_type: 'http',
      source: JSON.stringify({ url: source, uri: source }),
    }
    expect((await api.post('runs/log-inputs', { run_id: run, datasets: [{ dataset }] })).status).toBe(200)
    await api.post('runs/set-tag', { run_id: run, key: 'mlflow.source.name', value: source })
    await api.post('runs/set-tag', { run_id: run, key: 'mlflow.note.content', value: `![x](${source})` })
    await api.post('runs/log-parameter', { run_id: run, key: `p${i}`, value: source })
  }
  expect((await server.request('GET', `${P}/runs/${run}`)).status).toBe(200)
  expect(inside.received).toEqual([])
})

test('ssrf-gateway-proxy: there is no route that fetches for somebody', async () => {
  const target = encodeURIComponent(inside.url())
  for (const path of [
    `/ajax-api/2.0/mlflow/gateway-proxy?gateway_path=@${inside.host}`,
    `/api/2.0/mlflow/gateway-proxy?gateway_path=${target}`,
    `/log_proxy?url=${target}`,
    `/proxy?url=${target}`,
    `/file=${target}`,
    `/ajax-api/3.0/mlflow/assistant?url=${target}`,
  ])
    for (const method of ['GET', 'POST'])
      expect(
        (await fire(server, method, path, { headers: { 'content-type': 'application/json' }, body: '{}' })).status,
      ).toBe(404)
  expect((await fire(server, 'GET', inside.url())).status).toBeGreaterThanOrEqual(400)
  expect(inside.received).toEqual([])
})

test('ssrf-webhook-metadata, -loopback, -private, -ipv6, -scheme, -encoded: MLflow’s webhooks call nobody inside', async () => {
  for (const url of [
    'http://169.254.169.254/latest/meta-data/',
    inside.url(),
    inside.url().replace('http:', 'https:'),
    'https://10.0.0.1/',
    'https://192.168.1.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'file:///etc/passwd',
    'gopher://127.0.0.1:6379/_x',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://localhost/',
  ]) {
    const events = [{ entity: 'REGISTERED_MODEL', action: 'CREATED' }]
    const made = await api.post('webhooks', { name: 'h', url, events })
    expect([url, made.status]).toEqual([url, 400])
  }
  await api.post('registered-models/create', { name: 'after' })
  expect(inside.received).toEqual([])
})
