import { createHash } from 'node:crypto'
import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errorMessage } from '../../../lib/errors.ts'
import { pathSegments } from '../../../lib/relative-path.ts'
import type { Writer } from '../export.service.ts'
import { metaText } from '../meta-yaml.ts'
import type { Report } from '../report.ts'
import {
  type Experiment,
  type LoggedModel,
  MODEL_STATUSES,
  type ModelPoint,
  type ModelVersion,
  type Pair,
  type Point,
  type RegisteredModel,
  RUN_STATUSES,
  type Run,
} from '../types.ts'

/** Writes an `mlruns` folder as MLflow's file store does. */
export class FileStoreWriter implements Writer {
  readonly #folder: string
  readonly #finalFolder: string
  readonly #report: Report

  /** @param folder to write to; @param finalFolder where it will be, which is what the store says of its artifacts */
  constructor(folder: string, finalFolder: string, report: Report) {
    this.#folder = folder
    this.#finalFolder = finalFolder
    this.#report = report
  }

  artifactFolder(experiment: Experiment, below: readonly string[]): string {
    return join(this.#place(experiment), ...below)
  }

  /** A deleted experiment's place is in `.trash` until it is restored, but it is called as before. */
  artifactUri(experimentId: string, below: readonly string[]): string {
    return join(this.#finalFolder, experimentId, ...below)
  }

  #place(experiment: Experiment): string {
    return join(this.#folder, ...(experiment.lifecycle === 'deleted' ? ['.trash'] : []), experiment.id)
  }

  async #meta(folder: string, values: Readonly<Record<string, unknown>>): Promise<void> {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'meta.yaml'), metaText(values))
  }

  /** A file each. A key that is a folder's name at once (`a` and `a/b`) has no place in a file store. */
  async #pairs(folder: string, pairs: readonly Pair[], where: string): Promise<void> {
    await mkdir(folder, { recursive: true })
    for (const { key, value } of pairs) await this.#write(folder, key, value, where, writeFile)
  }

  async #write(folder: string, key: string, text: string, where: string, how: typeof writeFile | typeof appendFile) {
    try {
      const path = join(folder, ...pathSegments(key, 'key'))
      await mkdir(dirname(path), { recursive: true })
      await how(path, text)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw error
      this.#report.problem(where, `"${key}" cannot be a file, so it was not exported: ${errorMessage(error)}`)
    }
  }

  async experiment(experiment: Experiment): Promise<void> {
    const place = this.#place(experiment)
    await this.#meta(place, {
      artifact_location: experiment.artifactLocation,
      creation_time: experiment.createdAtMs,
      experiment_id: experiment.id,
      last_update_time: experiment.updatedAtMs,
      lifecycle_stage: experiment.lifecycle,
      name: experiment.name,
    })
    await this.#pairs(join(place, 'tags'), experiment.tags, `experiment ${experiment.id}`)
  }

  async run(experiment: Experiment, run: Run): Promise<void> {
    const place = join(this.#place(experiment), run.id)
    await this.#meta(place, {
      artifact_uri: run.artifactUri,
      ...(run.lifecycle === 'deleted' ? { deleted_time: run.deletedAtMs } : {}),
      end_time: run.endedAtMs,
      entry_point_name: '',
      experiment_id: experiment.id,
      lifecycle_stage: run.lifecycle,
      run_id: run.id,
      run_name: run.name,
      run_uuid: run.id,
      source_name: '',
      source_type: 4,
      source_version: '',
      start_time: run.startedAtMs,
      status: RUN_STATUSES.indexOf(run.status) + 1,
      tags: [],
      user_id: run.userName,
    })
    for (const folder of ['metrics', 'artifacts']) await mkdir(join(place, folder), { recursive: true })
    await this.#pairs(join(place, 'params'), run.params, `run ${run.id}`)
    await this.#pairs(join(place, 'tags'), run.tags, `run ${run.id}`)
    await this.#links(this.#place(experiment), place, run)
  }

  async #links(experiment: string, place: string, run: Run): Promise<void> {
    for (const input of run.inputs) {
      const { name, digest, profile, schema, source } = input
      const dataset = md5(name, digest)
      await this.#meta(join(experiment, 'datasets', dataset), {
        digest,
        name,
        profile,
        schema,
        source,
        source_type: input.sourceType,
      })
      await this.#meta(join(place, 'inputs', md5(dataset, run.id)), {
        destination_id: dataset,
        destination_type: 'RUN',
        source_id: dataset,
        source_type: 'DATASET',
        tags: Object.fromEntries(input.tags.map((tag) => [tag.key, tag.value])),
      })
    }
    for (const id of run.inputModels) {
      const ends = { destination_id: id, destination_type: 'RUN', source_id: id, source_type: 'MODEL' }
      await this.#meta(join(place, 'inputs', md5(id, run.id)), { ...ends, tags: {} })
    }
    for (const { modelId, step } of run.outputModels) {
      const ends = {
        destination_id: modelId,
        destination_type: 'MODEL_OUTPUT',
        source_id: modelId,
        source_type: 'RUN_OUTPUT',
      }
      await this.#meta(join(place, 'outputs', modelId), { ...ends, step, tags: {} })
    }
  }

  async points(experiment: Experiment, run: Run, points: readonly Point[]): Promise<void> {
    const folder = join(this.#place(experiment), run.id, 'metrics')
    for (const [key, ofKey] of Map.groupBy(points, (point) => point.key)) {
      const lines = ofKey.map((point) => `${point.timestampMs} ${point.value} ${point.step}\n`)
      await this.#write(folder, key, lines.join(''), `run ${run.id}`, appendFile)
    }
  }

  async loggedModel(experiment: Experiment, model: LoggedModel): Promise<void> {
    const place = join(this.#place(experiment), 'models', model.id)
    const where = `logged model ${model.id}`
    await this.#meta(place, {
      artifact_location: model.artifactUri,
      creation_timestamp: model.createdAtMs,
      experiment_id: experiment.id,
      last_updated_timestamp: model.updatedAtMs,
      lifecycle_stage: model.lifecycle,
      model_id: model.id,
      model_type: model.modelType,
      name: model.name,
      source_run_id: model.sourceRunId,
      status: MODEL_STATUSES[model.status],
      status_message: null,
    })
    await this.#pairs(join(place, 'params'), model.params, where)
    await this.#pairs(join(place, 'tags'), model.tags, where)
    await mkdir(join(place, 'metrics'), { recursive: true })
    for (const metric of model.metrics)
      await this.#write(join(place, 'metrics'), metric.key, lineOf(metric), where, appendFile)
  }

  async registeredModel(model: RegisteredModel): Promise<void> {
    const place = join(this.#folder, 'models', ...pathSegments(model.name, 'name'))
    const where = `registered model "${model.name}"`
    await this.#meta(place, {
      aliases: Object.fromEntries(model.aliases.map(({ alias, version }) => [alias, String(version)])),
      creation_timestamp: model.createdAtMs,
      description: model.description || null,
      last_updated_timestamp: model.updatedAtMs,
      name: model.name,
    })
    await this.#pairs(join(place, 'tags'), model.tags, where)
    const aliases = model.aliases.map(({ alias, version }) => ({ key: alias, value: String(version) }))
    await this.#pairs(join(place, 'aliases'), aliases, where)
    for (const version of model.versions) {
      const folder = join(place, `version-${version.version}`)
      await this.#meta(folder, versionMeta(model.name, version))
      await this.#pairs(join(folder, 'tags'), version.tags, where)
    }
  }
}

function versionMeta(name: string, version: ModelVersion): Record<string, unknown> {
  return {
    creation_timestamp: version.createdAtMs,
    current_stage: version.stage,
    description: version.description || null,
    last_updated_timestamp: version.updatedAtMs,
    model_id: version.loggedModelId,
    name,
    run_id: version.runId,
    run_link: version.runLink || null,
    source: version.source,
    status: version.status,
    status_message: null,
    storage_location: version.storageLocation,
    user_id: version.userName || null,
    version: version.version,
  }
}

/** Fields are parted by spaces, so a dataset whose name has one cannot be told. */
function lineOf(metric: ModelPoint): string {
  const { datasetName, datasetDigest } = metric
  const isTold = datasetName !== null && datasetDigest !== null && !/\s/.test(datasetName + datasetDigest)
  const dataset = isTold ? ` ${datasetName} ${datasetDigest}` : ''
  return `${metric.timestampMs} ${metric.value} ${metric.step} ${metric.runId}${dataset}\n`
}

/** MLflow's own name of a dataset and of its use. */
function md5(...parts: string[]): string {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part, 'utf8')
  return hash.digest('hex')
}
