import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

/** What a test needs of a server, in this process or another one. */
export type Target = { url: string; token?: string }
// biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
type Any = any

const PROJECT = '/api/v1/projects/local/default'

export async function call(
  target: Target,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Any; text: string; headers: Headers }> {
  const answer = await fetch(target.url + PROJECT + path, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(target.token === undefined ? {} : { authorization: `Bearer ${target.token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  const isJson = answer.headers.get('content-type')?.startsWith('application/json') ?? false
  return { status: answer.status, body: isJson ? JSON.parse(text) : null, text, headers: answer.headers }
}

/** Makes `local/default`, which otherwise comes into being with the first MLflow call. */
export async function makeProject(target: Target): Promise<void> {
  await fetch(`${target.url}/api/v1/projects`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'default' }),
  })
}

/** Uploads content and returns its manifest lines. */
export async function upload(target: Target, files: Record<string, string>) {
  const manifest = Object.entries(files).map(([path, text]) => ({
    path,
    sha256: createHash('sha256').update(text).digest('hex'),
    size_bytes: Buffer.byteLength(text),
    text,
  }))
  for (const { sha256, text } of manifest) {
    const answer = await fetch(`${target.url}${PROJECT}/blobs/${sha256}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream' },
      body: text,
    })
    if (answer.status !== 201) throw new Error(`upload: ${answer.status} ${await answer.text()}`)
  }
  return manifest.map(({ path, sha256, size_bytes }) => ({ path, sha256, size_bytes }))
}

/** Uploads a code snapshot and returns its digest. */
export async function uploadCode(target: Target, files: Record<string, string>): Promise<string> {
  const answer = await call(target, 'POST', '/code', { files: await upload(target, files) })
  if (answer.status !== 201) throw new Error(`code: ${answer.status} ${answer.text}`)
  return answer.body.digest as string
}

/** Uploads code and submits a job for it; throws when the server refuses it. */
export async function submit(target: Target, files: Record<string, string>, job: object = {}): Promise<Any> {
  const answer = await call(target, 'POST', '/jobs', { code_digest: await uploadCode(target, files), ...job })
  if (answer.status !== 201) throw new Error(`submit: ${answer.status} ${answer.text}`)
  return answer.body
}

/** Polls a job until `done` says so. */
export async function waitForJob(
  target: Target,
  id: string,
  done: (job: Any) => boolean,
  timeoutMs = 60_000,
): Promise<Any> {
  for (const end = Date.now() + timeoutMs; ; ) {
    const { body } = await call(target, 'GET', `/jobs/${id}`)
    if (done(body)) return body
    if (Date.now() > end)
      throw new Error(`job is still ${JSON.stringify(body)}\n${(await call(target, 'GET', `/jobs/${id}/logs`)).text}`)
    await sleep(60)
  }
}

export const ended = (job: Any): boolean => ['succeeded', 'failed', 'cancelled', 'lost'].includes(job.state)

/** Waits for the end of a job and returns it with its log. */
export async function finished(target: Target, id: string, timeoutMs?: number): Promise<{ job: Any; log: string }> {
  const job = await waitForJob(target, id, ended, timeoutMs)
  return { job, log: (await call(target, 'GET', `/jobs/${id}/logs`)).text }
}

/** A project whose `main` runs one Python file; its environment is empty. */
export function pythonProject(
  code: string,
  parameters: Record<string, unknown> = {},
  args = '',
): Record<string, string> {
  return {
    MLproject: JSON.stringify({
      name: 'probe',
      python_env: 'python_env.yaml',
      entry_points: { main: { parameters, command: `python main.py ${args}` } },
    }),
    'python_env.yaml': 'dependencies: []\n',
    'main.py': code,
  }
}
