import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { systemEnvironment } from '../../src/config.ts'
import { follow } from './process.ts'

export type Moto = { url: string; settings(bucket: string): Promise<S3Settings>; close(): Promise<void> }
type S3Settings = { s3Bucket: string; s3Endpoint: string; s3AccessKeyId: string; s3SecretAccessKey: string }

/**
 * moto's S3 on a free port: the service that the tests of the S3 store talk to. `python` has `moto[s3]` (tests/compat).
 * Another service, with its keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, when TRAINYARD_TEST_S3_ENDPOINT names one.
 */
export async function startMoto(python: string): Promise<Moto> {
  const other = process.env.TRAINYARD_TEST_S3_ENDPOINT
  if (other !== undefined) return { url: other, settings: makeBucket(other), close: async () => {} }
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const program = follow(
    spawn(python, ['-m', 'moto.server', '-p', String(port)], {
      env: { ...systemEnvironment(), PYTHONUNBUFFERED: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
  await program.saw(/Running on/)
  return {
    url,
    settings: makeBucket(url),
    async close() {
      program.kill('SIGTERM')
      await program.ended
    },
  }
}

/** Makes a bucket of a name of its own, and says how our server finds it. */
function makeBucket(url: string) {
  return async (name: string): Promise<S3Settings> => {
    const { CreateBucketCommand, S3Client } = await import('@aws-sdk/client-s3')
    const accessKeyId = process.env.AWS_ACCESS_KEY_ID ?? 'test'
    const secretAccessKey = process.env.AWS_SECRET_ACCESS_KEY ?? 'testing'
    const credentials = { accessKeyId, secretAccessKey }
    const client = new S3Client({ endpoint: url, region: 'us-east-1', forcePathStyle: true, credentials })
    const bucket = `${name}-${randomBytes(4).toString('hex')}`
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    client.destroy()
    return { s3Bucket: bucket, s3Endpoint: url, s3AccessKeyId: accessKeyId, s3SecretAccessKey: secretAccessKey }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
