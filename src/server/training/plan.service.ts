import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from '../../context.ts'
import { AppError, badRequest } from '../../lib/errors.ts'
import { PACKAGE_ROOT } from '../../lib/package-root.ts'
import { pathSegments } from '../../lib/relative-path.ts'
import { findVersion, versionById } from '../datasets/versions.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { checkModelName } from '../registry/names.ts'
import { checkExperimentName } from '../tracking/experiments.service.ts'
import { parseCommand, usedParameters } from './command.ts'
import type { JobSpec } from './jobs.service.ts'
import { type ParameterValue, resolveParameters, wrong } from './mlproject.ts'
import { loadProjectCode, snapshotHas } from './snapshot.service.ts'

/** A user's code: an entry point of a code snapshot. */
export type NewTrainJob = {
  kind?: 'train'
  name?: string
  codeDigest: string
  /** Default `main`. */
  entryPoint?: string
  parameters?: Record<string, ParameterValue>
  /** `name`, `name@2` or `name@latest`. */
  dataset?: string
  experiment?: string
  /** Registered model that gets the resulting model as a new version. */
  registerAs?: string
  timeoutMs?: number
}

/** A script of our own, over files of the project. It leaves its results in `<job folder>/work/output/`. */
export type NewConvertJob = {
  kind: 'convert'
  name?: string
  runtime: { script: string; requirements: string }
  files?: { name: string; text: string }[]
  arguments?: string[]
  /** A folder of the project's artifacts, copied to `work/<as>`. */
  artifacts?: { path: string; as: string }
  /** Its files come to `work/data`. */
  datasetVersionId?: string | null
  timeoutMs?: number
}

/** A job that was checked and may be stored. */
export type JobPlan = {
  kind: 'train' | 'convert'
  name: string
  /** The name that the user gave, for the run. */
  givenName: string | null
  spec: Omit<JobSpec, 'userId'>
  codeDigest: string | null
  datasetVersionId: string | null
}

/** Checks what is asked for. Reads code from the blob store, writes nothing. @throws AppError bad_request naming the field */
export async function planJob(ctx: Context, project: Project, input: NewTrainJob | NewConvertJob): Promise<JobPlan> {
  return input.kind === 'convert' ? planConvert(ctx, project, input) : planTrain(ctx, project, input)
}

async function planTrain(ctx: Context, project: Project, input: NewTrainJob): Promise<JobPlan> {
  const code = await loadProjectCode(ctx, project.id, input.codeDigest)
  const entryName = input.entryPoint ?? 'main'
  const entry = code.mlproject.entryPoints.get(entryName)
  if (entry === undefined) {
    const known = [...code.mlproject.entryPoints.keys()].join(', ')
    throw badRequest(`The code has no entry point "${entryName}". It has: ${known}.`, 'entry_point')
  }
  for (const name of usedParameters(parseCommand(entry.command))) {
    if (!entry.parameters.has(name))
      throw wrong(`MLproject: the command of "${entryName}" uses {${name}}, which is not one of its parameters.`)
  }
  const dataset = input.dataset === undefined ? null : await findDataset(ctx, project, input.dataset)
  const parameters = resolveParameters(entry, input.parameters ?? {}, {
    hasDataset: dataset !== null,
    hasFile: (path) => snapshotHas(code.files, path),
  })
  if (input.registerAs !== undefined) checkModelName(input.registerAs, 'register_as')
  // MLflow takes a name of spaces; nobody who starts a job means one.
  if (input.experiment?.trim() === '') throw badRequest('The experiment must have a name.', 'experiment')
  if (input.experiment !== undefined) named('experiment', () => checkExperimentName(input.experiment ?? ''))
  return {
    kind: 'train',
    name: input.name ?? code.mlproject.name ?? entryName,
    givenName: input.name ?? null,
    codeDigest: input.codeDigest,
    datasetVersionId: dataset?.id ?? null,
    spec: {
      timeoutMs: input.timeoutMs ?? null,
      dataset: dataset === null ? null : { name: dataset.dataset, version: dataset.version, digest: dataset.digest },
      convert: null,
      train: {
        entryPoint: entryName,
        parameters,
        experiment: input.experiment ?? null,
        registerAs: input.registerAs ?? null,
        projectName: code.mlproject.name,
      },
    },
  }
}

async function findDataset(ctx: Context, project: Project, reference: string) {
  try {
    return await findVersion(ctx, project.id, reference)
  } catch (error) {
    throw fieldError('dataset', error)
  }
}

function named(field: string, check: () => void): void {
  try {
    check()
  } catch (error) {
    throw fieldError(field, error)
  }
}

/** What another room says of a value is said of the job's field: not "no such page", but "this field is wrong". */
function fieldError(field: string, error: unknown): unknown {
  return error instanceof AppError && error.status < 500 ? badRequest(error.message, field) : error
}

async function planConvert(ctx: Context, project: Project, input: NewConvertJob): Promise<JobPlan> {
  const script = pathSegments(input.runtime.script, 'runtime.script').join('/')
  if (!existsSync(join(PACKAGE_ROOT, 'runtimes', script)))
    throw badRequest(`There is no runtime script "${script}".`, 'runtime.script')
  const files = (input.files ?? []).map((file) => ({
    name: pathSegments(file.name, 'files.name').join('/'),
    text: file.text,
  }))
  const artifacts =
    input.artifacts === undefined
      ? []
      : [{ path: input.artifacts.path, as: pathSegments(input.artifacts.as, 'artifacts.as').join('/') }]
  const versionId = input.datasetVersionId ?? null
  const dataset = versionId === null ? null : await versionById(ctx, versionId)
  if (dataset !== null && dataset.projectId !== project.id)
    throw badRequest('The dataset belongs to another project.', 'dataset')
  return {
    kind: 'convert',
    name: input.name ?? 'convert',
    givenName: input.name ?? null,
    codeDigest: null,
    datasetVersionId: versionId,
    spec: {
      timeoutMs: input.timeoutMs ?? null,
      dataset: dataset === null ? null : { name: dataset.dataset, version: dataset.version, digest: dataset.digest },
      train: null,
      convert: {
        script,
        requirements: input.runtime.requirements,
        files,
        arguments: [...(input.arguments ?? [])],
        artifacts,
      },
    },
  }
}
