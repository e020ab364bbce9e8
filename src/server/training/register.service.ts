import type { Context } from '../../context.ts'
import { SYSTEM } from '../../lib/actor.ts'
import { AppError } from '../../lib/errors.ts'
import { artifactPathOf, joinPath, statArtifact } from '../artifacts/artifacts.service.ts'
import { createModelVersion, versionsOfRun } from '../registry/versions.service.ts'
import { modelsOfRuns } from '../tracking/logged-models.service.ts'
import type { RunRecord } from '../tracking/records.ts'
import { setTag } from '../tracking/run-data.service.ts'
import { getRun } from '../tracking/runs.service.ts'
import { type Job, projectOfJob } from './jobs.service.ts'

/**
 * Part of task `job.finished`: registers the model of a job that asked for it (`register_as`), unless its code did so
 * itself. Doing it again is harmless. When there is no single model to register, the run's tag
 * `trainyard.register_error` says so.
 */
export async function registerTrainedModel(ctx: Context, job: Job): Promise<void> {
  const name = job.spec.train?.registerAs ?? null
  if (name === null || job.state !== 'succeeded' || job.runId === null) return
  const project = await projectOfJob(ctx, job)
  try {
    const run = await getRun(ctx, job.projectId, job.runId)
    if ((await versionsOfRun(ctx, job.projectId, run.id)).length > 0) return
    const source = await modelOf(ctx, run)
    await createModelVersion(ctx, SYSTEM, project, {
      name,
      ...source,
      runId: run.id,
      createModel: true,
      description: '',
      tags: [{ key: 'trainyard.job_id', value: job.id }],
    })
  } catch (error) {
    if (!(error instanceof AppError) || error.status >= 500) throw error
    ctx.log.warn({ job: job.id, reason: error.message }, 'the model of a job could not be registered')
    await setTag(ctx, SYSTEM, project, job.runId, { key: 'trainyard.register_error', value: error.message }).catch(
      (reason: unknown) => {
        if (!(reason instanceof AppError) || reason.status >= 500) throw reason // the run was deleted meanwhile
      },
    )
  }
}

/** The one model that a run made: its logged model, or for older clients the artifact folder `model`. */
async function modelOf(ctx: Context, run: RunRecord): Promise<{ source: string; loggedModelId?: string }> {
  const models = ((await modelsOfRuns(ctx, run.projectId, [run.id])).get(run.id) ?? []).filter(
    (model) => model.status === 'LOGGED_MODEL_READY',
  )
  const [only] = models
  if (only !== undefined && models.length === 1) return { source: `models:/${only.id}`, loggedModelId: only.id }
  if (models.length > 1) {
    throw new AppError(
      'unprocessable',
      `The run logged ${models.length} models (${models
        .map((model) => model.name)
        .join(', ')
        .slice(0, 200)}); register the one you want by hand.`,
    )
  }
  const folder = artifactPathOf(run.artifactUri)
  const mlmodel = folder === null ? null : await statArtifact(ctx, run.projectId, joinPath(folder, 'model', 'MLmodel'))
  if (mlmodel === null)
    throw new AppError('unprocessable', 'The run logged no model, so there was nothing to register.')
  return { source: `runs:/${run.id}/model` }
}
