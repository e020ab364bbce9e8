import type { ExperimentWithTags } from '../../tracking/experiments.service.ts'
import type { LoggedModel, LoggedModelValues } from '../../tracking/logged-models.service.ts'
import type { MetricPoint } from '../../tracking/metric-points.ts'
import type { RunInput, RunModel, RunRecord } from '../../tracking/records.ts'

/** What we know, in MLflow's messages. Unset fields are null here and left out on the wire. */

function pairs(values: Readonly<Record<string, string>>): { key: string; value: string }[] {
  return Object.entries(values).map(([key, value]) => ({ key, value }))
}

/** @param workspace as the request named the project that the experiment is in */
export function experimentMessage(experiment: ExperimentWithTags, workspace: string): object {
  return {
    experiment_id: experiment.id,
    name: experiment.name,
    artifact_location: experiment.artifactLocation,
    lifecycle_stage: experiment.lifecycle,
    last_update_time: experiment.updatedAtMs,
    creation_time: experiment.createdAtMs,
    tags: pairs(experiment.tags),
    workspace,
  }
}

export function runInfoMessage(run: RunRecord): object {
  return {
    run_uuid: run.id,
    experiment_id: run.experimentId,
    run_name: run.name,
    user_id: run.userName,
    status: run.status,
    start_time: run.startedAtMs,
    end_time: run.endedAtMs ?? undefined,
    artifact_uri: run.artifactUri,
    lifecycle_stage: run.lifecycle,
    run_id: run.id,
  }
}

export function metricMessage(point: MetricPoint): Record<string, unknown> {
  return { key: point.key, value: point.value, timestamp: point.timestampMs, step: point.step }
}

/** What a run read and made: the messages `inputs` and `outputs`. */
export function runLinksMessage(inputs: readonly RunInput[], models: readonly RunModel[]): object {
  return {
    inputs: {
      dataset_inputs: inputs.map((input) => ({
        tags: pairs(input.tags),
        dataset: {
          name: input.name,
          digest: input.digest,
          source_type: input.sourceType,
          source: input.source,
          schema: input.schema,
          profile: input.profile,
        },
      })),
      model_inputs: models.filter((model) => model.direction === 'input').map((model) => ({ model_id: model.modelId })),
    },
    outputs: {
      model_outputs: models
        .filter((model) => model.direction === 'output')
        .map((model) => ({ model_id: model.modelId, step: model.step })),
    },
  }
}

export function loggedModelMessage(model: LoggedModel, values: LoggedModelValues | undefined): object {
  return {
    info: {
      model_id: model.id,
      experiment_id: model.experimentId,
      name: model.name,
      creation_timestamp_ms: model.createdAtMs,
      last_updated_timestamp_ms: model.updatedAtMs,
      artifact_uri: model.artifactUri,
      status: model.status,
      model_type: model.modelType ?? '',
      source_run_id: model.sourceRunId ?? '',
      tags: values?.tags,
    },
    data: {
      params: values?.params,
      metrics: values?.metrics.map((metric) => ({
        ...metricMessage(metric),
        dataset_name: metric.datasetName,
        dataset_digest: metric.datasetDigest,
        model_id: model.id,
        run_id: metric.runId,
      })),
    },
  }
}
