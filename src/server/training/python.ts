import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, mkdir, rename, rm } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import { type Config, packageIndexEnvironment, systemEnvironment } from '../../config.ts'
import { outputOf, runStep, type StepLog } from './children.ts'
import { withFileLock } from './file-lock.ts'

/** An interpreter of this machine. */
export type Interpreter = { path: string; version: string; minor: string }

/** The version of uv that the platform installs for itself when the machine has none. */
const UV_VERSION = '0.13.9'
const OLDEST = [3, 10] as const

/** What tools that build environments see: the user's package indexes, and nothing secret of ours. */
export function buildEnvironment(config: Config): Record<string, string> {
  return {
    // In the folder of tools, so that environments can share files with the cache by hard links.
    UV_CACHE_DIR: join(config.tools, 'uv-cache'),
    ...systemEnvironment(),
    ...packageIndexEnvironment(),
    UV_PYTHON_DOWNLOADS: 'never',
    UV_NO_PROGRESS: '1',
    PIP_NO_INPUT: '1',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
  }
}

/**
 * The interpreter for a wanted version (`3.11`, `3.11.7`): one of that minor version when the machine has it, else the
 * configured one, with a line in the log.
 * @throws Error when there is no usable Python at all
 */
export async function findInterpreter(config: Config, wanted: string | null, log: StepLog): Promise<Interpreter> {
  const env = systemEnvironment()
  const configured = await inspect(config.python, env)
  const minor = wanted === null ? null : (/^\d+\.\d+/.exec(wanted.trim())?.[0] ?? null)
  if (minor !== null && configured?.minor !== minor) {
    const exact = await inspect(`python${minor}`, env)
    if (exact !== null) return exact
  }
  if (configured === null)
    throw new Error(`There is no Python at "${config.python}". Install Python 3.10 or newer, or set --python.`)
  const [major = 0, second = 0] = configured.minor.split('.').map(Number)
  if (major < OLDEST[0] || (major === OLDEST[0] && second < OLDEST[1])) {
    throw new Error(`Python ${configured.version} at "${config.python}" is too old; 3.10 or newer is needed.`)
  }
  if (minor !== null && configured.minor !== minor) {
    log.say(`This machine has no Python ${minor}; using ${configured.version} instead.`)
  }
  return configured
}

async function inspect(program: string, env: Record<string, string>): Promise<Interpreter | null> {
  const code = 'import sys; print(sys.executable); print("%d.%d.%d" % sys.version_info[:3])'
  const [path, version] = (await outputOf([program, '-I', '-c', code], env))?.split('\n') ?? []
  if (path === undefined || version === undefined) return null
  return { path, version, minor: version.split('.').slice(0, 2).join('.') }
}

/**
 * The uv program: the machine's, or our own in the folder of tools, installed on first need. Null when it cannot be had;
 * then environments are built with pip, which is slower.
 */
export async function findUv(
  config: Config,
  python: Interpreter,
  log: StepLog,
  signal: AbortSignal,
): Promise<string | null> {
  const onPath = await onSearchPath('uv')
  if (onPath !== null) return onPath
  const home = join(config.tools, 'uv')
  const own = join(home, 'bin', 'uv')
  if (await isExecutable(own)) return own
  await mkdir(config.tools, { recursive: true })
  return withFileLock(
    join(config.tools, 'locks', 'uv.lock'),
    signal,
    () => log.say('Waiting for another job that installs uv.'),
    async () => {
      if (await isExecutable(own)) return own
      log.say(`Installing uv ${UV_VERSION} (once on this machine).`)
      const made = join(config.tools, `uv-${randomBytes(6).toString('hex')}`)
      const env = buildEnvironment(config)
      try {
        const inVenv =
          (await runStep([python.path, '-m', 'venv', made], { env, log, signal })) === 0 &&
          (await runStep([join(made, 'bin', 'python'), '-m', 'pip', 'install', '-q', `uv==${UV_VERSION}`], {
            env,
            log,
            signal,
          })) === 0
        if (!inVenv) {
          await rm(made, { recursive: true, force: true })
          const target = [python.path, '-m', 'pip', 'install', '-q', '--target', made, `uv==${UV_VERSION}`]
          if ((await runStep(target, { env, log, signal })) !== 0) {
            log.say('uv could not be installed; using venv and pip, which takes longer.')
            return null
          }
        }
        await rm(home, { recursive: true, force: true })
        await rename(made, home) // the program itself does not care where it lies
        return own
      } finally {
        await rm(made, { recursive: true, force: true })
      }
    },
  )
}

async function onSearchPath(program: string): Promise<string | null> {
  for (const folder of (systemEnvironment().PATH ?? '').split(delimiter)) {
    const path = join(folder, program)
    if (isAbsolute(folder) && (await isExecutable(path))) return path
  }
  return null
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
