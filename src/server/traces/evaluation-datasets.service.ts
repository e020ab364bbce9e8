import { createHash } from 'node:crypto'
import { type Context, inTransaction } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, badRequest, notFound } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { getExperiment } from '../tracking/experiments.service.ts'
import { wireId } from '../tracking/records.ts'
import * as store from './evaluation-datasets.store.ts'

const LIMITS = {
  name: 250,
  tagKey: 250,
  tagValue: 5_000,
  experiments: 1_000,
  tags: 100,
  recordBytes: 1024 * 1024,
} as const

/** A set of questions, with what is expected, that GenAI applications are measured on. */
export type EvaluationDataset = Omit<store.DatasetRow, 'project_id'> & {
  tags: Record<string, string>
  /** As clients see them. */
  experimentIds: string[]
}

function datasetNotFound(id: string): AppError {
  return notFound(`Evaluation dataset with id '${id.slice(0, 100)}' not found`)
}

function refuseJob(actor: Actor): void {
  if (actor.run !== null) throw new AppError('forbidden', 'The token of a job may not change evaluation datasets.')
}

/** Datasets with tags and experiments. For this room. */
export async function whole(ctx: Context, rows: readonly store.DatasetRow[]): Promise<EvaluationDataset[]> {
  const ids = rows.map((row) => row.id)
  const tags = Map.groupBy(await store.tagsOfDatasets(ctx.db, ids), (tag) => tag.dataset_id)
  const experiments = Map.groupBy(await store.experimentsOfDatasets(ctx.db, ids), (row) => row.dataset_id)
  return rows.map(({ project_id: _, ...row }) => ({
    ...row,
    tags: Object.fromEntries((tags.get(row.id) ?? []).map((tag) => [tag.key, tag.value])),
    experimentIds: (experiments.get(row.id) ?? []).map(wireId),
  }))
}

/** One change of a dataset, for this room: found in the project, done and recorded in one transaction. @throws AppError not_found, forbidden */
export async function changeDataset<T>(
  ctx: Context,
  actor: Actor,
  project: Project,
  id: string,
  verb: 'updated' | 'deleted',
  detail: Record<string, unknown>,
  work: (tx: Context, row: store.DatasetRow) => Promise<T>,
): Promise<T> {
  refuseJob(actor)
  return inTransaction(ctx, async (tx) => {
    const row = await store.holdDataset(tx.db, project.id, id)
    if (row === undefined) throw datasetNotFound(id)
    const result = await work(tx, row)
    await recordEvent(tx, actor, { projectId: project.id, verb, kind: 'evaluation_dataset', subject: id, detail })
    return result
  })
}

/** Row ids of experiments that must be there. @throws AppError not_found, bad_request */
async function experimentRows(ctx: Context, projectId: string, ids: readonly string[]): Promise<number[]> {
  if (ids.length > LIMITS.experiments)
    throw badRequest(`At most ${LIMITS.experiments} experiments can be named at once.`, 'experiment_ids')
  const rows: number[] = []
  for (const id of new Set(ids)) rows.push((await getExperiment(ctx, projectId, id)).rowId)
  return rows
}

function checkTags(tags: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  if (tags.size > LIMITS.tags) throw badRequest(`At most ${LIMITS.tags} tags can be set at once.`, 'tags')
  for (const [key, value] of tags) {
    if (key === '' || key.length > LIMITS.tagKey || value.length > LIMITS.tagValue) {
      throw badRequest(
        `A tag needs a key of 1 to ${LIMITS.tagKey} characters and a value of at most ${LIMITS.tagValue}.`,
        'tags',
      )
    }
  }
  return tags
}

/** MLflow's digest: of the name and the time of the last change. For this room. */
export const digestOf = (name: string, nowMs: number) =>
  createHash('sha256').update(`${name}:${nowMs}`).digest('hex').slice(0, 8)

/** @throws AppError bad_request, not_found (experiment), forbidden */
export async function createEvaluationDataset(
  ctx: Context,
  actor: Actor,
  project: Project,
  input: { name: string; experimentIds: readonly string[]; tags: ReadonlyMap<string, string> },
): Promise<EvaluationDataset> {
  refuseJob(actor)
  if (input.name.trim() === '' || input.name.length > LIMITS.name)
    throw badRequest(`name must have 1 to ${LIMITS.name} characters.`, 'name')
  checkTags(input.tags)
  const experiments = await experimentRows(ctx, project.id, input.experimentIds)
  const now = ctx.now()
  const user = input.tags.get('mlflow.user')?.slice(0, LIMITS.name) ?? null
  const row: store.DatasetRow = {
    id: `d-${newId(now)}`,
    project_id: project.id,
    name: input.name,
    digest: digestOf(input.name, now),
    schema: null,
    profile: null,
    created_by: user,
    updated_by: user,
    created_at_ms: now,
    updated_at_ms: now,
  }
  await inTransaction(ctx, async (tx) => {
    await store.insertDataset(tx.db, row)
    await store.putTags(tx.db, row.id, input.tags)
    await store.addExperiments(tx.db, row.id, experiments)
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'created',
      kind: 'evaluation_dataset',
      subject: row.id,
      detail: { name: row.name },
    })
  })
  return getEvaluationDataset(ctx, project.id, row.id)
}

/** @throws AppError not_found */
export async function getEvaluationDataset(ctx: Context, projectId: string, id: string): Promise<EvaluationDataset> {
  const row = await store.datasetById(ctx.db, projectId, id)
  if (row === undefined) throw datasetNotFound(id)
  const [dataset] = await whole(ctx, [row])
  return dataset!
}

/** Deletes a dataset for ever, with its records. @throws AppError not_found, forbidden */
export async function deleteEvaluationDataset(ctx: Context, actor: Actor, project: Project, id: string): Promise<void> {
  await changeDataset(ctx, actor, project, id, 'deleted', {}, (tx) => store.deleteDataset(tx.db, id))
}

/** @throws AppError not_found, bad_request, forbidden */
export async function tagEvaluationDataset(
  ctx: Context,
  actor: Actor,
  project: Project,
  id: string,
  tags: ReadonlyMap<string, string>,
): Promise<EvaluationDataset> {
  checkTags(tags)
  await changeDataset(ctx, actor, project, id, 'updated', { tags: [...tags.keys()] }, (tx) =>
    store.putTags(tx.db, id, tags),
  )
  return getEvaluationDataset(ctx, project.id, id)
}

/** Removes a tag; none there is fine. @throws AppError not_found (dataset), forbidden */
export async function untagEvaluationDataset(
  ctx: Context,
  actor: Actor,
  project: Project,
  id: string,
  key: string,
): Promise<void> {
  await changeDataset(ctx, actor, project, id, 'updated', { tag_removed: key }, (tx) => store.deleteTag(tx.db, id, key))
}

/** Adds experiments to a dataset or takes them away. @throws AppError not_found (dataset, experiment), forbidden */
export async function changeExperiments(
  ctx: Context,
  actor: Actor,
  project: Project,
  id: string,
  how: 'add' | 'remove',
  experimentIds: readonly string[],
): Promise<EvaluationDataset> {
  const rows = await experimentRows(ctx, project.id, experimentIds)
  await changeDataset(ctx, actor, project, id, 'updated', { [how]: experimentIds }, (tx) =>
    how === 'add' ? store.addExperiments(tx.db, id, rows) : store.removeExperiments(tx.db, id, rows),
  )
  return getEvaluationDataset(ctx, project.id, id)
}
