import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { systemEnvironment } from '../../src/config.ts'
import { follow } from './process.ts'

export type Moto = { url: string; settings(bucket: string): Promise<S3Settings>; close(): Promise<void> }
type S3Settings = { s3Bucket: string; s3Endpoint: string; s3AccessKeyId: string; s3SecretAccessKey: string }

/** moto's S3 on a free port: the service that the tests of the S3 store talk to. `python` has `moto[s3]` (tests/compat). */
export async function startMoto(python: string): Promise<Moto> {
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
    async settings(bucket) {
      const made = await fetch(`${url}/${bucket}`, { method: 'PUT' })
      if (!made.ok) throw new Error(`moto made no bucket: ${made.status} ${await made.text()}`)
      return { s3Bucket: bucket, s3Endpoint: url, s3AccessKeyId: 'test', s3SecretAccessKey: 'testing' }
    },
    async close() {
      program.kill('SIGTERM')
      await program.ended
    },
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
