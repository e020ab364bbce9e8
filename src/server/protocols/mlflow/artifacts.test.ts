import { expect, test } from 'vitest'
import { artifactCases } from '../../../../tests/harness/artifacts.ts'
import { mlflowApi } from '../../../../tests/harness/mlflow.ts'
import { startTestServer } from '../../../../tests/harness/server.ts'

artifactCases('folder', startTestServer)

test('uploads in parts and presigned links that are turned off are refused in the words the client falls back on', async () => {
  const server = await startTestServer({ presignedTransfers: 'false' })
  const api = mlflowApi(server)
  const folder = `0/${await api.run()}/artifacts`
  for (const step of ['create', 'complete', 'abort']) {
    const refused = await api.post(`/api/2.0/mlflow-artifacts/mpu/${step}/${folder}`, { path: '/home/x', num_parts: 2 })
    expect([refused.status, refused.body.error_code]).toEqual([501, 'NOT_IMPLEMENTED'])
    expect(refused.body.message).toMatch(/^Multipart upload is not supported for the current artifact repository/)
  }
  expect((await api.get(`/api/2.0/mlflow-artifacts/presigned/${folder}/x`)).status).toBe(501)
  expect((await api.get('/api/3.0/mlflow/server-info')).body).toMatchObject({
    multipart_uploads_enabled: false,
    multipart_downloads_enabled: false,
  })
  await server.close()
})
