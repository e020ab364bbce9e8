import { type Context, inTransaction } from '../../context.ts'
import { isUniqueViolation } from '../../db/dialect.ts'
import type { Actor } from '../../lib/actor.ts'
import { conflict, notFound } from '../../lib/errors.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import {
  assertActive,
  checkExperimentName,
  checkExperimentTag,
  type Experiment,
  getExperiment,
} from './experiments.service.ts'
import * as store from './experiments.store.ts'

/** @throws AppError not_found, bad_request (deleted, name), conflict (name taken) */
export async function renameExperiment(
  ctx: Context,
  actor: Actor,
  project: Project,
  id: string,
  name: string,
): Promise<void> {
  checkExperimentName(name)
  const experiment = await getExperiment(ctx, project.id, id)
  assertActive(experiment)
  const taken = conflict(`Experiment(name=${name}) already exists.`, 'new_name')
  try {
    await inTransaction(ctx, async (tx) => {
      const other = await store.experimentByName(tx.db, project.id, name)
      if (other !== undefined && other.id !== experiment.rowId) throw taken
      await store.updateExperiment(tx.db, experiment.rowId, { name, updated_at_ms: ctx.now() })
      await changed(tx, actor, experiment, 'updated', { name })
    })
  } catch (error) {
    throw isUniqueViolation(error) ? taken : error
  }
}

/** Deletes an active experiment and its runs; both can be restored. @throws AppError not_found when it is not active */
export async function deleteExperiment(ctx: Context, actor: Actor, project: Project, id: string): Promise<void> {
  const experiment = await getExperiment(ctx, project.id, id)
  if (experiment.lifecycle !== 'active') throw notFound(`No active experiment with id=${id} exists`)
  await setLifecycle(ctx, actor, experiment, 'deleted')
}

/** Restores a deleted experiment and its runs. @throws AppError not_found when it is not deleted, conflict (name taken) */
export async function restoreExperiment(ctx: Context, actor: Actor, project: Project, id: string): Promise<void> {
  const experiment = await getExperiment(ctx, project.id, id)
  if (experiment.lifecycle !== 'deleted') throw notFound(`No deleted experiment with id=${id} exists`)
  try {
    await setLifecycle(ctx, actor, experiment, 'active')
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    throw conflict(`An active experiment is named '${experiment.name}' already; rename it first.`, 'name')
  }
}

async function setLifecycle(
  ctx: Context,
  actor: Actor,
  experiment: Experiment,
  lifecycle: 'active' | 'deleted',
): Promise<void> {
  const now = ctx.now()
  await inTransaction(ctx, async (tx) => {
    await store.updateExperiment(tx.db, experiment.rowId, { lifecycle, updated_at_ms: now })
    await store.setLifecycleOfRuns(tx.db, experiment.rowId, lifecycle, lifecycle === 'deleted' ? now : null)
    await changed(tx, actor, experiment, lifecycle === 'deleted' ? 'deleted' : 'restored')
  })
}

/** @throws AppError not_found, bad_request (deleted, key, value) */
export async function setExperimentTag(
  ctx: Context,
  actor: Actor,
  project: Project,
  id: string,
  tag: { key: string; value: string },
): Promise<void> {
  checkExperimentTag(tag.key, tag.value)
  const experiment = await getExperiment(ctx, project.id, id)
  assertActive(experiment)
  await inTransaction(ctx, async (tx) => {
    await store.putExperimentTag(tx.db, experiment.rowId, tag.key, tag.value)
    await changed(tx, actor, experiment, 'updated', { tag: tag.key })
  })
}

/** @throws AppError not_found (experiment, tag), bad_request (deleted) */
export async function removeExperimentTag(
  ctx: Context,
  actor: Actor,
  project: Project,
  id: string,
  key: string,
): Promise<void> {
  const experiment = await getExperiment(ctx, project.id, id)
  assertActive(experiment)
  await inTransaction(ctx, async (tx) => {
    if (!(await store.deleteExperimentTag(tx.db, experiment.rowId, key))) {
      throw notFound(`No tag with name: ${key.slice(0, 100)} in experiment with id ${id}`)
    }
    await changed(tx, actor, experiment, 'updated', { tag: key })
  })
}

async function changed(
  ctx: Context,
  actor: Actor,
  experiment: Experiment,
  verb: string,
  detail: Record<string, unknown> = {},
): Promise<void> {
  await recordEvent(ctx, actor, {
    projectId: experiment.projectId,
    verb,
    kind: 'experiment',
    subject: experiment.id,
    detail,
  })
}
