import { type Context, inTransaction } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { badRequest, notFound } from '../../lib/errors.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { BATCH, checkCount, checkKey, LIMITS, truncated } from './limits.ts'
import { assertLoggedModelsExist } from './logged-models.service.ts'
import { type MetricPoint, metricRow, newestOfEachKey, pointOf } from './metric-points.ts'
import * as store from './run-data.store.ts'
import { assertRunTakesWrites, NAME_TAG } from './runs.service.ts'
import { runState, updateRun as updateRunRow } from './runs.store.ts'

export type KeyValue = { key: string; value: string }

/** A point to log; with a model it is also kept as that logged model's metric. */
export type NewMetric = MetricPoint & { modelId?: string; datasetName?: string; datasetDigest?: string }

export type RunBatch = { metrics?: readonly NewMetric[]; params?: readonly KeyValue[]; tags?: readonly KeyValue[] }

/**
 * Logs metrics, params and tags of a run in one transaction: all or nothing. Params first, so that one that would change
 * fails the batch before anything else is written. No audit row: this is the run's own data, thousands of rows a run.
 * @throws AppError bad_request (limits, keys, values, changed param, deleted run), not_found (run, model), forbidden
 */
export async function logBatch(
  ctx: Context,
  actor: Actor,
  project: Project,
  runId: string,
  batch: RunBatch,
): Promise<void> {
  const { metrics, params, tags } = checkedBatch(batch)
  await inTransaction(ctx, async (tx) => {
    await assertRunTakesWrites(tx, actor, project.id, runId)
    if (params.length > 0) await writeParams(tx, runId, params)
    if (tags.size > 0) await writeTags(tx, runId, tags)
    if (metrics.length > 0) await writeMetrics(tx, project.id, runId, metrics)
  })
}

function checkedBatch(batch: RunBatch): {
  metrics: readonly NewMetric[]
  params: KeyValue[]
  tags: Map<string, string>
} {
  const { metrics = [], params = [], tags = [] } = batch
  checkCount(metrics.length, 'metrics', BATCH.metrics)
  checkCount(params.length, 'params', BATCH.params)
  checkCount(tags.length, 'tags', BATCH.tags)
  checkCount(metrics.length + params.length + tags.length, 'metrics, params, and tags', BATCH.total)
  metrics.forEach((metric, index) => {
    checkMetric(metric, metrics.length === 1 ? '' : `metrics[${index}].`)
  })
  const seen = new Set<string>()
  for (const { key } of params) {
    if (seen.has(key))
      throw badRequest(
        `Duplicate parameter keys have been submitted: ['${key.slice(0, 250)}']. Please ensure the request contains only one param value per param key.`,
        'params',
      )
    seen.add(key)
  }
  return {
    metrics,
    params: params.map(({ key, value }, index) => ({
      key: checkKey(key, `params[${index}].key`),
      value: truncated(value, `params[${index}].value`, LIMITS.paramValue),
    })),
    tags: new Map(
      tags.map(({ key, value }, index) => [
        checkKey(key, `tags[${index}].key`),
        truncated(value, `tags[${index}].value`, LIMITS.tagValue),
      ]),
    ),
  }
}

function checkMetric(metric: NewMetric, path: string): void {
  checkKey(metric.key, `${path}${path === '' ? 'name' : 'key'}`)
  if (metric.timestampMs < 0) {
    throw badRequest(
      `Invalid value ${metric.timestampMs} for parameter '${path}timestamp' supplied: it must not be negative.`,
      `${path}timestamp`,
    )
  }
}

/** Logs one point. @throws AppError bad_request (key, time, deleted run), not_found (run, model), forbidden */
export async function logMetric(
  ctx: Context,
  actor: Actor,
  project: Project,
  runId: string,
  metric: NewMetric,
): Promise<void> {
  checkMetric(metric, '')
  await inTransaction(ctx, async (tx) => {
    await assertRunTakesWrites(tx, actor, project.id, runId)
    await writeMetrics(tx, project.id, runId, [metric])
  })
}

async function writeMetrics(
  tx: Context,
  projectId: string,
  runId: string,
  metrics: readonly NewMetric[],
): Promise<void> {
  const rows = metrics.map((metric) => metricRow(runId, metric))
  await store.addMetrics(tx.db, rows)
  await store.raiseLatest(tx.db, newestOfEachKey(rows))
  const ofModels = metrics.filter((metric) => metric.modelId !== undefined && metric.modelId !== '')
  if (ofModels.length === 0) return
  await assertLoggedModelsExist(
    tx,
    projectId,
    ofModels.map((metric) => metric.modelId as string),
  )
  await store.addModelMetrics(
    tx.db,
    ofModels.map((metric) => ({
      ...metricRow(runId, metric),
      model_id: metric.modelId as string,
      dataset_name: metric.datasetName ?? null,
      dataset_digest: metric.datasetDigest ?? null,
    })),
  )
}

/** Logs a param; the same value again is fine. @throws AppError bad_request (key, other value, deleted run), not_found, forbidden */
export async function logParam(
  ctx: Context,
  actor: Actor,
  project: Project,
  runId: string,
  param: KeyValue,
): Promise<void> {
  const row = { key: checkKey(param.key, 'key'), value: truncated(param.value, 'value', LIMITS.paramValue) }
  await inTransaction(ctx, async (tx) => {
    await assertRunTakesWrites(tx, actor, project.id, runId)
    await writeParams(tx, runId, [row])
  })
}

async function writeParams(tx: Context, runId: string, params: readonly KeyValue[]): Promise<void> {
  const added = await store.addParams(
    tx.db,
    params.map(({ key, value }) => ({ run_id: runId, key, value })),
  )
  if (added === params.length) return
  const wanted = new Map(params.map(({ key, value }) => [key, value]))
  const keys = [...wanted.keys()]
  for (const { key, value } of await store.paramsWithKeys(tx.db, runId, keys)) {
    if (wanted.get(key) === value) continue
    throw badRequest(
      `Changing param values is not allowed. Param with key='${key}' was already logged with value='${value.slice(0, 500)}' for run ID='${runId}'. Attempted logging new value '${wanted.get(key)?.slice(0, 500)}'.`,
      'value',
    )
  }
}

async function writeTags(tx: Context, runId: string, tags: ReadonlyMap<string, string>): Promise<void> {
  await store.putTags(tx.db, runId, tags)
  const name = tags.get(NAME_TAG)
  if (name !== undefined && name !== '') await updateRunRow(tx.db, runId, { name })
}

/** Sets or replaces a tag; `mlflow.runName` renames the run. @throws AppError bad_request, not_found, forbidden */
export async function setTag(
  ctx: Context,
  actor: Actor,
  project: Project,
  runId: string,
  tag: KeyValue,
): Promise<void> {
  const key = checkKey(tag.key, 'key')
  const value = truncated(tag.value, 'value', LIMITS.tagValue)
  await inTransaction(ctx, async (tx) => {
    await assertRunTakesWrites(tx, actor, project.id, runId)
    await writeTags(tx, runId, new Map([[key, value]]))
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'updated',
      kind: 'run',
      subject: runId,
      detail: { tag: key },
    })
  })
}

/** @throws AppError not_found (run, tag), bad_request (deleted run), forbidden */
export async function removeTag(
  ctx: Context,
  actor: Actor,
  project: Project,
  runId: string,
  key: string,
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await assertRunTakesWrites(tx, actor, project.id, runId)
    if (!(await store.deleteTag(tx.db, runId, key)))
      throw notFound(`No tag with name: ${key.slice(0, 100)} in run with id ${runId}`)
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'updated',
      kind: 'run',
      subject: runId,
      detail: { tag: key },
    })
  })
}

/** The params of a run of the project; empty for an unknown run. */
export async function runParams(ctx: Context, projectId: string, runId: string): Promise<Record<string, string>> {
  return record(await store.paramsOf(ctx.db, await own(ctx, projectId, runId)))
}

/** The tags of a run of the project; empty for an unknown run. */
export async function runTags(ctx: Context, projectId: string, runId: string): Promise<Record<string, string>> {
  return record(await store.tagsOf(ctx.db, await own(ctx, projectId, runId)))
}

/** The latest value of each metric of a run of the project; NaN is null. */
export async function latestMetrics(
  ctx: Context,
  projectId: string,
  runId: string,
): Promise<Record<string, number | null>> {
  const rows = await store.latestOf(ctx.db, await own(ctx, projectId, runId))
  return Object.fromEntries(rows.map((row) => [row.key, row.is_nan === 1 ? null : row.value]))
}

async function own(ctx: Context, projectId: string, runId: string): Promise<string[]> {
  return (await runState(ctx.db, projectId, runId)) === undefined ? [] : [runId]
}

function record(rows: readonly KeyValue[]): Record<string, string> {
  return Object.fromEntries(rows.map(({ key, value }) => [key, value]))
}

export type RunValues = { params: KeyValue[]; tags: KeyValue[]; metrics: MetricPoint[] }

/** Params, tags and latest metrics of runs that were found in a project before, by run id. */
export async function valuesOfRuns(ctx: Context, runIds: readonly string[]): Promise<Map<string, RunValues>> {
  const values = new Map<string, RunValues>(runIds.map((id) => [id, { params: [], tags: [], metrics: [] }]))
  for (const { run_id, key, value } of await store.paramsOf(ctx.db, runIds))
    values.get(run_id)?.params.push({ key, value })
  for (const { run_id, key, value } of await store.tagsOf(ctx.db, runIds)) values.get(run_id)?.tags.push({ key, value })
  for (const row of await store.latestOf(ctx.db, runIds)) values.get(row.run_id)?.metrics.push(pointOf(row))
  return values
}
