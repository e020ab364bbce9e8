import { createHash } from 'node:crypto'
import type { TestAnswer, TestServer } from './server.ts'

export type Upload = { path: string; content: string | Buffer }
type Manifest = { files: { path: string; sha256: string; size_bytes: number }[] }

export function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

/** Sends bytes as the content of a hash, which need not be theirs. */
export async function putBlob(
  server: TestServer,
  base: string,
  hash: string,
  content: string | Buffer,
  token?: string,
) {
  const answer = await fetch(`${server.url}${base}/blobs/${hash}`, {
    method: 'PUT',
    headers: {
      'content-type': 'application/octet-stream',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: typeof content === 'string' ? content : new Uint8Array(content),
  })
  return { status: answer.status, body: await answer.json().catch(() => null) }
}

export function manifest(files: Upload[]): Manifest {
  return {
    files: files.map(({ path, content }) => ({
      path,
      sha256: sha256(content),
      size_bytes: Buffer.byteLength(content),
    })),
  }
}

/** Uploads the files and asks for a version of them. */
export async function upload(
  server: TestServer,
  base: string,
  dataset: string,
  files: Upload[],
  options: { token?: string; extra?: Record<string, unknown> } = {},
): Promise<TestAnswer> {
  for (const { content } of files) await putBlob(server, base, sha256(content), content, options.token)
  return server.request('POST', `${base}/datasets/${dataset}/versions`, {
    body: { ...manifest(files), ...options.extra },
    ...(options.token === undefined ? {} : { token: options.token }),
  })
}

/** The version as soon as its profile is no longer waited for. */
export async function profiled(
  server: TestServer,
  base: string,
  dataset: string,
  version: number | 'latest' = 'latest',
) {
  for (let tries = 0; tries < 200; tries++) {
    const { body } = await server.request('GET', `${base}/datasets/${dataset}/versions/${version}`)
    if (body.profile_state !== 'queued') return body
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${dataset}@${version} is still not profiled`)
}
