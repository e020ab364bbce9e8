import type { Context } from '../../context.ts'
import { AppError, conflict } from '../../lib/errors.ts'
import { readRows, type TableColumn } from '../datasets/tables.service.ts'
import { type DatasetVersion, versionById, versionFiles } from '../datasets/versions.service.ts'
import type { ModelVersion } from '../registry/versions.service.ts'
import { type InputColumn, inputSignature } from '../serving/signature.ts'
import { getRun } from '../tracking/runs.service.ts'
import { type Job, jobById } from '../training/jobs.service.ts'
import type { PolicySpec } from './policies.service.ts'

type File = { path: string; sha256: string; sizeBytes: number }

/** The file of labelled predictions in a dataset version that a retraining trains on. */
export const FEEDBACK_FILE = 'feedback.parquet'

/** How a champion can be trained again: its own job, on its own data and what the feedback adds. */
export type RetrainingPlan = {
  champion: ModelVersion
  /** What the champion takes. */
  inputs: InputColumn[]
  job: Job
  codeDigest: string
  base: DatasetVersion
  files: File[]
  train: File
  test: File
  /** Columns of the training file, in its order. */
  columns: TableColumn[]
  /** The column that is in the training file and no input. */
  label: string
}

/**
 * Finds everything that training the champion again needs.
 * @throws AppError conflict saying what is missing (it came from no job, its data has no train or test file …)
 */
export async function planRetraining(
  ctx: Context,
  champion: ModelVersion,
  spec: Pick<PolicySpec, 'retrain'>,
): Promise<RetrainingPlan> {
  const what = `Version ${champion.version} of ${champion.name}`
  const job = await jobOf(ctx, champion, what)
  if (job.codeDigest === null || job.spec.train === null)
    throw conflict(`${what} came from a job that trains nothing, so it cannot be trained again.`)
  if (job.datasetVersionId === null)
    throw conflict(
      `${what} came from a job without a dataset version: there is nothing that feedback could be added to. Train it with one (--dataset).`,
    )
  const base = await versionById(ctx, job.datasetVersionId)
  const files = await versionFiles(ctx, base.id)
  const where = `${base.dataset}@${base.version}`
  const train = tableNamed(files, 'train')
  const test = tableNamed(files, 'test')
  if (train === undefined)
    throw conflict(`${where} has no file train.parquet or train.csv, so the label column cannot be found.`)
  if (test === undefined)
    throw conflict(
      `${where} has no file test.parquet or test.csv, so a new model could not be compared with the old one on reference rows.`,
    )
  const inputs = inputsOf(champion)
  const { columns } = await readRows(ctx, train.sha256, train.path, { limit: 1 })
  const names = new Set(inputs.map((column) => column.name))
  const others = columns.filter((column) => !names.has(column.name))
  const missing = inputs.filter((input) => !columns.some((column) => column.name === input.name))
  if (missing.length > 0)
    throw conflict(
      `${train.path} of ${where} lacks the column "${missing[0]?.name}" that ${what} takes, so predictions cannot be added to it.`,
    )
  const [label, second] = others
  if (label === undefined)
    throw conflict(`Every column of ${train.path} of ${where} is an input of ${what}: none is left to be the label.`)
  if (second !== undefined) {
    throw conflict(
      `${train.path} of ${where} has ${others.length} columns that are no inputs of ${what} (${others.map((column) => column.name).join(', ')}): exactly one must be, the label.`,
    )
  }
  assertParameters(job, spec)
  return { champion, inputs, job, codeDigest: job.codeDigest, base, files, train, test, columns, label: label.name }
}

async function jobOf(ctx: Context, champion: ModelVersion, what: string): Promise<Job> {
  const run = champion.runId === null ? null : await getRun(ctx, champion.projectId, champion.runId)
  if (run?.jobId == null)
    throw conflict(
      `${what} did not come from a job of this platform, so the platform does not know how to train it again. Train it with "trainyard run" or POST …/jobs.`,
    )
  return jobById(ctx, run.jobId)
}

function inputsOf(champion: ModelVersion): InputColumn[] {
  try {
    return inputSignature(champion).columns
  } catch (error) {
    if (error instanceof AppError) throw conflict(error.message)
    throw error
  }
}

/** A parameter the entry point does not know would only fail in the job, weeks later. */
function assertParameters(job: Job, spec: Pick<PolicySpec, 'retrain'>): void {
  const known = Object.keys(job.spec.train?.parameters ?? {})
  for (const name of Object.keys(spec.retrain.parameters)) {
    if (!known.includes(name))
      throw conflict(
        `The champion's job has no parameter "${name}" (it has ${known.join(', ')}).`,
        'body.retrain.parameters',
      )
  }
}

function tableNamed(files: File[], stem: string): File | undefined {
  return files.find((file) => new RegExp(`^${stem}\\.(parquet|csv|csv\\.gz|tsv|jsonl|ndjson)$`, 'i').test(file.path))
}
