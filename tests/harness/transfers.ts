import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type MlflowApi, mlflowApi } from './mlflow.ts'
import { runScript } from './python.ts'
import type { TestServer } from './server.ts'

const SIZE = 12 * 1024 * 1024 + 12_345

/**
 * Uploads in parts and presigned downloads by the real client, and by hand where the client would never go.
 * @param where.how whether the client follows what the server offers, or is asked by its own variables
 * @param where.bytesHost the host that the bytes must go to and come from, given the server's own
 */
export function transferCases(
  name: string,
  where: {
    python: () => string
    server: () => TestServer
    bytesHost: (own: string) => string
    how: 'offered' | 'asked'
    checksSignatures: boolean
  },
): void {
  describe(`transfers: ${name}`, () => {
    const user = async (): Promise<{ api: MlflowApi; token: string; prefix: string }> => {
      const owner = `user${Math.random().toString(36).slice(2, 10)}`
      const token = await where.server().user(owner)
      const prefix = `/mlflow/${owner}/default/tracking`
      return { api: mlflowApi(where.server(), { prefix, token }), token, prefix }
    }

    test(`the client moves a large file in parts when it is ${where.how}`, async () => {
      const { token, prefix, api } = await user()
      const { host } = new URL(where.server().url)
      const seen = await runScript(where.python(), 'transfers.py', [where.how], {
        MLFLOW_TRACKING_URI: `${where.server().url}${prefix}`,
        MLFLOW_TRACKING_TOKEN: token,
        MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
        MLFLOW_DISABLE_TELEMETRY: 'true',
      })
      expect(seen).toMatchObject({
        equal: true,
        small: 'small',
        files: [['model/data/ein großes Modell.bin', SIZE]],
        parts: [1, 2, 3],
        ranges: [0, 3, 6, 9, 12].map((mib) => mib * 1024 * 1024),
        hosts: [where.bytesHost(host)],
      })
      // Its checksum is computed when it is there.
      const file = async () =>
        (
          await where
            .server()
            .ctx.db.selectFrom('artifact_entries')
            .select('sha256')
            .where('size_bytes', '=', SIZE)
            .execute()
        ).map((row) => row.sha256)
      await expect.poll(file, { timeout: 10_000 }).toContain(seen.sha256)
      expect((await api.get('artifacts/list', { run_id: String(seen.run_id) })).status).toBe(200)
    })

    test('an upload is ended once, by who may, with the parts that came', async () => {
      const { api } = await user()
      const run = await api.run()
      const folder = `0/${run}/artifacts`
      const step = (what: string, body: object, as = api) =>
        as.post(`/api/2.0/mlflow-artifacts/mpu/${what}/${folder}`, body)
      const created = await step('create', { path: 'C:\\data\\x.bin', num_parts: 1 })
      expect([created.status, created.body.credentials.length]).toEqual([200, 1])
      const [{ url }] = created.body.credentials
      const sent = await fetch(url, { method: 'PUT', body: 'the bytes' })
      const etag = sent.headers.get('etag')
      expect([sent.status, etag]).toEqual([200, `"${createHash('md5').update('the bytes').digest('hex')}"`])
      const whole = { path: 'x.bin', upload_id: created.body.upload_id, parts: [{ part_number: 1, etag, url }] }
      // write-mpu-*: nobody else ends it, nor under another name.
      const stranger = (await user()).api
      expect((await step('complete', whole, stranger)).status).toBe(404)
      expect((await step('complete', { ...whole, path: 'y.bin' })).status).toBe(404)
      for (const parts of [[], [{ part_number: 2, etag }], [{ part_number: 1, etag: '"0"' }]]) {
        const refused = await step('complete', { ...whole, parts })
        expect([refused.status, refused.body.error_code], JSON.stringify(parts)).toEqual([
          400,
          'INVALID_PARAMETER_VALUE',
        ])
      }
      expect((await api.get(`/api/2.0/mlflow-artifacts/artifacts/${folder}/x.bin`)).status).toBe(404)
      expect((await step('complete', whole)).body).toEqual({})
      // The answer may have been lost: asking again, or giving up afterwards, changes nothing.
      expect((await step('complete', whole)).status).toBe(200)
      expect((await step('abort', whole)).status).toBe(200)
      expect((await api.get(`/api/2.0/mlflow-artifacts/artifacts/${folder}/x.bin`)).text).toBe('the bytes')
    })

    test('an upload that is given up leaves nothing, and takes nothing more', async () => {
      const { api } = await user()
      const folder = `0/${await api.run()}/artifacts`
      const at = `/api/2.0/mlflow-artifacts/mpu`
      const { body } = await api.post(`${at}/create/${folder}`, { path: '/tmp/x.bin', num_parts: 2 })
      expect((await fetch(body.credentials[0].url, { method: 'PUT', body: 'part one' })).status).toBe(200)
      const given = { path: '/tmp/x.bin', upload_id: body.upload_id }
      expect((await api.post(`${at}/abort/${folder}`, given)).body).toEqual({})
      expect((await api.post(`${at}/abort/${folder}`, given)).body).toEqual({})
      expect((await fetch(body.credentials[1].url, { method: 'PUT', body: 'late' })).ok).toBe(false)
      expect((await api.post(`${at}/complete/${folder}`, { ...given, parts: [] })).status).toBe(404)
    })

    test('write-mpu-create: bad names, bad numbers and runs of others are refused', async () => {
      const { api } = await user()
      const run = await api.run()
      const create = (folder: string, body: object) => api.post(`/api/2.0/mlflow-artifacts/mpu/create/${folder}`, body)
      for (const path of ['..', '/x/..', 'a\\..', '', 'x/', '%2e%2e', 'a%00b', 'x'.repeat(300)])
        expect((await create(`0/${run}/artifacts`, { path, num_parts: 1 })).status, path).toBe(400)
      for (const num_parts of [0, -1, 10_001, 1.5, 'x', null, 2 ** 60])
        expect((await create(`0/${run}/artifacts`, { path: 'x', num_parts })).status, String(num_parts)).toBe(400)
      expect((await create(`0/${run}/artifacts/%252e%252e/%252e%252e`, { path: 'x', num_parts: 1 })).status).toBe(400)
      const gone = await api.run()
      await api.post('runs/delete', { run_id: gone })
      expect((await create(`0/${gone}/artifacts`, { path: 'x', num_parts: 1 })).status).toBe(400)
    })

    test('a presigned link opens its one file, without a token, for a browser only as a download', async () => {
      const { api } = await user()
      const folder = `0/${await api.run()}/artifacts`
      await api.put(`/api/2.0/mlflow-artifacts/artifacts/${folder}/page.html`, '<script>alert(1)</script>')
      const { body } = await api.get(`/api/2.0/mlflow-artifacts/presigned/${folder}/page.html`)
      expect(body).toEqual({ url: body.url, headers: {}, file_size: 25 })
      const answer = await fetch(body.url, { headers: { range: 'bytes=1-6' } })
      expect([answer.status, await answer.text()]).toEqual([206, 'script'])
      expect(answer.headers.get('content-disposition')).toMatch(/^attachment/)
      expect(answer.headers.get('content-type')).toBe('application/octet-stream')
      const changed = new URL(body.url)
      for (const key of changed.searchParams.keys()) {
        if (!/signature/i.test(key)) continue
        changed.searchParams.set(key, `${changed.searchParams.get(key)}x`)
        // moto checks no signatures.
        if (where.checksSignatures) expect([403, 404]).toContain((await fetch(changed)).status)
      }
      expect((await api.get(`/api/2.0/mlflow-artifacts/presigned/${folder}/none`)).status).toBe(404)
      expect((await api.get(`/api/2.0/mlflow-artifacts/presigned/${folder}`)).status).toBe(400)
    })
  })
}
