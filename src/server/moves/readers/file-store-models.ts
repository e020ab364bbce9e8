import type { Meta } from '../meta-yaml.ts'
import {
  type Experiment,
  type LoggedModel,
  MODEL_STATUSES,
  type ModelPoint,
  type ModelVersion,
  type RegisteredModel,
} from '../types.ts'
import { lifecycleOf, textOf, textOrNull, timeOf, versionStatusOf } from './fields.ts'
import type { FileStore } from './file-store.ts'
import { pointsOfFile } from './metric-lines.ts'

/** Logged models (`<experiment>/models/m-…`) and registered models (`models/<name>`) of an `mlruns` folder. */

export async function* loggedModelsIn(store: FileStore, experiment: Experiment): AsyncIterable<LoggedModel> {
  const place = [...store.place(experiment.id), 'models']
  for (const name of await store.folder.list('folder', ...place)) {
    const at = [...place, name]
    const meta = await store.meta(...at)
    if (meta === null) continue
    if (textOf(meta.model_id) !== name) {
      store.report.problem(
        `${at.join('/')}/meta.yaml`,
        `it names the model "${textOf(meta.model_id)}"; it was left out`,
      )
      continue
    }
    const createdAtMs = timeOf(meta.creation_timestamp) ?? 0
    yield {
      id: name,
      experimentId: experiment.id,
      name: textOf(meta.name),
      modelType: textOrNull(meta.model_type),
      sourceRunId: textOrNull(meta.source_run_id),
      status: modelStatus(meta.status),
      lifecycle: lifecycleOf(meta.lifecycle_stage),
      artifactUri: textOf(meta.artifact_location) || [store.folder.root, ...at, 'artifacts'].join('/'),
      createdAtMs,
      updatedAtMs: timeOf(meta.last_updated_timestamp) ?? createdAtMs,
      params: await store.pairs(...at, 'params'),
      tags: await store.pairs(...at, 'tags'),
      metrics: await modelPoints(store, [...at, 'metrics']),
    }
  }
}

/** By number, or by name with or without its long prefix. */
export function modelStatus(value: unknown): LoggedModel['status'] {
  const text = textOf(value)
  for (const [name, number] of Object.entries(MODEL_STATUSES) as [LoggedModel['status'], number][]) {
    if (text === String(number) || text === name || `LOGGED_MODEL_${text}` === name) return name
  }
  return text === 'FAILED' ? 'LOGGED_MODEL_UPLOAD_FAILED' : 'LOGGED_MODEL_PENDING'
}

/** Points measured on a model are few (one an evaluation); more than this is no such thing. */
const MODEL_POINTS_MAX = 100_000

async function modelPoints(store: FileStore, at: string[]): Promise<ModelPoint[]> {
  const points: ModelPoint[] = []
  for await (const { path } of store.folder.walk(...at)) {
    for await (const { point, more } of pointsOfFile(store, at, path, [4, 6])) {
      const [runId = '', datasetName = null, datasetDigest = null] = more
      points.push({ ...point, runId, datasetName, datasetDigest })
      if (points.length < MODEL_POINTS_MAX) continue
      store.report.problem(at.join('/'), `only its first ${MODEL_POINTS_MAX} points were imported`)
      return points
    }
  }
  return points
}

export async function* registeredModelsIn(store: FileStore): AsyncIterable<RegisteredModel> {
  for (const folder of await store.folder.list('folder', 'models')) {
    const meta = await store.meta('models', folder)
    if (meta === null) continue
    const name = textOf(meta.name)
    if (name !== folder) {
      store.report.problem(`models/${folder}/meta.yaml`, `it names the model "${name}"; it was left out`)
      continue
    }
    const versions: ModelVersion[] = []
    let lastVersion = 0
    for (const below of await store.folder.list('folder', 'models', folder)) {
      const number = Number(/^version-(\d{1,9})$/.exec(below)?.[1] ?? 0)
      if (number === 0) continue
      lastVersion = Math.max(lastVersion, number)
      const found = await store.meta('models', folder, below)
      // A deleted version stays as an empty shell that nobody can restore; only its number counts.
      if (found === null || textOf(found.current_stage) === 'Deleted_Internal') continue
      versions.push({ ...versionOf(found, number), tags: await store.pairs('models', folder, below, 'tags') })
    }
    const createdAtMs = timeOf(meta.creation_timestamp) ?? 0
    const aliases = await store.pairs('models', folder, 'aliases')
    yield {
      name,
      description: textOf(meta.description),
      createdAtMs,
      updatedAtMs: timeOf(meta.last_updated_timestamp) ?? createdAtMs,
      tags: await store.pairs('models', folder, 'tags'),
      aliases: aliases.map(({ key, value }) => ({ alias: key, version: Number(value) })),
      versions: versions.sort((a, b) => a.version - b.version),
      lastVersion,
    }
  }
}

function versionOf(meta: Meta, version: number): Omit<ModelVersion, 'tags'> {
  const createdAtMs = timeOf(meta.creation_timestamp) ?? 0
  return {
    version,
    source: textOf(meta.source),
    storageLocation: textOrNull(meta.storage_location),
    runId: textOrNull(meta.run_id),
    loggedModelId: textOrNull(meta.model_id),
    runLink: textOf(meta.run_link),
    description: textOf(meta.description),
    stage: textOf(meta.current_stage) || 'None',
    status: versionStatusOf(meta.status),
    userName: textOf(meta.user_id),
    createdAtMs,
    updatedAtMs: timeOf(meta.last_updated_timestamp) ?? createdAtMs,
  }
}
