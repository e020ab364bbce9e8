import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Writer } from '../export.service.ts'
import type { Report } from '../report.ts'
import {
  type Experiment,
  type LoggedModel,
  MODEL_STATUSES,
  type ModelVersion,
  type Point,
  type RegisteredModel,
  type Run,
} from '../types.ts'
import type { NewDatabase } from './new-database.store.ts'

/** MLflow's only workspace of a store that has none. */
const WORKSPACE = 'default'

/** Writes an MLflow database, and the artifacts into a folder beside it. */
export class SqliteWriter implements Writer {
  readonly #db: NewDatabase
  readonly #folder: string
  readonly #finalFolder: string
  readonly #report: Report

  /** @param folder for artifacts; @param finalFolder where it will be, which is what the database says */
  constructor(db: NewDatabase, folder: string, finalFolder: string, report: Report) {
    this.#db = db
    this.#folder = folder
    this.#finalFolder = finalFolder
    this.#report = report
    db.insert('workspaces', { name: WORKSPACE, description: 'Default workspace for legacy resources' })
  }

  artifactFolder(experiment: Experiment, below: readonly string[]): string {
    return join(this.#folder, experiment.id, ...below)
  }

  artifactUri(experimentId: string, below: readonly string[]): string {
    return join(this.#finalFolder, experimentId, ...below)
  }

  async experiment(experiment: Experiment): Promise<void> {
    const experiment_id = BigInt(experiment.id)
    this.#db.insert('experiments', {
      experiment_id,
      name: experiment.name,
      artifact_location: experiment.artifactLocation,
      lifecycle_stage: experiment.lifecycle,
      creation_time: experiment.createdAtMs,
      last_update_time: experiment.updatedAtMs,
      workspace: WORKSPACE,
    })
    for (const { key, value } of experiment.tags) this.#db.insert('experiment_tags', { key, value, experiment_id })
  }

  async run(experiment: Experiment, run: Run): Promise<void> {
    this.#db.insert('runs', {
      run_uuid: run.id,
      name: run.name,
      source_type: 'UNKNOWN',
      source_name: '',
      entry_point_name: '',
      user_id: run.userName,
      status: run.status,
      start_time: run.startedAtMs,
      end_time: run.endedAtMs,
      source_version: '',
      lifecycle_stage: run.lifecycle,
      artifact_uri: run.artifactUri,
      experiment_id: BigInt(experiment.id),
      deleted_time: run.lifecycle === 'deleted' ? run.deletedAtMs : null,
    })
    for (const { key, value } of run.params) this.#db.insert('params', { key, value, run_uuid: run.id })
    for (const { key, value } of run.tags) this.#db.insert('tags', { key, value, run_uuid: run.id })
    this.#links(experiment, run)
  }

  #links(experiment: Experiment, run: Run): void {
    const link = (ends: Record<string, string>, step: number | bigint) => {
      const input_uuid = md5(...Object.values(ends))
      this.#db.insert('inputs', { input_uuid, ...ends, step })
      return input_uuid
    }
    for (const input of run.inputs) {
      const dataset_uuid = md5(experiment.id, input.name, input.digest)
      this.#db.insert('datasets', {
        dataset_uuid,
        experiment_id: BigInt(experiment.id),
        name: input.name,
        digest: input.digest,
        dataset_source_type: input.sourceType,
        dataset_source: input.source,
        dataset_schema: input.schema,
        dataset_profile: input.profile,
      })
      const ends = { source_type: 'DATASET', source_id: dataset_uuid, destination_type: 'RUN', destination_id: run.id }
      const input_uuid = link(ends, 0)
      for (const { key, value } of input.tags) this.#db.insert('input_tags', { input_uuid, name: key, value })
    }
    for (const destination_id of run.inputModels)
      link({ source_type: 'RUN_INPUT', source_id: run.id, destination_type: 'MODEL_INPUT', destination_id }, 0)
    for (const { modelId, step } of run.outputModels)
      link(
        { source_type: 'RUN_OUTPUT', source_id: run.id, destination_type: 'MODEL_OUTPUT', destination_id: modelId },
        step,
      )
  }

  async points(_experiment: Experiment, run: Run, points: readonly Point[]): Promise<void> {
    for (const point of points) {
      const row = {
        key: point.key,
        value: storedValue(point.value),
        timestamp: point.timestampMs,
        step: point.step,
        is_nan: Number.isNaN(point.value) ? 1 : 0,
        run_uuid: run.id,
      }
      this.#db.insert('metrics', row)
      this.#db.raise('latest_metrics', row, ['key', 'run_uuid'], ['step', 'timestamp', 'value'])
    }
  }

  async loggedModel(experiment: Experiment, model: LoggedModel): Promise<void> {
    const of = { model_id: model.id, experiment_id: BigInt(experiment.id) }
    this.#db.insert('logged_models', {
      ...of,
      name: model.name,
      artifact_location: model.artifactUri,
      creation_timestamp_ms: model.createdAtMs,
      last_updated_timestamp_ms: model.updatedAtMs,
      status: MODEL_STATUSES[model.status],
      lifecycle_stage: model.lifecycle,
      model_type: model.modelType,
      source_run_id: model.sourceRunId,
      status_message: null,
    })
    for (const { key, value } of model.params)
      this.#db.insert('logged_model_params', { ...of, param_key: key, param_value: value })
    for (const { key, value } of model.tags)
      this.#db.insert('logged_model_tags', { ...of, tag_key: key, tag_value: value })
    for (const metric of model.metrics) {
      if (Number.isNaN(metric.value))
        this.#report.problem(
          `logged model ${model.id}`,
          `NaN of "${metric.key}" became 0: MLflow's tables cannot tell it`,
        )
      this.#db.insert('logged_model_metrics', {
        ...of,
        metric_name: metric.key,
        metric_timestamp_ms: metric.timestampMs,
        metric_step: metric.step,
        metric_value: storedValue(metric.value),
        run_id: metric.runId,
        dataset_uuid: null,
        dataset_name: metric.datasetName,
        dataset_digest: metric.datasetDigest,
      })
    }
  }

  async registeredModel(model: RegisteredModel): Promise<void> {
    const of = { name: model.name, workspace: WORKSPACE }
    this.#db.insert('registered_models', {
      ...of,
      creation_time: model.createdAtMs,
      last_updated_time: model.updatedAtMs,
      description: model.description,
    })
    for (const { key, value } of model.tags) this.#db.insert('registered_model_tags', { ...of, key, value })
    for (const version of model.versions) this.#version(of, version)
    for (const { alias, version } of model.aliases)
      this.#db.insert('registered_model_aliases', { ...of, alias, version })
  }

  #version(of: { name: string; workspace: string }, version: ModelVersion): void {
    this.#db.insert('model_versions', {
      ...of,
      version: version.version,
      creation_time: version.createdAtMs,
      last_updated_time: version.updatedAtMs,
      description: version.description,
      user_id: version.userName,
      current_stage: version.stage,
      source: version.source,
      run_id: version.runId,
      status: version.status,
      status_message: null,
      run_link: version.runLink,
      storage_location: version.storageLocation,
    })
    for (const { key, value } of version.tags)
      this.#db.insert('model_version_tags', { ...of, version: version.version, key, value })
  }
}

/** SQLite has no NaN, and MLflow writes infinity as the greatest number. */
function storedValue(value: number): number {
  if (Number.isNaN(value)) return 0
  return Math.min(Math.max(value, -Number.MAX_VALUE), Number.MAX_VALUE)
}

function md5(...parts: string[]): string {
  return createHash('md5').update(parts.join('\n'), 'utf8').digest('hex')
}
