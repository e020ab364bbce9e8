import type { Context } from '../../context.ts'
import { inBatch } from '../../db/batch.ts'
import { defineThreadBatch, type Outcome, type WriteTx } from '../../db/writes.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, badRequest } from '../../lib/errors.ts'
import { type NewEvent, recordEvents } from '../events/events.service.ts'
import { isKnownWriter, oneOfEachWriter, rememberWriter } from '../events/run-writers.ts'
import { missingLoggedModels, modelNotFound } from './logged-models.service.ts'
import { type MetricPoint, metricRow } from './metric-points.ts'
import { appendPoints, type NewPoint } from './metrics/append.service.ts'
import { sealSeries } from './metrics/seal.service.ts'
import * as store from './run-data.store.ts'
import { assertRunWritable, assertTakesWrites } from './runs.service.ts'
import { NAME_TAG, updateRun } from './runs.store.ts'

export type KeyValue = { key: string; value: string }
/** A point to log; with a model it is also kept as that logged model's metric. */
export type NewMetric = MetricPoint & { modelId?: string; datasetName?: string; datasetDigest?: string }

/** Checked data of one run that one caller brings. */
export type RunWrite = {
  actor: Actor
  projectId: string
  runId: string
  metrics: readonly NewMetric[]
  params: readonly KeyValue[]
  tags: ReadonlyMap<string, string>
  /** The audit row of a change that has one. */
  event?: NewEvent
}

type Item = RunWrite & { isWriterKnown: boolean }

/** The time of a run's last write is kept to the minute: writing it with every point would double the work. */
const HEARD_EVERY_MS = 60_000

/**
 * Writes one caller's data of a run, all or nothing; callers that come together share the transaction.
 * @throws AppError bad_request (changed param, deleted run), not_found (run, model), forbidden
 */
export async function writeRunData(ctx: Context, write: RunWrite): Promise<void> {
  const long = await inBatch(ctx, { ...write, isWriterKnown: false }, runWrites)
  // After the answer: sealing is housekeeping, and what it does not get done, the next write or the sweep does.
  if (long.length > 0) void sealSeries(ctx, long, false).catch((error) => ctx.log.warn({ err: error }, 'sealing'))
}

type Accepted = Item & { experimentId: number }

async function flush(tx: WriteTx, writes: Item[]): Promise<Outcome<number[]>[]> {
  const runIds = [...new Set(writes.map((write) => write.runId))].sort()
  const states = await store.runStates(
    tx.db,
    runIds,
    writes.some((write) => write.params.length > 0 || write.tags.has(NAME_TAG)),
  )
  const params = new ParamsOfBatch(await knownParams(tx, writes))
  const missing = await missingModels(tx, writes)
  const accepted: Accepted[] = []
  const outcomes: Outcome<number[]>[] = []
  for (const write of writes) {
    try {
      const state = assertTakesWrites(states.get(write.runId), write.projectId, write.runId)
      if (write.actor.run !== null) await assertRunWritable(tx, write.actor, state)
      for (const { modelId = '' } of write.metrics)
        if (missing.has(`${write.projectId}/${modelId}`)) throw modelNotFound(modelId)
      params.add(write, state.experiment_id)
      accepted.push({ ...write, experimentId: state.experiment_id })
      outcomes.push({ value: [] })
    } catch (error) {
      // What the database refused has broken the transaction of all: then each is tried alone.
      if (!(error instanceof AppError)) throw error
      outcomes.push({ error })
    }
  }
  await store.addParams(tx.db, params.added)
  await writeTags(tx, accepted)
  const long = await writeMetrics(tx, accepted)
  await recordEvents(tx, eventsOf(accepted))
  const now = tx.now()
  const unheard = (id: string) => (states.get(id)?.last_write_at_ms ?? 0) < now - HEARD_EVERY_MS
  await store.touchRuns(tx.db, [...new Set(accepted.map((write) => write.runId))].filter(unheard), now)
  const first = outcomes.find((outcome) => 'value' in outcome)
  if (first !== undefined && 'value' in first) first.value = long
  return outcomes
}

export const runWrites = defineThreadBatch(import.meta.url, 'runWrites', {
  flush,
  rowsOf: ({ metrics, params, tags }) => metrics.length + params.length + tags.size,
  prepare: (ctx, write: Item) => ({ ...write, isWriterKnown: write.isWriterKnown || isKnownWriter(ctx, write) }),
  done: rememberWriter,
})

/** The audit rows of changes that have one, and one for each who writes into a run for the first time. */
function eventsOf(writes: readonly Accepted[]): { actor: Actor; event: NewEvent }[] {
  const unnamed = oneOfEachWriter(writes.filter((write) => write.event === undefined && !write.isWriterKnown))
  return [
    ...writes.flatMap(({ actor, event }) => (event === undefined ? [] : { actor, event })),
    ...unnamed.map(({ actor, projectId, runId }) => ({
      actor,
      event: { projectId, verb: 'logged', kind: 'run', subject: runId },
    })),
  ]
}

function knownParams(tx: WriteTx, writes: readonly RunWrite[]) {
  return store.knownParams(
    tx.db,
    writes.flatMap((write) => write.params.map(({ key }) => ({ run_id: write.runId, key }))),
  )
}

/** Params that are there or that this batch adds: none may ever change. */
class ParamsOfBatch {
  readonly #values = new Map<string, string>()
  readonly added: { run_id: string; key: string; value: string; experiment_id: number }[] = []

  constructor(known: readonly { run_id: string; key: string; value: string }[]) {
    for (const { run_id, key, value } of known) this.#values.set(`${run_id}/${key}`, value)
  }

  /** @throws AppError bad_request when one would change; nothing of this write is added then */
  add(write: RunWrite, experimentId: number): void {
    const fresh = write.params.filter(({ key, value }) => {
      const known = this.#values.get(`${write.runId}/${key}`)
      if (known === undefined || known === value) return known === undefined
      throw badRequest(
        `Changing param values is not allowed. Param with key='${key}' was already logged with value='${known.slice(0, 500)}' for run ID='${write.runId}'. Attempted logging new value '${value.slice(0, 500)}'.`,
        'value',
      )
    })
    for (const { key, value } of fresh) {
      this.#values.set(`${write.runId}/${key}`, value)
      this.added.push({ run_id: write.runId, key, value, experiment_id: experimentId })
    }
  }
}

async function missingModels(tx: WriteTx, writes: readonly RunWrite[]): Promise<Set<string>> {
  const missing = new Set<string>()
  for (const [projectId, own] of Map.groupBy(writes, (write) => write.projectId)) {
    const ids = own.flatMap((write) => write.metrics.flatMap(({ modelId }) => modelId || []))
    if (ids.length > 0)
      for (const id of await missingLoggedModels(tx, projectId, ids)) missing.add(`${projectId}/${id}`)
  }
  return missing
}

async function writeTags(tx: WriteTx, writes: readonly Accepted[]): Promise<void> {
  const rows = new Map<string, { run_id: string; key: string; value: string; experiment_id: number }>()
  const names = new Map<string, string>()
  for (const { runId, tags, experimentId } of writes) {
    for (const [key, value] of tags)
      if (key !== NAME_TAG) rows.set(`${runId}/${key}`, { run_id: runId, key, value, experiment_id: experimentId })
      else if (value !== '') names.set(runId, value) // a run always has a name: an empty one changes nothing
  }
  await store.putTags(tx.db, [...rows.values()])
  for (const [runId, name] of names) await updateRun(tx.db, runId, { name })
}

async function writeMetrics(tx: WriteTx, writes: readonly Accepted[]): Promise<number[]> {
  const points: NewPoint[] = []
  const ofModels: store.ModelMetricRow[] = []
  for (const { runId, metrics, experimentId } of writes) {
    for (const metric of metrics) {
      const row = metricRow(runId, metric)
      points.push({ ...row, experiment_id: experimentId })
      if (metric.modelId === undefined || metric.modelId === '') continue
      ofModels.push({
        ...row,
        model_id: metric.modelId,
        dataset_name: metric.datasetName ?? null,
        dataset_digest: metric.datasetDigest ?? null,
      })
    }
  }
  if (ofModels.length > 0) await store.addModelMetrics(tx.db, ofModels)
  return appendPoints(tx, points)
}
