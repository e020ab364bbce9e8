import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { NODE_FLAGS } from '../../scripts/node-flags.mjs'
import { readConfig, systemEnvironment } from '../../src/config.ts'
import { PACKAGE_ROOT } from '../../src/lib/package-root.ts'
import { ensureEnvironment } from '../../src/server/training/environments.ts'

/** Versions whose stores are moved, with what they need to run at all today. */
const REQUIREMENTS: Record<string, string[]> = {
  '2.10.0': ['sqlalchemy==2.0.44', 'numpy==1.26.4', 'pandas==2.2.3', 'setuptools==75.8.0'],
  '2.14.2': ['sqlalchemy==2.0.44', 'numpy==1.26.4', 'pandas==2.2.3', 'setuptools==75.8.0'],
  '2.22.1': ['sqlalchemy==2.0.44', 'numpy==2.2.6', 'pandas==2.2.3', 'setuptools==75.8.0'],
  '3.17.2': ['psycopg2-binary==2.9.12'],
}
export const MLFLOW_VERSIONS = Object.keys(REQUIREMENTS)

/** A Python with a version of MLflow, made once. */
export async function mlflowPython(version: string): Promise<string> {
  const data = join(PACKAGE_ROOT, '.cache', 'py')
  await mkdir(data, { recursive: true })
  const requirements = [`mlflow==${version}`, ...(REQUIREMENTS[version] ?? [])].join('\n')
  const log = { path: join(data, `build-moves-${version}.log`), say: () => {} }
  const signal = AbortSignal.timeout(580_000)
  return (await ensureEnvironment(readConfig({ data }), { python: null, requirements }, log, signal)).python
}

const CLIENT_SETTINGS = {
  // A wrong answer must fail the test, not be asked again for minutes.
  MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
  MLFLOW_ALLOW_FILE_STORE: 'true',
  MLFLOW_DISABLE_TELEMETRY: 'true',
  GIT_PYTHON_REFRESH: 'quiet',
  PYTHONDONTWRITEBYTECODE: '1',
}

/** Runs a script of `tests/` and returns the JSON of its last line. @throws Error with the script's words */
export async function runMoveScript(
  python: string,
  script: string,
  args: readonly string[],
  options: { env?: Readonly<Record<string, string>>; cwd?: string } = {},
): Promise<Record<string, unknown>> {
  try {
    const { stdout } = await promisify(execFile)(python, [join(PACKAGE_ROOT, 'tests', script), ...args], {
      env: { ...systemEnvironment(), ...CLIENT_SETTINGS, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      maxBuffer: 64 * 1024 * 1024,
    })
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string }
    throw new Error(`${script} failed: ${String(error).slice(0, 300)}\n${stderr.slice(-4_000)}`)
  }
}

export type Comparison = { differences: unknown[]; misplaced: unknown[] }
export const SAME: Comparison = { differences: [], misplaced: [] }

/** What the stock client sees that is not the same in two stores; it must have compared something. */
export async function compared(python: string, a: string, b: string): Promise<Comparison> {
  const found = await runMoveScript(python, 'compat/moves_compare.py', [a, b])
  const { runs, points, files } = found.compared as Record<string, number>
  if (!(Number(runs) >= 40 && Number(points) >= 4_000 && Number(files) >= 40))
    throw new Error(`too little was compared: ${JSON.stringify(found.compared)}`)
  return { differences: found.differences as unknown[], misplaced: found.misplaced as unknown[] }
}

export type CommandResult = { code: number; stdout: string; stderr: string }

/** One command of ours, as a user runs it. */
export async function trainyard(args: readonly string[], flags: readonly string[] = []): Promise<CommandResult> {
  const child = startTrainyard(args, flags)
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8')
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8')
  })
  const code = await new Promise<number>((resolve) => child.on('close', (status) => resolve(status ?? -1)))
  return { code, stdout, stderr }
}

export function startTrainyard(args: readonly string[], flags: readonly string[] = []): ChildProcess {
  return spawn(process.execPath, [...NODE_FLAGS, ...flags, join(PACKAGE_ROOT, 'src', 'main.ts'), ...args], {
    env: { ...systemEnvironment() },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** MLflow's own server on a store, for what is asked of it over HTTP. */
export async function startMlflowServer(
  python: string,
  storeUri: string,
  artifactRoot: string,
): Promise<{ url: string; stop(): Promise<void> }> {
  const port = await freePort()
  const args = ['-m', 'mlflow', 'server', '--host', '127.0.0.1', '--port', String(port), '--workers', '1']
  const child = spawn(python, [...args, '--backend-store-uri', storeUri, '--default-artifact-root', artifactRoot], {
    env: { ...systemEnvironment(), ...CLIENT_SETTINGS, PATH: `${join(python, '..')}:${systemEnvironment().PATH}` },
    stdio: 'ignore',
    detached: true,
  })
  const url = `http://127.0.0.1:${port}`
  for (let tried = 0; ; tried++) {
    const answer = await fetch(`${url}/health`).catch(() => null)
    if (answer?.ok === true) break
    if (child.exitCode !== null || tried > 600) throw new Error('mlflow server did not start')
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  return {
    url,
    async stop() {
      const ended = new Promise((resolve) => child.on('exit', resolve))
      process.kill(-(child.pid as number), 'SIGKILL')
      await ended
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
