import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { systemEnvironment } from '../../../src/config.ts'
import { LOCAL } from '../../../src/lib/actor.ts'
import { PACKAGE_ROOT } from '../../../src/lib/package-root.ts'
import { addToken, addUser } from '../../../src/server/identity/identity.service.ts'
import { pythonWith } from '../../harness/python.ts'
import { startTestServer, type TestServer } from '../../harness/server.ts'

const FOLDER = join(PACKAGE_ROOT, 'tests', 'matrix', 'flavours')

/** A way to the tracking server: a URI and, where accounts exist, what the client signs in with. */
export type Door = { name: string; uri: string; username?: string; password?: string; token?: string }

export type Site = { doorsOf(version: string): Promise<Door[]>; close(): Promise<void> }

const PASSWORD = 'a long password of ada'

/** Two servers: one open as on a laptop, one with accounts behind a base path. */
export async function startSite(): Promise<Site> {
  const open = await startTestServer({ jobSlots: '0' })
  const closed = await startTestServer({ jobSlots: '0', basePath: '/ml/ops' })
  const { id } = await addUser(closed.ctx, LOCAL, { name: 'ada', password: PASSWORD, isAdmin: false })
  const { token } = await addToken(closed.ctx, { userId: id, name: 'matrix', scope: 'write', expiresAtMs: null })
  const { token: admin } = await addToken(closed.ctx, { userId: id, name: 'setup', scope: 'admin', expiresAtMs: null })
  return {
    async doorsOf(version) {
      const project = `v${version.replaceAll('.', '-')}`
      await addProject(open, project)
      await addProject(closed, project, admin)
      const ours = `${open.url}/mlflow/local/${project}/tracking`
      const adas = `${closed.url}/mlflow/ada/${project}/tracking`
      const basic = { username: 'ada', password: PASSWORD }
      return [
        { name: 'the root', uri: open.url },
        { name: 'a project', uri: ours },
        { name: 'a project with a slash', uri: `${ours}/` },
        { name: 'the root below a base path, Bearer', uri: closed.url, token },
        {
          name: 'the root below a base path with a slash, Basic with a token',
          uri: `${closed.url}/`,
          ...basic,
          password: token,
        },
        { name: 'a project below a base path, Basic with a password', uri: adas, ...basic },
        { name: 'a project below a base path with a slash, Bearer', uri: `${adas}/`, token },
      ]
    },
    async close() {
      await open.close()
      await closed.close()
    },
  }
}

async function addProject(server: TestServer, name: string, token?: string): Promise<void> {
  const answer = await server.request('POST', '/api/v1/projects', { body: { name }, token })
  if (answer.status !== 201) throw new Error(`The project ${name} was not made: ${answer.status} ${answer.text}`)
}

/** The interpreter with a client of this version and the libraries of its time (`flavours/client-<version>.txt`). */
export async function clientPython(version: string): Promise<string> {
  return pythonWith(await readFile(join(FOLDER, `client-${version}.txt`), 'utf8'), `build-client-${version}`)
}

/**
 * Runs a script of this folder as a user of the client would and returns the JSON of its last line.
 * @throws Error with the script's own words when it fails
 */
export async function runClient(
  python: string,
  script: string,
  args: readonly string[],
  door: Door | null,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const { PATH = '', ...system } = systemEnvironment()
  const env = {
    ...system,
    // `mlflow run` and `mlflow models serve` start `python` and `gunicorn` by name.
    PATH: `${dirname(python)}:${PATH}`,
    // A wrong answer must fail the test, not be asked again for minutes.
    MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
    MLFLOW_DISABLE_TELEMETRY: 'true',
    GIT_PYTHON_REFRESH: 'quiet',
    OMP_NUM_THREADS: '1',
    TF_CPP_MIN_LOG_LEVEL: '3',
    ...(door === null ? {} : credentials(door)),
  }
  try {
    const { stdout } = await promisify(execFile)(python, [join(FOLDER, script), ...args], {
      env,
      signal,
      maxBuffer: 64 * 1024 * 1024,
    })
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(
      `${script} failed: ${String(error).slice(0, 300)}\n${stdout.slice(-1_000)}\n${stderr.slice(-6_000)}`,
    )
  }
}

function credentials(door: Door): Record<string, string> {
  return {
    MLFLOW_TRACKING_URI: door.uri,
    ...(door.username === undefined ? {} : { MLFLOW_TRACKING_USERNAME: door.username }),
    ...(door.password === undefined ? {} : { MLFLOW_TRACKING_PASSWORD: door.password }),
    ...(door.token === undefined ? {} : { MLFLOW_TRACKING_TOKEN: door.token }),
  }
}

/** Jobs that are awaited one after the other, the next one always on its way already: two run at once. */
export function oneAhead<T>(jobs: readonly (() => Promise<T>)[]): (index: number) => Promise<T> {
  const started = new Map<number, Promise<T>>()
  const start = (index: number): Promise<T> | undefined => {
    const job = jobs[index]
    if (job === undefined) return undefined
    const running = started.get(index) ?? job()
    running.catch(() => {}) // told by the test that awaits it
    started.set(index, running)
    return running
  }
  return (index) => {
    const running = start(index)
    if (running === undefined) throw new Error(`There is no job ${index}.`)
    start(index + 1)
    return running
  }
}
