import {
  type DatasetInput,
  type Experiment,
  type LoggedModel,
  type ModelVersion,
  type Pair,
  type Run,
  SourceError,
} from '../types.ts'
import { doubleOf, int64Of, lifecycleOf, runStatusOf, textOf, textOrNull, timeOf, versionStatusOf } from './fields.ts'
import { modelStatus } from './file-store-models.ts'
import type { Message } from './rest-client.ts'

/** MLflow's REST messages as things of a store. Unset fields are absent in them. */

export function list(value: unknown): Message[] {
  if (!Array.isArray(value)) return []
  return value.filter((item): item is Message => typeof item === 'object' && item !== null && !Array.isArray(item))
}

/** All of a search, page by page. */
export async function* pages(
  ask: (token: string | undefined) => Promise<Message>,
  field: string,
): AsyncIterable<Message> {
  const seen = new Set<string>()
  for (let token: string | undefined; ; ) {
    const answer = await ask(token)
    yield* list(answer[field])
    token = textOf(answer.next_page_token) || undefined
    if (token === undefined) return
    if (seen.has(token)) throw new SourceError(`The server gave the same page of ${field} twice.`)
    seen.add(token)
  }
}

function inner(value: unknown): Message {
  return list([value])[0] ?? {}
}

export function pairsOf(value: unknown): Pair[] {
  const pairs = list(value).map((pair) => ({ key: textOf(pair.key), value: textOf(pair.value) }))
  return pairs.sort((a, b) => (a.key < b.key ? -1 : 1))
}

export function experimentOf(message: Message): Experiment {
  const createdAtMs = timeOf(message.creation_time) ?? 0
  return {
    id: textOf(message.experiment_id),
    name: textOf(message.name),
    artifactLocation: textOf(message.artifact_location),
    lifecycle: lifecycleOf(message.lifecycle_stage),
    createdAtMs,
    updatedAtMs: timeOf(message.last_update_time) ?? createdAtMs,
    tags: pairsOf(message.tags),
  }
}

export function runOf(message: Message): Run {
  const [info, data] = [inner(message.info), inner(message.data)]
  const tags = pairsOf(data.tags)
  const latest = list(data.metrics).map((metric) => `${metric.key}:${metric.step}:${metric.timestamp}:${metric.value}`)
  return {
    id: textOf(info.run_id) || textOf(info.run_uuid),
    experimentId: textOf(info.experiment_id),
    name: textOf(info.run_name) || (tags.find((tag) => tag.key === 'mlflow.runName')?.value ?? ''),
    userName: textOf(info.user_id),
    status: runStatusOf(info.status),
    startedAtMs: timeOf(info.start_time) ?? 0,
    endedAtMs: timeOf(info.end_time),
    lifecycle: lifecycleOf(info.lifecycle_stage),
    deletedAtMs: null,
    artifactUri: textOf(info.artifact_uri),
    params: pairsOf(data.params),
    tags,
    inputs: list(inner(message.inputs).dataset_inputs).map(inputOf),
    inputModels: list(inner(message.inputs).model_inputs).map((model) => textOf(model.model_id)),
    outputModels: list(inner(message.outputs).model_outputs).map((model) => ({
      modelId: textOf(model.model_id),
      step: int64Of(model.step ?? 0, 'the step'),
    })),
    pointsMark: latest.sort().join(),
  }
}

function inputOf(message: Message): DatasetInput {
  const dataset = inner(message.dataset)
  return {
    name: textOf(dataset.name),
    digest: textOf(dataset.digest),
    sourceType: textOf(dataset.source_type),
    source: textOf(dataset.source),
    schema: textOrNull(dataset.schema),
    profile: textOrNull(dataset.profile),
    tags: pairsOf(message.tags),
  }
}

export function loggedModelOf(message: Message): LoggedModel {
  const [info, data] = [inner(message.info), inner(message.data)]
  const createdAtMs = timeOf(info.creation_timestamp_ms) ?? 0
  return {
    id: textOf(info.model_id),
    experimentId: textOf(info.experiment_id),
    name: textOf(info.name),
    modelType: textOrNull(info.model_type),
    sourceRunId: textOrNull(info.source_run_id),
    status: modelStatus(info.status),
    lifecycle: 'active',
    artifactUri: textOf(info.artifact_uri),
    createdAtMs,
    updatedAtMs: timeOf(info.last_updated_timestamp_ms) ?? createdAtMs,
    params: pairsOf(data.params),
    tags: pairsOf(info.tags),
    metrics: list(data.metrics).map((metric) => ({
      key: textOf(metric.key),
      value: doubleOf(metric.value ?? 0, 'the value'),
      timestampMs: int64Of(metric.timestamp ?? 0, 'the time'),
      step: int64Of(metric.step ?? 0, 'the step'),
      runId: textOf(metric.run_id),
      datasetName: textOrNull(metric.dataset_name),
      datasetDigest: textOrNull(metric.dataset_digest),
    })),
  }
}

export function versionOf(message: Message): ModelVersion {
  const createdAtMs = timeOf(message.creation_timestamp) ?? 0
  return {
    version: Number(message.version),
    source: textOf(message.source),
    storageLocation: null,
    runId: textOrNull(message.run_id),
    loggedModelId: textOrNull(message.model_id),
    runLink: textOf(message.run_link),
    description: textOf(message.description),
    stage: textOf(message.current_stage) || 'None',
    status: versionStatusOf(message.status),
    userName: textOf(message.user_id),
    createdAtMs,
    updatedAtMs: timeOf(message.last_updated_timestamp) ?? createdAtMs,
    tags: pairsOf(message.tags),
  }
}
