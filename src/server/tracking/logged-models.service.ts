import { type Context, inTransaction } from '../../context.ts'
import type { WriteTx } from '../../db/writes.ts'
import type { Actor } from '../../lib/actor.ts'
import { type AppError, badRequest, notFound } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { assertActive, getExperiment } from './experiments.service.ts'
import { checkLength, LIMITS } from './limits.ts'
import * as store from './logged-models.store.ts'
import { type MetricPoint, pointOf } from './metric-points.ts'
import { checkLoggedModelName, randomName } from './names.ts'
import { wireId } from './records.ts'
import { assertRunWritable, getRun } from './runs.service.ts'

export type LoggedModelStatus = 'LOGGED_MODEL_PENDING' | 'LOGGED_MODEL_READY' | 'LOGGED_MODEL_UPLOAD_FAILED'

/** A model that a run saved: its files, params, tags and the metrics that were measured on it. */
export type LoggedModel = {
  id: string
  name: string
  projectId: string
  experimentId: string
  modelType: string | null
  sourceRunId: string | null
  status: LoggedModelStatus
  lifecycle: 'active' | 'deleted'
  artifactUri: string
  createdAtMs: number
  updatedAtMs: number
}

export function loggedModelOf(row: store.LoggedModelRow): LoggedModel {
  return {
    id: row.id,
    name: row.name,
    projectId: row.project_id,
    experimentId: wireId({ ...row, id: row.experiment_id }),
    modelType: row.model_type,
    sourceRunId: row.source_run_id,
    status: row.status,
    lifecycle: row.lifecycle,
    artifactUri: row.artifact_uri,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  }
}

type KeyValue = { key: string; value: string }
export type NewLoggedModel = {
  experimentId: string
  /** Default: a random one. */
  name?: string
  modelType?: string
  sourceRunId?: string
  params?: readonly KeyValue[]
  tags?: readonly KeyValue[]
}

/**
 * Makes a logged model, pending until its files are there. A job's token makes models of its own runs only.
 * @throws AppError bad_request (name, keys, deleted experiment), not_found (experiment, run), forbidden
 */
export async function createLoggedModel(
  ctx: Context,
  actor: Actor,
  project: Project,
  input: NewLoggedModel,
): Promise<LoggedModel> {
  const name = checkLoggedModelName(input.name === undefined || input.name === '' ? randomName() : input.name)
  const params = checkedValues(input.params ?? [], 'params')
  const tags = checkedValues(input.tags ?? [], 'tags')
  const experiment = await getExperiment(ctx, project.id, input.experimentId)
  assertActive(experiment)
  const sourceRunId = (input.sourceRunId ?? '') === '' ? (actor.run?.runId ?? null) : (input.sourceRunId as string)
  const id = `m-${newId(ctx.now())}`
  const now = ctx.now()
  const row = {
    id,
    project_id: project.id,
    experiment_id: experiment.rowId,
    name,
    model_type:
      input.modelType === undefined || input.modelType === '' ? null : checkLength(input.modelType, 'model_type', 500),
    source_run_id: sourceRunId,
    status: 'LOGGED_MODEL_PENDING' as const,
    lifecycle: 'active' as const,
    artifact_uri: `${experiment.artifactLocation}/models/${id}/artifacts`,
    created_at_ms: now,
    updated_at_ms: now,
  }
  await inTransaction(ctx, async (tx) => {
    if (sourceRunId !== null) await assertRunWritable(tx, actor, await getRun(tx, project.id, sourceRunId))
    await store.insertLoggedModel(tx.db, row)
    await store.putModelParams(tx.db, id, params)
    await store.putModelTags(tx.db, id, tags)
    await changed(tx, actor, project, id, 'created', { name })
  })
  return loggedModelOf({ ...row, is_default: experiment.id === '0' ? 1 : 0, wire_id: experiment.id })
}

function checkedValues(pairs: readonly KeyValue[], field: string): Map<string, string> {
  return new Map(
    pairs.map(({ key, value }, index) => [
      checkLength(key, `${field}[${index}].key`, LIMITS.key),
      checkLength(value, `${field}[${index}].value`, LIMITS.loggedModelValue),
    ]),
  )
}

/** A logged model of the project. @throws AppError not_found, also when it is deleted (unless that is allowed) */
export async function getLoggedModel(
  ctx: Context,
  projectId: string,
  modelId: string,
  options: { allowDeleted?: boolean } = {},
): Promise<LoggedModel> {
  const row = await store.loggedModelById(ctx.db, projectId, modelId)
  if (row === undefined || (row.lifecycle === 'deleted' && options.allowDeleted !== true)) throw modelNotFound(modelId)
  return loggedModelOf(row)
}

export function modelNotFound(modelId: string): AppError {
  return notFound(`Logged model with ID '${modelId.slice(0, 100)}' not found.`)
}

/** Those of some models that the project does not have. */
export async function missingLoggedModels(
  ctx: WriteTx,
  projectId: string,
  modelIds: readonly string[],
): Promise<string[]> {
  const ids = [...new Set(modelIds)]
  const existing = await store.existingModels(ctx.db, projectId, ids)
  return ids.filter((id) => !existing.has(id))
}

/** @throws AppError not_found naming the first that the project does not have */
export async function assertLoggedModelsExist(
  ctx: Context,
  projectId: string,
  modelIds: readonly string[],
): Promise<void> {
  const [missing] = await missingLoggedModels(ctx, projectId, modelIds)
  if (missing !== undefined) throw modelNotFound(missing)
}

/** Whether this actor may change a logged model: a job's token only those of its own runs. @throws AppError forbidden */
export async function assertModelWritable(
  ctx: Context,
  actor: Actor,
  model: { sourceRunId: string | null },
): Promise<void> {
  if (actor.run === null) return
  await assertRunWritable(ctx, actor, { id: model.sourceRunId ?? '' })
}

/** One change of a logged model: found, writable, done and recorded in one transaction. */
async function change(
  ctx: Context,
  actor: Actor,
  project: Project,
  modelId: string,
  detail: Record<string, unknown>,
  work: (tx: Context) => Promise<void>,
): Promise<LoggedModel> {
  return inTransaction(ctx, async (tx) => {
    await assertModelWritable(tx, actor, await getLoggedModel(tx, project.id, modelId))
    await work(tx)
    await changed(tx, actor, project, modelId, detail.lifecycle === 'deleted' ? 'deleted' : 'updated', detail)
    return getLoggedModel(tx, project.id, modelId, { allowDeleted: true })
  })
}

/** Says that the files are there, or that they will not come. @throws AppError not_found, forbidden */
export async function finalizeLoggedModel(
  ctx: Context,
  actor: Actor,
  project: Project,
  modelId: string,
  status: LoggedModelStatus,
): Promise<LoggedModel> {
  return change(ctx, actor, project, modelId, { status }, (tx) =>
    store.updateLoggedModel(tx.db, modelId, { status, updated_at_ms: tx.now() }),
  )
}

/** Hides a logged model; its files stay. Once more is fine: a request may come twice. @throws AppError not_found, forbidden */
export async function deleteLoggedModel(ctx: Context, actor: Actor, project: Project, modelId: string): Promise<void> {
  if ((await getLoggedModel(ctx, project.id, modelId, { allowDeleted: true })).lifecycle === 'deleted') return
  await change(ctx, actor, project, modelId, { lifecycle: 'deleted' }, (tx) =>
    store.updateLoggedModel(tx.db, modelId, { lifecycle: 'deleted', updated_at_ms: tx.now() }),
  )
}

/** @throws AppError not_found, bad_request (keys), forbidden */
export async function setLoggedModelTags(
  ctx: Context,
  actor: Actor,
  project: Project,
  modelId: string,
  tags: readonly KeyValue[],
): Promise<LoggedModel> {
  const values = checkedValues(tags, 'tags')
  return change(ctx, actor, project, modelId, { tags: [...values.keys()] }, async (tx) => {
    await store.putModelTags(tx.db, modelId, values)
    await store.updateLoggedModel(tx.db, modelId, { updated_at_ms: tx.now() })
  })
}

/** @throws AppError not_found (model, tag), forbidden */
export async function removeLoggedModelTag(
  ctx: Context,
  actor: Actor,
  project: Project,
  modelId: string,
  key: string,
): Promise<void> {
  await change(ctx, actor, project, modelId, { tag: key }, async (tx) => {
    if (!(await store.deleteModelTag(tx.db, modelId, key))) {
      throw notFound(`No tag with key '${key.slice(0, 100)}' found for model with ID '${modelId}'.`)
    }
    await store.updateLoggedModel(tx.db, modelId, { updated_at_ms: tx.now() })
  })
}

/** Adds params; one that is there stays as it is. @throws AppError not_found, bad_request (keys, another value), forbidden */
export async function logLoggedModelParams(
  ctx: Context,
  actor: Actor,
  project: Project,
  modelId: string,
  params: readonly KeyValue[],
): Promise<void> {
  const values = checkedValues(params, 'params')
  await change(ctx, actor, project, modelId, { params: values.size }, async (tx) => {
    const known = await store.modelParamsOf(tx.db, [modelId])
    const changed = known.find(({ key, value }) => (values.get(key) ?? value) !== value)
    if (changed !== undefined) {
      throw badRequest(
        `Changing param values is not allowed: param '${changed.key}' of the logged model is '${changed.value.slice(0, 200)}'.`,
        'params',
      )
    }
    await store.putModelParams(tx.db, modelId, values)
  })
}

export type LoggedModelMetric = MetricPoint & {
  runId: string
  datasetName: string | null
  datasetDigest: string | null
}
export type LoggedModelValues = { params: KeyValue[]; tags: KeyValue[]; metrics: LoggedModelMetric[] }

/** Params, tags and every metric point of models that were found in a project before, by model id. */
export async function valuesOfModels(
  ctx: Context,
  modelIds: readonly string[],
): Promise<Map<string, LoggedModelValues>> {
  const values = new Map<string, LoggedModelValues>(modelIds.map((id) => [id, { params: [], tags: [], metrics: [] }]))
  for (const { model_id, key, value } of await store.modelParamsOf(ctx.db, modelIds))
    values.get(model_id)?.params.push({ key, value })
  for (const { model_id, key, value } of await store.modelTagsOf(ctx.db, modelIds))
    values.get(model_id)?.tags.push({ key, value })
  for (const row of await store.modelMetricsOf(ctx.db, modelIds)) {
    values.get(row.model_id)?.metrics.push({
      ...pointOf(row),
      runId: row.run_id,
      datasetName: row.dataset_name,
      datasetDigest: row.dataset_digest,
    })
  }
  return values
}

/** Active models that these runs logged, by run id. */
export async function modelsOfRuns(
  ctx: Context,
  projectId: string,
  runIds: readonly string[],
): Promise<Map<string, LoggedModel[]>> {
  const rows = await store.modelsOfRuns(ctx.db, projectId, runIds)
  return Map.groupBy(rows.map(loggedModelOf), (model) => model.sourceRunId ?? '')
}

async function changed(
  tx: Context,
  actor: Actor,
  project: Project,
  modelId: string,
  verb: string,
  detail: Record<string, unknown>,
): Promise<void> {
  await recordEvent(tx, actor, { projectId: project.id, verb, kind: 'logged_model', subject: modelId, detail })
}
