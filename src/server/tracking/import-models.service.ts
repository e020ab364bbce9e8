import { type Context, inTransaction } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import * as store from './import.store.ts'
import type { LoggedModelMetric, LoggedModelStatus } from './logged-models.service.ts'

type Pair = { key: string; value: string }

export type ImportedLoggedModel = {
  id: string
  experimentRowId: number
  name: string
  modelType: string | null
  sourceRunId: string | null
  status: LoggedModelStatus
  lifecycle: 'active' | 'deleted'
  artifactUri: string
  createdAtMs: number
  updatedAtMs: number
  params: readonly Pair[]
  tags: readonly Pair[]
  metrics: readonly LoggedModelMetric[]
}

/**
 * Puts a logged model with everything but its files into a project. Again is fine. `isWhole`: its files are there, which
 * makes the one line in the audit log. `done` joins the transaction.
 */
export async function importLoggedModel(
  ctx: Context,
  actor: Actor,
  project: Project,
  model: ImportedLoggedModel,
  isWhole: boolean,
  done: (tx: Context) => Promise<void>,
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await store.putLoggedModel(tx.db, {
      id: model.id,
      project_id: project.id,
      experiment_id: model.experimentRowId,
      name: model.name,
      model_type: model.modelType,
      source_run_id: model.sourceRunId,
      status: model.status,
      lifecycle: model.lifecycle,
      artifact_uri: model.artifactUri,
      created_at_ms: model.createdAtMs,
      updated_at_ms: model.updatedAtMs,
    })
    await store.putLoggedModelValues(tx.db, 'logged_model_params', model.id, model.params)
    await store.putLoggedModelValues(tx.db, 'logged_model_tags', model.id, model.tags)
    await store.addLoggedModelMetrics(
      tx.db,
      model.metrics.map((metric) => ({
        model_id: model.id,
        run_id: metric.runId,
        key: metric.key,
        step: metric.step,
        timestamp_ms: metric.timestampMs,
        value: Number.isNaN(metric.value) ? 0 : Math.min(Math.max(metric.value, -Number.MAX_VALUE), Number.MAX_VALUE),
        is_nan: Number.isNaN(metric.value) ? 1 : 0,
        dataset_name: metric.datasetName,
        dataset_digest: metric.datasetDigest,
      })),
    )
    if (isWhole) {
      await recordEvent(tx, actor, {
        projectId: project.id,
        verb: 'imported',
        kind: 'logged_model',
        subject: model.id,
        detail: { name: model.name },
      })
    }
    await done(tx)
  })
}
