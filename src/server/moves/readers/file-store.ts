import { errorMessage } from '../../../lib/errors.ts'
import { type Meta, parseMeta } from '../meta-yaml.ts'
import type { Report } from '../report.ts'
import {
  batches,
  type DatasetInput,
  type Experiment,
  type Lifecycle,
  type Pair,
  POINTS_PER_BATCH,
  type Point,
  type Reader,
  type Run,
} from '../types.ts'
import { ArtifactFolders } from './artifact-folders.ts'
import { lifecycleOf, runStatusOf, textOf, textOrNull, timeOf } from './fields.ts'
import { loggedModelsIn, registeredModelsIn } from './file-store-models.ts'
import { pointsOfFile } from './metric-lines.ts'
import { SafeFolder } from './safe-folder.ts'

/** A dataset's profile may have 16 MiB; nothing else comes near it. */
const META_MAX_BYTES = 40 * 1024 * 1024
const VALUE_MAX_BYTES = 16 * 1024 * 1024
/** Folders of an experiment that are no runs. */
const NO_RUNS = new Set(['tags', 'datasets', 'traces', 'models'])

/** An open `mlruns` folder. */
export class FileStore {
  readonly folder: SafeFolder
  readonly report: Report
  readonly artifacts: ArtifactFolders
  /** Where an experiment lies: below the root, or in `.trash`. */
  readonly places = new Map<string, string[]>()

  constructor(folder: SafeFolder, artifacts: ArtifactFolders, report: Report) {
    this.folder = folder
    this.artifacts = artifacts
    this.report = report
  }

  /** The `meta.yaml` of a folder; null when it is missing or malformed, which is reported with its name. */
  async meta(...parts: string[]): Promise<Meta | null> {
    const name = [...parts, 'meta.yaml'].join('/')
    try {
      const text = await this.folder.text(META_MAX_BYTES, ...parts, 'meta.yaml')
      if (text === null) this.report.problem(name, 'it is missing, so what lies in its folder was left out')
      return text === null ? null : parseMeta(text)
    } catch (error) {
      this.report.problem(name, `it is malformed (${errorMessage(error)}), so what lies in its folder was left out`)
      return null
    }
  }

  /** Params or tags: a file each, the key is its path. */
  async pairs(...parts: string[]): Promise<Pair[]> {
    const pairs: Pair[] = []
    for await (const { path } of this.folder.walk(...parts)) {
      try {
        const value = await this.folder.text(VALUE_MAX_BYTES, ...parts, path)
        if (value !== null) pairs.push({ key: path, value })
      } catch (error) {
        this.report.problem([...parts, path].join('/'), errorMessage(error))
      }
    }
    return pairs.sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  place(experimentId: string): string[] {
    return this.places.get(experimentId) ?? [experimentId]
  }
}

/** @throws Error when there is no such folder, or nothing of MLflow in it */
export async function fileStoreReader(path: string, roots: readonly SafeFolder[], report: Report): Promise<Reader> {
  const folder = await SafeFolder.open(path, (at, why) => report.problem(at, why))
  const store = new FileStore(folder, new ArtifactFolders([folder, ...roots], report), report)
  return {
    what: `the folder ${path}`,
    readsEveryStore: false,
    experiments: () => experimentsIn(store),
    loggedModels: (experiment) => loggedModelsIn(store, experiment),
    runs: (experiment) => runsIn(store, experiment),
    points: (run) => batches(pointsIn(store, run), POINTS_PER_BATCH),
    runArtifacts: (run) => store.artifacts.at(run.artifactUri, run.id),
    modelArtifacts: (model) => store.artifacts.at(model.artifactUri, model.id),
    registeredModels: () => registeredModelsIn(store),
    close: async () => {},
  }
}

async function* experimentsIn(store: FileStore): AsyncIterable<Experiment> {
  for (const [above, lifecycle] of [
    [[], 'active'],
    [['.trash'], 'deleted'],
  ] as [string[], Lifecycle][]) {
    for (const name of await store.folder.list('folder', ...above)) {
      if (name === '.trash' || name === 'models') continue
      const place = [...above, name]
      const meta = await store.meta(...place)
      if (meta === null) continue
      const id = textOf(meta.experiment_id)
      if (id !== name) {
        store.report.problem(`${place.join('/')}/meta.yaml`, `it names experiment "${id}"; the experiment was left out`)
        continue
      }
      await countTraces(store, place)
      store.places.set(id, place)
      const createdAtMs = timeOf(meta.creation_time) ?? 0
      yield {
        id,
        name: textOf(meta.name),
        artifactLocation: textOf(meta.artifact_location),
        lifecycle,
        createdAtMs,
        updatedAtMs: timeOf(meta.last_update_time) ?? createdAtMs,
        tags: await store.pairs(...place, 'tags'),
      }
    }
  }
}

async function countTraces(store: FileStore, place: string[]): Promise<void> {
  const traces = await store.folder.list('folder', ...place, 'traces')
  if (traces.length > 0) store.report.problem(place.join('/'), `${traces.length} traces were not imported`)
}

async function* runsIn(store: FileStore, experiment: Experiment): AsyncIterable<Run> {
  const place = store.place(experiment.id)
  for (const name of await store.folder.list('folder', ...place)) {
    if (NO_RUNS.has(name)) continue
    const at = [...place, name]
    const meta = await store.meta(...at)
    if (meta === null) continue
    const id = textOf(meta.run_id ?? meta.run_uuid)
    if (id !== name) {
      store.report.problem(`${at.join('/')}/meta.yaml`, `it names run "${id}"; the run was left out`)
      continue
    }
    const tags = await store.pairs(...at, 'tags')
    yield {
      id,
      experimentId: experiment.id,
      name: textOf(meta.run_name ?? meta.name) || (tags.find((tag) => tag.key === 'mlflow.runName')?.value ?? ''),
      userName: textOf(meta.user_id),
      status: runStatusOf(meta.status),
      startedAtMs: timeOf(meta.start_time) ?? 0,
      endedAtMs: timeOf(meta.end_time),
      lifecycle: lifecycleOf(meta.lifecycle_stage),
      deletedAtMs: timeOf(meta.deleted_time),
      artifactUri: textOf(meta.artifact_uri) || [store.folder.root, ...at, 'artifacts'].join('/'),
      params: await store.pairs(...at, 'params'),
      tags,
      ...(await linksOf(store, place, at)),
      pointsMark: await sizesOf(store, at),
    }
  }
}

async function sizesOf(store: FileStore, at: string[]): Promise<string> {
  const sizes: string[] = []
  for await (const { path, sizeBytes } of store.folder.walk(...at, 'metrics')) sizes.push(`${path}:${sizeBytes}`)
  return sizes.sort().join()
}

type Links = Pick<Run, 'inputs' | 'inputModels' | 'outputModels'>

async function linksOf(store: FileStore, experiment: string[], at: string[]): Promise<Links> {
  const links: Links = { inputs: [], inputModels: [], outputModels: [] }
  for (const name of await store.folder.list('folder', ...at, 'inputs')) {
    const meta = await store.meta(...at, 'inputs', name)
    if (meta === null) continue
    if (textOf(meta.source_type) === 'MODEL') links.inputModels.push(textOf(meta.source_id))
    else {
      const dataset = await datasetOf(store, experiment, textOf(meta.source_id))
      if (dataset !== null) links.inputs.push({ ...dataset, tags: tagsOf(meta.tags) })
    }
  }
  for (const name of await store.folder.list('folder', ...at, 'outputs')) {
    const meta = await store.meta(...at, 'outputs', name)
    if (meta !== null) links.outputModels.push({ modelId: name, step: timeOf(meta.step) ?? 0 })
  }
  return links
}

function tagsOf(value: Meta[string] | undefined): Pair[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  return Object.entries(value).map(([key, text]) => ({ key, value: textOf(text) }))
}

async function datasetOf(
  store: FileStore,
  experiment: string[],
  id: string,
): Promise<Omit<DatasetInput, 'tags'> | null> {
  if (!/^[\w-]{1,64}$/.test(id)) {
    store.report.problem(experiment.join('/'), `a run names the dataset "${id}", which can be no folder`)
    return null
  }
  const meta = await store.meta(...experiment, 'datasets', id)
  if (meta === null) return null
  return {
    name: textOf(meta.name),
    digest: textOf(meta.digest),
    sourceType: textOf(meta.source_type),
    source: textOf(meta.source),
    schema: textOrNull(meta.schema),
    profile: textOrNull(meta.profile),
  }
}

async function* pointsIn(store: FileStore, run: Run): AsyncIterable<Point> {
  const at = [...store.place(run.experimentId), run.id, 'metrics']
  for await (const { path } of store.folder.walk(...at)) {
    for await (const { point } of pointsOfFile(store, at, path, [2, 3, 5])) yield point
  }
}
