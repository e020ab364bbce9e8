import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { dataFolder, systemEnvironment } from '../../config.ts'
import type { Context } from '../../context.ts'
import { AppError, badRequest, errorMessage } from '../../lib/errors.ts'
import { PACKAGE_ROOT } from '../../lib/package-root.ts'
import { copyArtifactsTo } from '../artifacts/artifacts.service.ts'
import { packageName } from '../registry/requirements.ts'
import type { ModelVersion } from '../registry/versions.service.ts'
import { ensureEnvironment } from '../training/environments.ts'
import { createLineChild, type LineChild } from './line-child.ts'
import type { Output, Predictor } from './predictor.ts'
import type { InputSignature } from './signature.ts'

const SERVER = join(PACKAGE_ROOT, 'runtimes', 'pyfunc', 'server.py')
/** Importing MLflow, pandas and a framework takes tens of seconds on a busy machine. */
const START_TIMEOUT_MS = 180_000
const CALL_TIMEOUT_MS = 60_000
const MAX_QUEUE = 64

/** Models that start at once: after a restart many are asked for together, and each takes a core for half a minute. */
const PARALLEL_STARTS = 2

let swept = false
let starting = 0
const turns: (() => void)[] = []

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  while (starting >= PARALLEL_STARTS) await new Promise<void>((resolve) => turns.push(resolve))
  starting++
  try {
    return await work()
  } finally {
    starting--
    turns.shift()?.()
  }
}

/**
 * Starts a Python child that serves a version with MLflow, in an environment made from the requirements it was logged
 * with. It runs the code inside the model, so it gets a clean environment, a folder of its own and limits.
 * @throws AppError unprocessable when the model has no Python form, its environment cannot be built, or it cannot load
 */
export function loadPyfunc(
  ctx: Context,
  version: ModelVersion,
  signature: InputSignature,
  signal: AbortSignal,
): Promise<Predictor> {
  return inTurn(() => startPyfunc(ctx, version, signature, signal))
}

async function startPyfunc(
  ctx: Context,
  version: ModelVersion,
  signature: InputSignature,
  signal: AbortSignal,
): Promise<Predictor> {
  signal.throwIfAborted()
  const what = `Version ${version.version} of ${version.name}`
  if (version.mlmodel?.flavors.includes('python_function') !== true || version.artifactPath === null) {
    throw new AppError(
      'unprocessable',
      `${what} has no files of MLflow's python_function flavor in this server, so Python cannot serve it.`,
    )
  }
  const root = dataFolder(ctx.config, 'serving')
  if (!swept) await sweep(root)
  swept = true
  const folder = join(root, `${process.pid}-${version.id}-${randomBytes(4).toString('hex')}`)
  const model = join(folder, 'model')
  await mkdir(model, { recursive: true, mode: 0o700 })
  try {
    await copyArtifactsTo(ctx, version.projectId, version.artifactPath, model)
    const python = await environmentOf(ctx, what, folder, model, signal)
    const child = createLineChild({
      argv: [python, '-IB', SERVER, model, JSON.stringify(signature)],
      env: {
        ...systemEnvironment(),
        HOME: folder,
        TMPDIR: folder,
        OMP_NUM_THREADS: '1',
        MLFLOW_TRACKING_URI: `file://${folder}`,
      },
      cwd: folder,
      startTimeoutMs: START_TIMEOUT_MS,
      callTimeoutMs: CALL_TIMEOUT_MS,
      maxQueue: MAX_QUEUE,
      log: ctx.log.child({ model: version.name, version: version.version }),
      what,
    })
    const stop = () => void child.close()
    signal.addEventListener('abort', stop, { once: true })
    const close = async () => {
      signal.removeEventListener('abort', stop)
      await child.close()
      await rm(folder, { recursive: true, force: true })
    }
    const { classes } = await child.start()
    signal.throwIfAborted()
    return predictorOf(child, signature, Array.isArray(classes) ? classes.map(String) : null, close)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

function predictorOf(
  child: LineChild,
  signature: InputSignature,
  classes: string[] | null,
  close: () => Promise<void>,
): Predictor {
  return {
    runtime: 'python',
    signature,
    labels: classes,
    async predict(columns) {
      const answer = await child.call({ columns })
      if (typeof answer.error === 'string')
        throw badRequest(`The model refused the rows: ${answer.error.split('\n')[0]}`, 'rows')
      const values = answer.values as unknown[]
      const scores = answer.scores as (number | null)[][] | null
      return values.map(
        (value, r): Output => ({
          value,
          scores: classes === null || scores === null ? null : scoresOf(classes, scores[r]!),
        }),
      )
    },
    close,
  }
}

function scoresOf(classes: string[], row: (number | null)[]): Record<string, number> {
  return Object.fromEntries(classes.map((label, i) => [label, row[i] ?? 0]))
}

/** The interpreter of the environment with the packages the model was logged with. */
async function environmentOf(
  ctx: Context,
  what: string,
  folder: string,
  model: string,
  signal: AbortSignal,
): Promise<string> {
  const logged = await readFile(join(model, 'requirements.txt'), 'utf8').catch(() => null)
  if (logged === null)
    throw new AppError(
      'unprocessable',
      `${what} was logged without requirements.txt, so its Python environment cannot be made.`,
    )
  // Constraints lie in another file and only narrow what is pinned here already.
  const lines = logged.split('\n').filter((line) => !/^\s*(-c|--constraint)\b/.test(line))
  const strange = lines
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .find((line) => line !== '' && packageName(line) === null)
  if (strange !== undefined) {
    throw new AppError(
      'unprocessable',
      `The requirements.txt of ${what} holds "${strange.slice(0, 100)}", which is not a plain requirement (name and version); its environment cannot be built safely.`,
    )
  }
  const described = await readFile(join(model, 'python_env.yaml'), 'utf8').catch(() => '')
  const path = join(folder, 'environment.log')
  const log = { path, say: (line: string) => ctx.log.info({ model: what }, line) }
  try {
    const spec = {
      python: /^python:\s*['"]?(\d+\.\d+)/m.exec(described)?.[1] ?? null,
      requirements: lines.join('\n'),
    }
    return (await ensureEnvironment(ctx.config, spec, log, signal)).python
  } catch (error) {
    const tail = (await readFile(path, 'utf8').catch(() => '')).trim().split('\n').slice(-3).join(' ').slice(-600)
    ctx.log.warn({ err: error, model: what, tail }, 'the Python environment of a model cannot be built')
    throw new AppError(
      'unprocessable',
      `The Python environment of ${what} cannot be built: ${tail === '' ? errorMessage(error) : tail}`,
      { cause: error },
    )
  }
}

/** Folders of servers that were killed. */
async function sweep(root: string): Promise<void> {
  for (const name of await readdir(root).catch(() => [])) {
    const pid = Number(name.split('-')[0])
    if (!Number.isInteger(pid) || pid <= 0 || isRunning(pid)) continue
    await rm(join(root, name), { recursive: true, force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
