import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { systemEnvironment } from '../../config.ts'
import type { Context } from '../../context.ts'
import { PACKAGE_ROOT } from '../../lib/package-root.ts'
import { addToken, revokeRunTokens } from '../identity/identity.service.ts'
import { getRun } from '../tracking/runs.service.ts'
import type { StepLog } from './children.ts'
import { parseCommand, renderCommand } from './command.ts'
import { type Environment, type EnvironmentSpec, ensureEnvironment } from './environments.ts'
import type { Launch } from './executors/executor.ts'
import { copyCode, makeJobFolder, placeDataset, placeInputs } from './folders.ts'
import { type ConvertSpec, type Job, jobFolder, projectOfJob, type TrainSpec } from './jobs.service.ts'
import { type EntryPoint, isDatasetParameter } from './mlproject.ts'
import { loadProjectCode } from './snapshot.service.ts'

/** Longer than the job may run, so that its last words still arrive. */
const TOKEN_MARGIN_MS = 10 * 60_000

export type Prepared = { launch: Launch; environment: string }

/** The longest that a job may run, in milliseconds. */
export function timeoutOf(ctx: Context, job: Job): number {
  return job.spec.timeoutMs ?? ctx.config.jobTimeoutMs
}

/**
 * Makes everything that a job needs before its code can start: folder, code or inputs, data, environment, token. Doing
 * it again is harmless.
 * @param baseUrl where this server is reached from this machine
 * @throws AppError, EnvironmentError with a sentence for the user; the abort reason
 */
export async function prepareJob(
  ctx: Context,
  job: Job,
  baseUrl: string,
  log: StepLog,
  signal: AbortSignal,
): Promise<Prepared> {
  const folder = jobFolder(ctx.config, job.id)
  await makeJobFolder(folder)
  const { train, convert } = job.spec
  if (train !== null) return prepareTraining(ctx, job, train, { folder, baseUrl, log, signal })
  if (convert !== null) return prepareConversion(ctx, job, convert, { folder, log, signal })
  throw new Error(`Job ${job.id} has nothing to run.`)
}

type Place = { folder: string; log: StepLog; signal: AbortSignal }

async function prepareTraining(
  ctx: Context,
  job: Job,
  train: TrainSpec,
  place: Place & { baseUrl: string },
): Promise<Prepared> {
  const { folder, log, signal } = place
  const work = join(folder, 'work')
  const code = await loadProjectCode(ctx, job.projectId, job.codeDigest ?? '')
  const entry = code.mlproject.entryPoints.get(train.entryPoint)
  if (entry === undefined) throw new Error(`The code has no entry point "${train.entryPoint}".`)
  await copyCode(ctx, code.files.values(), work)
  if (job.datasetVersionId !== null) {
    await placeDataset(ctx, job.datasetVersionId, join(folder, 'data'))
    log.say(`Dataset ${job.dataset?.name}@${job.dataset?.version} is in place.`)
  }
  const environment = await environmentFor(ctx, code.environment, log, signal)
  const argv = renderCommand(parseCommand(entry.command), argumentsOf(entry, job, train, folder))
  log.say(
    `Starting entry point "${train.entryPoint}": ${argv
      .map((word) => JSON.stringify(word))
      .join(' ')
      .slice(0, 4_000)}`,
  )
  return {
    environment: label(environment),
    launch: {
      jobId: job.id,
      folder,
      cwd: work,
      argv,
      env: { ...cleanEnvironment(ctx, folder, environment), ...(await trackingEnvironment(ctx, job, place.baseUrl)) },
    },
  }
}

async function prepareConversion(ctx: Context, job: Job, convert: ConvertSpec, place: Place): Promise<Prepared> {
  const { folder, log, signal } = place
  const work = join(folder, 'work')
  await placeInputs(ctx, job, convert, work)
  if (job.datasetVersionId !== null) await placeDataset(ctx, job.datasetVersionId, join(work, 'data'))
  const environment = await environmentFor(ctx, { python: null, requirements: convert.requirements }, log, signal)
  const argv = [environment.python, join(PACKAGE_ROOT, 'runtimes', convert.script), ...convert.arguments]
  log.say(`Starting ${convert.script}.`)
  return {
    environment: label(environment),
    launch: { jobId: job.id, folder, cwd: work, argv, env: cleanEnvironment(ctx, folder, environment) },
  }
}

function environmentFor(ctx: Context, spec: EnvironmentSpec, log: StepLog, signal: AbortSignal): Promise<Environment> {
  return ensureEnvironment(ctx.config, spec, log, signal)
}

function label(environment: Environment): string {
  return `py${environment.pythonVersion} ${environment.key.slice(0, 12)}`
}

/** Every parameter as the text of one argument. Relative paths are of the code's folder; `data` is the dataset's. */
function argumentsOf(entry: EntryPoint, job: Job, train: TrainSpec, folder: string): Record<string, string> {
  const values: Record<string, string> = {}
  for (const [key, spec] of entry.parameters) {
    const value = train.parameters[key]
    if (value === undefined) {
      if (isDatasetParameter(key, spec, job.datasetVersionId !== null)) values[key] = join(folder, 'data')
      continue
    }
    const text = String(value)
    const relative = spec.type === 'path' && !text.startsWith('/') && !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(text)
    values[key] = relative ? join(folder, 'work', text) : text
  }
  return values
}

/**
 * What a job sees of the machine: an allow-list. No setting of this server, no database URL, no key, no package index
 * with a password in it.
 */
function cleanEnvironment(ctx: Context, folder: string, environment: Environment): Record<string, string> {
  const { PATH, LANG, LC_ALL, TZ } = systemEnvironment()
  const threads = String(Math.max(1, Math.floor(availableParallelism() / Math.max(1, ctx.config.jobSlots))))
  return {
    PATH: `${join(environment.folder, 'bin')}:${PATH}`,
    LANG: LANG ?? 'C.UTF-8',
    ...(LC_ALL === undefined ? {} : { LC_ALL }),
    ...(TZ === undefined ? {} : { TZ }),
    HOME: folder,
    TMPDIR: join(folder, 'tmp'),
    VIRTUAL_ENV: environment.folder,
    PYTHONUNBUFFERED: '1',
    PYTHONIOENCODING: 'utf-8',
    OMP_NUM_THREADS: threads,
    OPENBLAS_NUM_THREADS: threads,
    GIT_PYTHON_REFRESH: 'quiet', // MLflow asks git about the code; there is no repository here
    GIT_TERMINAL_PROMPT: '0',
    MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING: 'false',
    MLFLOW_DISABLE_TELEMETRY: 'true',
  }
}

/** How the code logs into its own run: a token that may write to this run only and dies with the job. */
async function trackingEnvironment(ctx: Context, job: Job, baseUrl: string): Promise<Record<string, string>> {
  if (job.runId === null) return {}
  const project = await projectOfJob(ctx, job)
  const run = await getRun(ctx, job.projectId, job.runId)
  await revokeRunTokens(ctx, job.runId) // of a start that came to nothing
  const { token } = await addToken(ctx, {
    userId: job.spec.userId,
    name: `job ${job.id}`,
    scope: 'write',
    expiresAtMs: ctx.now() + timeoutOf(ctx, job) + TOKEN_MARGIN_MS,
    run: { runId: job.runId, projectId: job.projectId },
  })
  return {
    MLFLOW_TRACKING_URI: `${baseUrl}/mlflow/${project.owner}/${project.name}/tracking`,
    MLFLOW_TRACKING_TOKEN: token,
    MLFLOW_RUN_ID: job.runId,
    MLFLOW_EXPERIMENT_ID: run.experimentId,
  }
}
