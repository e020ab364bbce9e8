import { join } from 'node:path'
import { type Config, dataFolder } from '../../config.ts'
import { type Context, inTransaction } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { conflict, notFound } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import { recordEvent } from '../events/events.service.ts'
import { type Project, projectForSystem } from '../projects/projects.service.ts'
import { ensureExperiment } from '../tracking/experiments.service.ts'
import { addRunInput } from '../tracking/inputs.service.ts'
import { createRun } from '../tracking/run-starts.service.ts'
import { updateRun } from '../tracking/runs.service.ts'
import { refuseJobs } from './code.service.ts'
import { jobEnded } from './finish.service.ts'
import * as store from './jobs.store.ts'
import type { ParameterValue } from './mlproject.ts'
import { type JobPlan, type NewConvertJob, type NewTrainJob, planJob } from './plan.service.ts'

export type { NewConvertJob, NewTrainJob } from './plan.service.ts'
export type NewJob = NewTrainJob | NewConvertJob

/** What a job runs, as it is stored: enough to run it again without asking anybody. */
export type JobSpec = {
  timeoutMs: number | null
  dataset: { name: string; version: number; digest: string } | null
  /** Whose token the code gets; null for the person of local mode and for the platform's own jobs. */
  userId: string | null
  train: TrainSpec | null
  convert: ConvertSpec | null
}
export type TrainSpec = {
  entryPoint: string
  parameters: Record<string, ParameterValue>
  experiment: string | null
  registerAs: string | null
  /** `name:` of the MLproject file. */
  projectName: string | null
}
export type ConvertSpec = {
  /** Path of the script below `runtimes/`. */
  script: string
  requirements: string
  files: { name: string; text: string }[]
  arguments: string[]
  artifacts: { path: string; as: string }[]
}

/** One attempt to run code. */
export type Job = {
  id: string
  projectId: string
  kind: 'train' | 'convert'
  name: string
  state: store.JobState
  spec: JobSpec
  codeDigest: string | null
  datasetVersionId: string | null
  dataset: { name: string; version: number } | null
  runId: string | null
  executor: string
  attempt: number
  retryOf: string | null
  createdBy: string
  createdAtMs: number
  startedAtMs: number | null
  finishedAtMs: number | null
  exitCode: number | null
  error: string | null
  cancelRequested: boolean
  environment: string | null
}

const ENDED: ReadonlySet<store.JobState> = new Set(['succeeded', 'failed', 'cancelled', 'lost'])
export const hasEnded = (state: store.JobState): boolean => ENDED.has(state)

/** The folder of one job on the machine that runs it: `log.txt`, `work/`, and while it runs `data/`. */
export function jobFolder(config: Config, jobId: string): string {
  return join(dataFolder(config, 'jobs'), jobId)
}

export function toJob(row: store.JobRow): Job {
  const spec = JSON.parse(row.spec) as JobSpec
  return {
    id: row.id,
    projectId: row.project_id,
    kind: row.kind,
    name: row.name,
    state: row.state,
    spec,
    codeDigest: row.code_digest,
    datasetVersionId: row.dataset_version_id,
    dataset: spec.dataset === null ? null : { name: spec.dataset.name, version: spec.dataset.version },
    runId: row.run_id,
    executor: row.executor,
    attempt: row.attempt,
    retryOf: row.retry_of,
    createdBy: row.created_by,
    createdAtMs: row.created_at_ms,
    startedAtMs: row.started_at_ms,
    finishedAtMs: row.finished_at_ms,
    exitCode: row.exit_code,
    error: row.error,
    cancelRequested: row.cancel_requested_at_ms !== null,
    environment: row.environment,
  }
}

/**
 * Checks everything about a job and puts it into the queue; a train job's run is made in the same transaction. Joins the
 * caller's transaction; a train job reads its code first, so submit it outside of one where you can.
 * @throws AppError bad_request naming the field at fault; forbidden for a job's own token
 */
export async function submitJob(ctx: Context, actor: Actor, project: Project, input: NewJob): Promise<Job> {
  refuseJobs(actor)
  const plan = await planJob(ctx, project, input)
  // Two first jobs of an experiment at once would break each other's transaction on PostgreSQL.
  const experiment = plan.spec.train?.experiment ?? null
  if (experiment !== null && !ctx.db.isTransaction) await ensureExperiment(ctx, actor, project, experiment)
  const job = await inTransaction(ctx, (tx) => addJob(tx, actor, project, plan, null))
  ctx.runner.poke()
  return job
}

/** @param previous the attempt that this one repeats */
async function addJob(tx: Context, actor: Actor, project: Project, plan: JobPlan, previous: Job | null): Promise<Job> {
  const now = tx.now()
  const id = newId(now)
  const row: store.JobRow = {
    id,
    project_id: project.id,
    kind: plan.kind,
    name: plan.name,
    state: 'queued',
    spec: JSON.stringify({ ...plan.spec, userId: actor.userId } satisfies JobSpec),
    code_digest: plan.codeDigest,
    dataset_version_id: plan.datasetVersionId,
    run_id: plan.spec.train === null ? null : await addRun(tx, actor, project, id, plan, plan.spec.train),
    executor: 'local',
    attempt: (previous?.attempt ?? 0) + 1,
    retry_of: previous?.id ?? null,
    created_by: actor.name,
    created_at_ms: now,
    started_at_ms: null,
    finished_at_ms: null,
    exit_code: null,
    error: null,
    cancel_requested_at_ms: null,
    lease_owner: null,
    lease_until_ms: null,
    process: null,
    environment: null,
  }
  await store.insertJob(tx.db, row)
  await recordEvent(tx, actor, {
    projectId: project.id,
    verb: 'created',
    kind: 'job',
    subject: id,
    detail: { name: row.name, kind: row.kind, run_id: row.run_id, retry_of: row.retry_of },
  })
  return toJob(row)
}

/** The run exists before the code starts, so that even a job that never starts leaves a trace. */
async function addRun(
  tx: Context,
  actor: Actor,
  project: Project,
  jobId: string,
  plan: JobPlan,
  train: TrainSpec,
): Promise<string> {
  const experiment = train.experiment === null ? null : await ensureExperiment(tx, actor, project, train.experiment)
  const run = await createRun(tx, actor, project, {
    ...(experiment === null ? {} : { experimentId: experiment.id }),
    ...(plan.givenName === null ? {} : { name: plan.givenName }),
    jobId,
    userName: actor.name,
    tags: [
      { key: 'mlflow.source.name', value: train.projectName ?? plan.name },
      { key: 'mlflow.source.type', value: 'PROJECT' },
      { key: 'mlflow.project.entryPoint', value: train.entryPoint },
      { key: 'mlflow.project.backend', value: 'trainyard' },
      { key: 'mlflow.project.env', value: 'uv' },
      { key: 'trainyard.job_id', value: jobId },
      ...(plan.codeDigest === null ? [] : [{ key: 'trainyard.code_digest', value: plan.codeDigest }]),
    ],
  })
  await updateRun(tx, actor, project, run.id, { status: 'SCHEDULED' })
  const { dataset } = plan.spec
  if (dataset !== null && plan.datasetVersionId !== null) {
    await addRunInput(tx, project, run.id, {
      name: dataset.name,
      digest: dataset.digest.slice(0, 36), // what MLflow allows
      sourceType: 'trainyard',
      source: JSON.stringify({ dataset: dataset.name, version: dataset.version, digest: dataset.digest }),
      tags: [{ key: 'mlflow.data.context', value: 'training' }],
      datasetVersionId: plan.datasetVersionId,
    })
  }
  return run.id
}

/** @throws AppError not_found */
export async function getJob(ctx: Context, projectId: string, jobId: string): Promise<Job> {
  const row = await store.projectJob(ctx.db, projectId, jobId)
  if (row === undefined) throw notFound(`There is no job "${jobId.slice(0, 80)}".`)
  return toJob(row)
}

/** For the platform's own follow-up work, which starts from an id in a row. @throws AppError not_found */
export async function jobById(ctx: Context, jobId: string): Promise<Job> {
  const row = await store.jobById(ctx.db, jobId)
  if (row === undefined) throw notFound(`There is no job "${jobId.slice(0, 80)}".`)
  return toJob(row)
}

export async function listJobs(
  ctx: Context,
  projectId: string,
  filter: store.JobFilter,
): Promise<{ jobs: Job[]; nextBefore: string | null }> {
  const rows = await store.projectJobs(ctx.db, projectId, { ...filter, limit: filter.limit + 1 })
  const page = rows.slice(0, filter.limit).map(toJob)
  return { jobs: page, nextBefore: rows.length > filter.limit ? (page.at(-1)?.id ?? null) : null }
}

/**
 * Ends a queued job at once and asks a running one to end (SIGTERM to its whole group, SIGKILL ten seconds later).
 * @throws AppError not_found; conflict when it has ended already, otherwise than by a cancel
 */
export async function cancelJob(ctx: Context, actor: Actor, project: Project, jobId: string): Promise<Job> {
  refuseJobs(actor)
  const job = await inTransaction(ctx, async (tx) => {
    const row = await store.projectJob(tx.db, project.id, jobId)
    if (row === undefined) throw notFound(`There is no job "${jobId.slice(0, 80)}".`)
    if (row.state === 'cancelled') return toJob(row)
    const now = tx.now()
    const ending = {
      state: 'cancelled',
      exitCode: null,
      error: `Cancelled by ${actor.name} before it started.`,
      finishedAtMs: now,
    } as const
    if (
      await store.changeQueuedJob(tx.db, jobId, {
        state: 'cancelled',
        error: ending.error,
        finished_at_ms: now,
        cancel_requested_at_ms: now,
      })
    ) {
      await jobEnded(tx, actor, row, ending)
    } else if (await store.askToCancel(tx.db, jobId, now)) {
      await recordEvent(tx, actor, { projectId: project.id, verb: 'cancelled', kind: 'job', subject: jobId })
    } else {
      const now = await getJob(tx, project.id, jobId)
      throw conflict(`The job has ended already: it is ${now.state}.`)
    }
    return getJob(tx, project.id, jobId)
  })
  ctx.runner.poke()
  return job
}

/**
 * Runs an ended job's code again with the same inputs: a new job, and for training a new run.
 * @throws AppError not_found; conflict while the job has not ended, and for a conversion (ask for the form again instead)
 */
export async function retryJob(ctx: Context, actor: Actor, project: Project, jobId: string): Promise<Job> {
  refuseJobs(actor)
  const job = await inTransaction(ctx, async (tx) => {
    const previous = await getJob(tx, project.id, jobId)
    if (!hasEnded(previous.state)) throw conflict(`The job is still ${previous.state}; cancel it first.`)
    if (previous.kind !== 'train')
      throw conflict('A conversion is repeated by asking for the ONNX form of the model version again.')
    const plan: JobPlan = {
      kind: previous.kind,
      name: previous.name,
      givenName: previous.name,
      spec: previous.spec,
      codeDigest: previous.codeDigest,
      datasetVersionId: previous.datasetVersionId,
    }
    return addJob(tx, actor, project, plan, previous)
  })
  ctx.runner.poke()
  return job
}

/** The project of a job, for work that starts from its row. */
export async function projectOfJob(ctx: Context, job: Job): Promise<Project> {
  return projectForSystem(ctx, job.projectId)
}
