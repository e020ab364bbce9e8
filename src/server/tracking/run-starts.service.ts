import type { Selectable } from 'kysely'
import type { Context } from '../../context.ts'
import { inBatch } from '../../db/batch.ts'
import type { RunsTable } from '../../db/tables/tracking.ts'
import { type BatchedWrite, defineBatch, type Outcome, type WriteTx } from '../../db/writes.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, badRequest } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import { recordEvents } from '../events/events.service.ts'
import { rememberWriter } from '../events/run-writers.ts'
import type { Project } from '../projects/projects.service.ts'
import { assertActive, type Experiment, getExperiment } from './experiments.service.ts'
import { checkKey, checkLength, LIMITS, truncated } from './limits.ts'
import { randomName } from './names.ts'
import { DEFAULT_EXPERIMENT_ID, type RunRecord, runRecord } from './records.ts'
import { putTags } from './run-data.store.ts'
import { assertRunWritable, PARENT_TAG } from './runs.service.ts'
import { insertRuns, NAME_TAG } from './runs.store.ts'

export type NewRun = {
  /** Default: the project's Default experiment. */
  experimentId?: string
  /** Default: the tag `mlflow.runName`, else a random one. */
  name?: string
  tags?: readonly { key: string; value: string }[]
  jobId?: string
  /** Default: now. */
  startedAtMs?: number
  /** Default: the actor's name. */
  userName?: string
}

/**
 * Starts a run. A job's token makes children of its own run only; one that names no parent becomes such a child. Callers
 * that come together share the transaction.
 * @throws AppError bad_request (names that differ, tags, deleted experiment), not_found (experiment), forbidden
 */
export async function createRun(ctx: Context, actor: Actor, project: Project, input: NewRun): Promise<RunRecord> {
  return (await startRun(ctx, actor, project, input)).run
}

export type StartedRun = { run: RunRecord; tags: { key: string; value: string }[] }

/** As `createRun`; tells the run's tags too. */
export async function startRun(ctx: Context, actor: Actor, project: Project, input: NewRun): Promise<StartedRun> {
  const tags = new Map<string, string>()
  for (const [index, tag] of (input.tags ?? []).entries()) {
    tags.set(checkKey(tag.key, `tags[${index}].key`), truncated(tag.value, `tags[${index}].value`, LIMITS.tagValue))
  }
  const given = input.name === '' ? undefined : input.name
  const tagged = tags.get(NAME_TAG) === '' ? undefined : tags.get(NAME_TAG)
  if (given !== undefined && tagged !== undefined && given !== tagged) {
    throw badRequest(
      `Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='${given}', mlflow.runName='${tagged}').`,
      'run_name',
    )
  }
  const name = truncated(given ?? tagged ?? randomName(), 'run_name', LIMITS.runName)
  tags.set(NAME_TAG, name)
  if (actor.run !== null && !tags.has(PARENT_TAG)) tags.set(PARENT_TAG, actor.run.runId)
  const userName = checkLength(input.userName ?? actor.name, 'user_id', 256)
  const experimentId = input.experimentId ?? DEFAULT_EXPERIMENT_ID
  const { jobId = null, startedAtMs = ctx.now() } = input
  const pairs = [...tags].map(([key, value]) => ({ key, value })).sort(byKey)
  const start = { actor, projectId: project.id, name, tags: pairs, userName, experimentId, jobId, startedAtMs }
  return { run: await inBatch(ctx, start, runStarts), tags: pairs }
}

const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1)

type Start = {
  actor: Actor
  projectId: string
  name: string
  tags: readonly { key: string; value: string }[]
  userName: string
  experimentId: string
  jobId: string | null
  startedAtMs: number
}

async function startRuns(tx: WriteTx, starts: Start[]): Promise<Outcome<RunRecord>[]> {
  const experiments = new Map<string, Promise<Experiment>>()
  const outcomes: Outcome<RunRecord>[] = []
  const rows: Selectable<RunsTable>[] = []
  const tagRows: { run_id: string; key: string; value: string; experiment_id: number }[] = []
  for (const start of starts) {
    try {
      const { actor, projectId, tags, experimentId } = start
      const place = `${projectId}/${experimentId}`
      if (!experiments.has(place)) experiments.set(place, getExperiment(tx, projectId, experimentId))
      const experiment = await (experiments.get(place) as Promise<Experiment>)
      assertActive(experiment)
      const parent = tags.find(({ key }) => key === PARENT_TAG)?.value
      if (actor.run !== null && parent !== undefined) await assertRunWritable(tx, actor, { id: parent })
      const row = runRow(tx, start, experiment)
      rows.push(row)
      for (const { key, value } of tags)
        if (key !== NAME_TAG) tagRows.push({ run_id: row.id, key, value, experiment_id: row.experiment_id })
      const isDefault = experiment.id === DEFAULT_EXPERIMENT_ID ? 1 : 0
      outcomes.push({
        value: runRecord({ ...row, is_default: isDefault, wire_id: experiment.id, experiment_name: experiment.name }),
      })
    } catch (error) {
      // What the database refused has broken the transaction of all: then each is tried alone.
      if (!(error instanceof AppError)) throw error
      outcomes.push({ error })
    }
  }
  await insertRuns(tx.db, rows)
  await putTags(tx.db, tagRows)
  await recordEvents(
    tx,
    starts.flatMap(({ actor, projectId, name }, index) => {
      const outcome = outcomes[index]
      if (outcome === undefined || 'error' in outcome) return []
      const subject = outcome.value.id
      return { actor, event: { projectId, verb: 'created', kind: 'run', subject, detail: { name } } }
    }),
  )
  return outcomes
}

const runStarts: BatchedWrite<WriteTx, Start, RunRecord> = {
  ...defineBatch(startRuns),
  // Who starts a run brings its data: its `created` says so, and no other row is needed (run-writers.ts).
  done: (ctx, { actor }, run) => rememberWriter(ctx, { actor, runId: run.id }),
}

function runRow(tx: WriteTx, start: Start, experiment: Experiment): Selectable<RunsTable> {
  const id = newId(tx.now())
  return {
    id,
    project_id: start.projectId,
    experiment_id: experiment.rowId,
    name: start.name,
    name_tagged: 1,
    user_name: start.userName,
    status: 'RUNNING',
    lifecycle: 'active',
    started_at_ms: start.startedAtMs,
    ended_at_ms: null,
    deleted_at_ms: null,
    artifact_uri: `${experiment.artifactLocation}/${id}/artifacts`,
    job_id: start.jobId,
    last_write_at_ms: tx.now(),
  }
}
