import { spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { ensureWebBuilt } from '../../src/cli/web-build.ts'
import { type Program, startProgram } from '../../tests/harness/process.ts'
import { pythonWith } from '../../tests/harness/python.ts'

/** A tracking server that was started for a benchmark, on an empty store of its own. */
export type Served = {
  name: string
  url: string
  token: string | null
  /** From starting the process to its first answer that is not an error, in milliseconds. */
  startMs: number
  /** Resident memory of the process and all its children, in MiB. */
  residentMiB(): Promise<number>
  /** Halts it where it is, or lets it go on. */
  halt(isHalted: boolean): void
  stop(): Promise<void>
}

export const NAMES = ['ours', 'mlflow', 'fasttrackml'] as const
export type Name = (typeof NAMES)[number]

/** What the peers are installed from. FastTrackML brings an MLflow of its own, so each has its environment. */
const REQUIREMENTS = { mlflow: 'mlflow==3.17.2', fasttrackml: 'fasttrackml==0.6.0' }

export const LABELS: Record<Name, string> = {
  ours: 'Trainyard',
  mlflow: 'MLflow 3.17.2',
  fasttrackml: 'FastTrackML 0.6.0',
}

/** Starts the named server with its store in `folder` and only errors in its log, everything else as it comes. */
export async function serve(name: Name, folder: string): Promise<Served> {
  await mkdir(folder, { recursive: true })
  if (name === 'ours') return serveOurs(['--data', folder], [])
  const bin = dirname(await pythonWith(REQUIREMENTS[name], `build-${name}`))
  const port = await freePort()
  const database = `sqlite:///${folder}/store.db`
  const command: [string, ...string[]] =
    name === 'mlflow'
      ? [join(bin, 'mlflow'), 'server', '--backend-store-uri', database]
      : [join(bin, 'fml'), 'server', '--database-uri', database.replace(':///', '://'), '--log-level', 'error']
  const where =
    name === 'mlflow'
      ? ['--artifacts-destination', join(folder, 'artifacts'), '--host', '127.0.0.1', '--port', String(port)]
      : ['--default-artifact-root', join(folder, 'artifacts'), '--listen-address', `127.0.0.1:${port}`]
  return servePeer(name, [...command, ...where], folder, `http://127.0.0.1:${port}`)
}

/**
 * Starts our server with an account and a token, so that every request is authenticated.
 * @param store the flags that say where the store is, for the server and for the commands that make the account
 * @param more further flags of the server
 */
export async function serveOurs(store: string[], more: string[], token?: string): Promise<Served> {
  await ensureWebBuilt() // else the first start of a checkout builds it, and that is measured
  const secret = token ?? (await makeToken(store))
  const startedAt = performance.now()
  const server = startProgram(['serve', '--port', '0', '--log-level', 'error', '--job-slots', '0', ...store, ...more])
  const url = (await server.saw(/ready at (http\S+)/))[1] ?? ''
  const startMs = performance.now() - startedAt
  return {
    name: 'ours',
    url,
    token: secret,
    startMs,
    residentMiB: () => residentMiB(server.child.pid ?? 0),
    halt: (isHalted) => server.kill(isHalted ? 'SIGSTOP' : 'SIGCONT'),
    async stop() {
      server.kill('SIGCONT')
      server.kill('SIGTERM')
      await server.ended
    },
  }
}

async function makeToken(store: string[]): Promise<string> {
  await finished(startProgram(['users', 'add', 'bench', '--admin', ...store]))
  const made = await finished(startProgram(['tokens', 'add', '--user', 'bench', '--scope', 'admin', ...store]))
  const token = /^ty_\S+$/m.exec(made)?.[0]
  if (token === undefined) throw new Error(`No token was made: ${made}`)
  return token
}

async function finished(program: Program): Promise<string> {
  if ((await program.ended) !== 0) throw new Error(program.output())
  return program.output()
}

async function servePeer(name: Name, command: string[], folder: string, url: string): Promise<Served> {
  const log = openSync(join(folder, 'server.log'), 'w')
  const startedAt = performance.now()
  const [program = '', ...args] = command
  // A group of its own: MLflow starts workers, and stopping it must reach them all.
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...process.env, UVICORN_LOG_LEVEL: 'error' },
    stdio: ['ignore', log, log],
    detached: true,
  })
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  const signal = (name: NodeJS.Signals) => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, name)
  }
  const stop = async () => {
    signal('SIGKILL')
    await ended
  }
  try {
    await answers(`${url}/api/2.0/mlflow/experiments/get?experiment_id=0`, () => child.exitCode !== null)
  } catch (error) {
    await stop()
    throw new Error(`${LABELS[name]}: ${error}\n${(await readFile(join(folder, 'server.log'), 'utf8')).slice(-2_000)}`)
  }
  const startMs = performance.now() - startedAt
  const halt = (isHalted: boolean) => signal(isHalted ? 'SIGSTOP' : 'SIGCONT')
  return { name, url, token: null, startMs, residentMiB: () => residentMiB(child.pid ?? 0), halt, stop }
}

/** Resolves with the first good answer of `url`. @throws when the server ended, or after three minutes */
async function answers(url: string, isOver: () => boolean): Promise<void> {
  const until = Date.now() + 180_000
  while (Date.now() < until) {
    if (isOver()) throw new Error('It ended before it answered.')
    const good = await fetch(url).then(
      (answer) => answer.ok,
      () => false,
    )
    if (good) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('It did not answer within three minutes.')
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function residentMiB(root: number): Promise<number> {
  const parents = new Map<number, number>()
  const resident = new Map<number, number>()
  for (const entry of await readdir('/proc')) {
    const status = /^\d+$/.test(entry) ? await readFile(`/proc/${entry}/status`, 'utf8').catch(() => '') : ''
    const pid = Number(entry)
    parents.set(pid, Number(/PPid:\s+(\d+)/.exec(status)?.[1] ?? 0))
    resident.set(pid, Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
  }
  const isBelow = (pid: number): boolean => pid === root || (pid > 1 && isBelow(parents.get(pid) ?? 0))
  return [...resident].reduce((sum, [pid, size]) => sum + (isBelow(pid) ? size : 0), 0)
}
