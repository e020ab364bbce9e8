import type { Readable } from 'node:stream'

/** What is in an MLflow store, whichever kind it is: readers yield it, writers take it. */

export type Pair = { key: string; value: string }
export type Lifecycle = 'active' | 'deleted'
export const RUN_STATUSES = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'] as const
export type RunStatus = (typeof RUN_STATUSES)[number]

export type Experiment = {
  id: string
  name: string
  artifactLocation: string
  lifecycle: Lifecycle
  createdAtMs: number
  updatedAtMs: number
  tags: Pair[]
}

export type DatasetInput = {
  name: string
  digest: string
  sourceType: string
  source: string
  schema: string | null
  profile: string | null
  tags: Pair[]
}

export type Run = {
  id: string
  experimentId: string
  name: string
  userName: string
  status: RunStatus
  startedAtMs: number
  endedAtMs: number | null
  lifecycle: Lifecycle
  deletedAtMs: number | null
  artifactUri: string
  params: Pair[]
  tags: Pair[]
  inputs: DatasetInput[]
  inputModels: string[]
  outputModels: { modelId: string; step: number | bigint }[]
  /** Changes when points were added: a count, sizes of files, or the latest values. */
  pointsMark: string
}

/** `value` may be NaN or infinite; `step` and the time may go beyond 2^53. */
export type Point = { key: string; value: number; timestampMs: number | bigint; step: number | bigint }
export type ModelPoint = Point & { runId: string; datasetName: string | null; datasetDigest: string | null }

export const MODEL_STATUSES = {
  LOGGED_MODEL_PENDING: 1,
  LOGGED_MODEL_READY: 2,
  LOGGED_MODEL_UPLOAD_FAILED: 3,
} as const

export type LoggedModel = {
  id: string
  experimentId: string
  name: string
  modelType: string | null
  sourceRunId: string | null
  status: keyof typeof MODEL_STATUSES
  lifecycle: Lifecycle
  artifactUri: string
  createdAtMs: number
  updatedAtMs: number
  params: Pair[]
  tags: Pair[]
  metrics: ModelPoint[]
}

export type ModelVersion = {
  version: number
  source: string
  /** Where the source's files are, when it only refers to them (`models:/m-…`). */
  storageLocation: string | null
  runId: string | null
  loggedModelId: string | null
  runLink: string
  description: string
  stage: string
  status: 'READY' | 'PENDING_REGISTRATION' | 'FAILED_REGISTRATION'
  userName: string
  createdAtMs: number
  updatedAtMs: number
  tags: Pair[]
}

export type RegisteredModel = {
  name: string
  description: string
  createdAtMs: number
  updatedAtMs: number
  tags: Pair[]
  aliases: { alias: string; version: number }[]
  versions: ModelVersion[]
  /** The highest number ever given, deleted versions' too. */
  lastVersion: number
}

/** A file of a run or logged model; `path` is relative to its artifact root and not checked yet. */
export type ArtifactFile = {
  path: string
  sizeBytes: number
  /** 0 when it is not known. */
  modifiedAtMs: number
  open(): Promise<Readable>
}

/** Files of a thing; `elsewhere`: they lie in a store that this program cannot read, and why. */
export type Artifacts = { files: AsyncIterable<ArtifactFile> } | { elsewhere: string }

/** Yields an MLflow store piece by piece; never holds more than one run's parameters or one batch of points. */
export type Reader = {
  /** For messages: `the folder /x/mlruns`. */
  what: string
  /** Whether it gets at artifacts wherever they lie: a server reads them for us. */
  readsEveryStore: boolean
  experiments(): AsyncIterable<Experiment>
  loggedModels(experiment: Experiment): AsyncIterable<LoggedModel>
  runs(experiment: Experiment): AsyncIterable<Run>
  /** In batches of at most 1000. */
  points(run: Run): AsyncIterable<Point[]>
  runArtifacts(run: Run): Promise<Artifacts>
  modelArtifacts(model: LoggedModel): Promise<Artifacts>
  registeredModels(): AsyncIterable<RegisteredModel>
  close(): Promise<void>
}

/** Something that a store holds or a server answers is not what it should be: said in the report, and the rest goes on. */
export class SourceError extends Error {}

/** Batches of at most `size` of a stream of single things. */
export async function* batches<T>(items: AsyncIterable<T> | Iterable<T>, size: number): AsyncIterable<T[]> {
  let batch: T[] = []
  for await (const item of items) {
    batch.push(item)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

export const POINTS_PER_BATCH = 1_000
