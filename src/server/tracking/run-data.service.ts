import { type Context, inTransaction } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { badRequest, notFound } from '../../lib/errors.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { BATCH, checkCount, checkKey, LIMITS, truncated } from './limits.ts'
import { type MetricPoint, pointOf } from './metric-points.ts'
import { latestOf } from './metrics/series.store.ts'
import * as store from './run-data.store.ts'
import { type KeyValue, type NewMetric, writeRunData } from './run-writes.service.ts'
import { assertRunTakesWrites } from './runs.service.ts'

export type { KeyValue, NewMetric } from './run-writes.service.ts'

export type RunBatch = { metrics?: readonly NewMetric[]; params?: readonly KeyValue[]; tags?: readonly KeyValue[] }

const NO_TAGS: ReadonlyMap<string, string> = new Map()

/**
 * Logs metrics, params and tags of a run, all or nothing; a param that would change fails the batch before anything is
 * written. No audit row: this is the run's own data, thousands of rows a run.
 * @throws AppError bad_request (limits, keys, values, changed param, deleted run), not_found (run, model), forbidden
 */
export async function logBatch(
  ctx: Context,
  actor: Actor,
  project: Project,
  runId: string,
  batch: RunBatch,
): Promise<void> {
  await writeRunData(ctx, { actor, projectId: project.id, runId, ...checkedBatch(batch) })
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
  if (((metric.datasetName ?? '') === '') !== ((metric.datasetDigest ?? '') === '')) {
    throw badRequest(
      'Both dataset_name and dataset_digest must be provided if one is provided.',
      `${path}${(metric.datasetName ?? '') === '' ? 'dataset_name' : 'dataset_digest'}`,
    )
  }
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
  await writeRunData(ctx, { actor, projectId: project.id, runId, metrics: [metric], params: [], tags: NO_TAGS })
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
  await writeRunData(ctx, { actor, projectId: project.id, runId, metrics: [], params: [row], tags: NO_TAGS })
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
  const tags = new Map([[key, truncated(tag.value, 'value', LIMITS.tagValue)]])
  const event = { projectId: project.id, verb: 'updated', kind: 'run', subject: runId, detail: { tag: key } }
  await writeRunData(ctx, { actor, projectId: project.id, runId, metrics: [], params: [], tags, event })
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
  const rows = await latestOf(ctx.db, await own(ctx, projectId, runId))
  return Object.fromEntries(rows.map((row) => [row.key, row.is_nan === 1 ? null : row.value]))
}

async function own(ctx: Context, projectId: string, runId: string): Promise<string[]> {
  const run = (await store.runStates(ctx.db, [runId], false)).get(runId)
  return run?.project_id === projectId ? [runId] : []
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
  for (const row of await latestOf(ctx.db, runIds)) values.get(row.run_id)?.metrics.push(pointOf(row))
  return values
}
