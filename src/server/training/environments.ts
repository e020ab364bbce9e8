import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Config, dataFolder } from '../../config.ts'
import { runStep, type StepLog } from './children.ts'
import { withFileLock } from './file-lock.ts'
import { buildEnvironment, findInterpreter, findUv, type Interpreter } from './python.ts'

/** What an environment must have. */
export type EnvironmentSpec = {
  /** Wanted Python version (`3.11`), null for the configured one. */
  python: string | null
  /** Text of a requirements file, with everything it refers to already in it. */
  requirements: string
  /** Installed before the rest (`pip`, `setuptools==…`). */
  buildDependencies?: readonly string[]
}

export type Environment = {
  /** First part: a hash of Python, platform and requirements; what a job shows as its environment. */
  key: string
  folder: string
  /** The interpreter inside. */
  python: string
  pythonVersion: string
}

/** An environment that could not be built: the message is for the user, the log has the details. */
export class EnvironmentError extends Error {}

/**
 * The Python environment with these requirements, built on first need and shared by all jobs that ask for the same.
 * Every build has a folder of its own; the file `<key>.json`, written last, says which one is whole. So a killed build
 * leaves only a folder that nobody uses, which the next build of the same key removes.
 * @throws EnvironmentError when an installation fails; the abort reason when `signal` is aborted
 */
export async function ensureEnvironment(
  config: Config,
  spec: EnvironmentSpec,
  log: StepLog,
  signal: AbortSignal,
): Promise<Environment> {
  const python = await findInterpreter(config, spec.python, log)
  const key = environmentKey(python, spec)
  const root = dataFolder(config, 'envs')
  await mkdir(root, { recursive: true, mode: 0o700 })
  const ready = await readReady(root, key)
  if (ready !== null) {
    log.say(`Environment ${key.slice(0, 12)} (Python ${ready.pythonVersion}) is there already.`)
    return ready
  }
  const waiting = () => log.say(`Waiting for another job that builds environment ${key.slice(0, 12)}.`)
  return withFileLock(join(root, 'locks', `${key}.lock`), signal, waiting, async () => {
    const meanwhile = await readReady(root, key)
    if (meanwhile !== null) return meanwhile
    await removeAbandoned(root, key)
    const started = Date.now()
    log.say(`Building environment ${key.slice(0, 12)} with Python ${python.version}.`)
    const name = `${key}-${randomBytes(6).toString('hex')}`
    try {
      await build(config, join(root, name), python, spec, log, signal)
    } catch (error) {
      await rm(join(root, name), { recursive: true, force: true })
      throw error
    }
    await markReady(root, key, { folder: name, python_version: python.version, built_at_ms: Date.now() })
    log.say(`Environment ready after ${((Date.now() - started) / 1000).toFixed(1)} s.`)
    return environmentAt(root, key, name, python.version)
  })
}

/** The same for all jobs whose environments would be the same. */
export function environmentKey(python: Pick<Interpreter, 'version' | 'path'>, spec: EnvironmentSpec): string {
  const wanted = [
    python.version,
    python.path,
    process.platform,
    process.arch,
    ...(spec.buildDependencies ?? []),
    normalise(spec.requirements),
  ]
  return createHash('sha256').update(JSON.stringify(wanted)).digest('hex').slice(0, 40)
}

/** Comments and blank lines make no difference to what is installed. */
function normalise(requirements: string): string {
  return requirements
    .split(/\r?\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '')
    .join('\n')
}

async function build(
  config: Config,
  folder: string,
  python: Interpreter,
  spec: EnvironmentSpec,
  log: StepLog,
  signal: AbortSignal,
): Promise<void> {
  const env = buildEnvironment(config)
  const uv = await findUv(config, python, log, signal)
  const inside = join(folder, 'bin', 'python')
  const step = async (argv: string[], what: string) => {
    if ((await runStep(argv, { env, log, signal, cwd: dirname(folder) })) !== 0) throw new EnvironmentError(what)
  }
  const create = uv === null ? [python.path, '-m', 'venv', folder] : [uv, 'venv', '-q', '--python', python.path, folder]
  await step(create, `The environment could not be created with ${python.path}; the log tells why.`)
  const install = uv === null ? [inside, '-m', 'pip', 'install', '-q'] : [uv, 'pip', 'install', '--python', inside]
  for (const [file, text] of [
    ['build-requirements.txt', (spec.buildDependencies ?? []).join('\n')],
    ['requirements.txt', spec.requirements],
  ] as const) {
    if (normalise(text) === '') continue
    await writeFile(join(folder, file), `${text}\n`, { mode: 0o600 })
    await step(
      [...install, '-r', join(folder, file)],
      'The packages of the environment could not be installed; the log tells which and why.',
    )
  }
}

type ReadyFile = { folder: string; python_version: string; built_at_ms: number }

async function readReady(root: string, key: string): Promise<Environment | null> {
  try {
    const ready = JSON.parse(await readFile(join(root, `${key}.json`), 'utf8')) as ReadyFile
    return environmentAt(root, key, ready.folder, ready.python_version)
  } catch {
    return null
  }
}

function environmentAt(root: string, key: string, name: string, pythonVersion: string): Environment {
  const folder = join(root, name)
  return { key, folder, python: join(folder, 'bin', 'python'), pythonVersion }
}

/** Durable and all at once: after a power cut the environment is whole or not there. */
async function markReady(root: string, key: string, ready: ReadyFile): Promise<void> {
  const temporary = join(root, `${ready.folder}.json.tmp`)
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(JSON.stringify(ready))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, join(root, `${key}.json`))
  const folder = await open(dirname(join(root, key)), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function removeAbandoned(root: string, key: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (name.startsWith(`${key}-`)) await rm(join(root, name), { recursive: true, force: true })
  }
}
