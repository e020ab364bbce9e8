import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBlobStore } from '../../src/blobs/open.ts'
import { blobSettings, readConfig } from '../../src/config.ts'
import { artifactCases } from '../harness/artifacts.ts'
import { blobStoreCases } from '../harness/blob-store.ts'
import { type Moto, startMoto } from '../harness/moto.ts'
import { testPython } from '../harness/python.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'
import { transferCases } from '../harness/transfers.ts'

let python: string
let moto: Moto
let server: TestServer
beforeAll(async () => {
  python = await testPython()
  moto = await startMoto(python)
  server = await startTestServer({ jobSlots: '0', ...(await moto.settings('transfers')) })
})
afterAll(async () => {
  await server.close()
  await moto.close()
})

async function openBucket(bucket: string) {
  const folder = await mkdtemp(join(tmpdir(), 'trainyard-s3-'))
  const settings = await moto.settings(bucket)
  const config = readConfig({ data: folder, s3Prefix: 'team/files', ...settings }, {})
  const store = await openBlobStore(blobSettings(config), { sweep: false })
  return { store, settings, close: () => rm(folder, { recursive: true, force: true }) }
}

// Larger than two parts, with a rest.
blobStoreCases('bucket', () => openBucket('blobs'), {
  large: 17 * 1024 * 1024,
  isMoto: process.env.TRAINYARD_TEST_S3_ENDPOINT === undefined,
})
artifactCases('bucket', async (settings) => startTestServer({ ...settings, ...(await moto.settings('artifacts')) }))

transferCases('bucket', {
  python: () => python,
  server: () => server,
  bytesHost: () => new URL(moto.url).host,
  how: 'asked',
  checksSignatures: process.env.TRAINYARD_TEST_S3_ENDPOINT !== undefined,
})

describe('a bucket', () => {
  test('that is not there is said in a sentence, before the server serves', async () => {
    const s3 = { ...(await moto.settings('there')), s3Bucket: 'not-there' }
    await expect(startTestServer(s3)).rejects.toThrow(/bucket "not-there" of http.* cannot be used.*s3-bucket/)
  })

  test('keeps nothing outside its prefix', async () => {
    const { store, settings, close } = await openBucket('prefixed')
    await store.putContent(Readable.from([Buffer.from('one')]), { limitBytes: 100 })
    await store.putObject(Readable.from([Buffer.from('two')]), { limitBytes: 100 })
    await store.uploads.start()
    const { ListObjectsV2Command, S3Client } = await import('@aws-sdk/client-s3')
    const credentials = { accessKeyId: settings.s3AccessKeyId, secretAccessKey: settings.s3SecretAccessKey }
    const client = new S3Client({ endpoint: moto.url, region: 'us-east-1', forcePathStyle: true, credentials })
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: settings.s3Bucket }))
    client.destroy()
    expect(Contents.length).toBe(2)
    for (const { Key } of Contents) expect(Key).toMatch(/^team\/files\/(content|objects)\/[0-9a-f]{2}\/[0-9a-f]+$/)
    await close()
  })
})
