import { createHash } from 'node:crypto'
import { type Context, inTransaction } from '../../context.ts'
import { raiseSequence } from '../../db/dialect.ts'
import type { RunStatus } from '../../db/tables/tracking.ts'
import type { Actor } from '../../lib/actor.ts'
import { newId } from '../../lib/ids.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { getExperiment } from './experiments.service.ts'
import { experimentByName, experimentByWireId } from './experiments.store.ts'
import * as store from './import.store.ts'
import { CONTEXT_TAG } from './inputs.service.ts'
import { sealRun } from './metrics/keeper.ts'
import { DEFAULT_EXPERIMENT_ID, wireId } from './records.ts'
import { logBatch, type RunBatch } from './run-data.service.ts'

type Pair = { key: string; value: string }
type Lifecycle = 'active' | 'deleted'

/** An experiment with the id, name and times that it had where it came from. */
export type ImportedExperiment = {
  id: string
  name: string
  /** A URI of a store that clients reach without this server, which is kept; null: the files come here. */
  artifactLocation: string | null
  lifecycle: Lifecycle
  createdAtMs: number
  updatedAtMs: number
  tags: readonly Pair[]
}
/** Where an imported experiment is now. `merged`: one of this name was here already and takes the runs in. */
export type PlacedExperiment = {
  rowId: number
  id: string
  artifactLocation: string
  outcome: 'new' | 'merged' | 'updated' | 'unchanged'
}

/** Own ids stay far below this, so that an imported id above it is never met by one of ours. */
const OWN_IDS_BELOW = 1_000_000_000_000

/**
 * Puts an experiment into a project. Its id is kept when no other experiment of the project has it; `0` is the project's
 * Default; one whose name the project has goes into that one. `earlier`: what an import before this one made of it.
 * `done` joins the transaction.
 */
export async function importExperiment(
  ctx: Context,
  actor: Actor,
  project: Project,
  input: ImportedExperiment,
  earlier: { rowId: number; isUnchanged: boolean } | null,
  done: (tx: Context, placed: PlacedExperiment) => Promise<void>,
): Promise<PlacedExperiment> {
  if (input.id === DEFAULT_EXPERIMENT_ID) await getExperiment(ctx, project.id, DEFAULT_EXPERIMENT_ID) // makes it
  return inTransaction(ctx, async (tx) => {
    const known = earlier === null ? undefined : await store.experimentByRowId(tx.db, project.id, earlier.rowId)
    if (known !== undefined && earlier?.isUnchanged === true) return placedAt(known, 'unchanged')
    const found = known ?? (await experimentHere(tx, project.id, input))
    const row = found ?? (await addExperiment(tx, project.id, input))
    if (known !== undefined || (found !== undefined && (await isUntouched(tx, row))))
      await bringUpToDate(tx, project.id, row, input)
    await store.putExperimentTags(tx.db, row.id, input.tags)
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'imported',
      kind: 'experiment',
      subject: wireId(row),
      detail: { name: input.name, from_id: input.id },
    })
    const isMerged = known === undefined && found !== undefined && row.is_default === 0
    const placed = placedAt(row, isMerged ? 'merged' : known === undefined ? 'new' : 'updated')
    await done(tx, placed)
    return placed
  })
}

function placedAt(row: store.ExperimentRow, outcome: PlacedExperiment['outcome']): PlacedExperiment {
  return { rowId: row.id, id: wireId(row), artifactLocation: row.artifact_location, outcome }
}

async function bringUpToDate(
  tx: Context,
  projectId: string,
  row: store.ExperimentRow,
  input: ImportedExperiment,
): Promise<void> {
  const other = await experimentByName(tx.db, projectId, input.name)
  const isTaken = other !== undefined && other.id !== row.id
  await store.updateExperiment(tx.db, row.id, {
    ...(isTaken ? {} : { name: input.name, lifecycle: input.lifecycle }),
    created_at_ms: input.createdAtMs,
    updated_at_ms: input.updatedAtMs,
  })
}

async function experimentHere(tx: Context, projectId: string, input: ImportedExperiment) {
  if (input.id !== DEFAULT_EXPERIMENT_ID) return experimentByName(tx.db, projectId, input.name)
  const { rowId } = await getExperiment(tx, projectId, DEFAULT_EXPERIMENT_ID)
  return store.experimentByRowId(tx.db, projectId, rowId)
}

/** The Default that nobody has used yet takes the imported one's name, times and lifecycle. */
async function isUntouched(tx: Context, row: store.ExperimentRow): Promise<boolean> {
  return row.is_default === 1 && row.lifecycle === 'active' && !(await store.hasRuns(tx.db, row.id))
}

async function addExperiment(tx: Context, projectId: string, input: ImportedExperiment): Promise<store.ExperimentRow> {
  const keepsId = /^[1-9]\d{0,17}$/.test(input.id) && !(await experimentByWireId(tx.db, projectId, input.id))
  const number = Number(input.id)
  const isOwnId = keepsId && number < OWN_IDS_BELOW && !(await store.experimentExists(tx.db, number))
  const row = {
    ...(isOwnId ? { id: number } : {}),
    project_id: projectId,
    is_default: 0,
    wire_id: keepsId && !isOwnId ? input.id : null,
    name: input.name,
    artifact_location: input.artifactLocation ?? `mlflow-artifacts:/${input.id}`,
    lifecycle: input.lifecycle,
    created_at_ms: input.createdAtMs,
    updated_at_ms: input.updatedAtMs,
  }
  if (keepsId && number < OWN_IDS_BELOW) await raiseSequence(tx.db, 'experiments', number)
  const { id } = await store.insertExperiment(tx.db, row)
  if (keepsId || input.artifactLocation !== null) return { ...row, id }
  const artifact_location = `mlflow-artifacts:/${id}`
  await store.updateExperiment(tx.db, id, { artifact_location })
  return { ...row, id, artifact_location }
}

/**
 * The id that a run or logged model of elsewhere has in this project: its own, unless another project of this server has
 * it; then one that is made of both and is the same at the next import.
 */
export async function idForImport(
  ctx: Context,
  project: Project,
  kind: 'run' | 'logged_model',
  id: string,
): Promise<string> {
  const found = kind === 'run' ? await store.runAnywhere(ctx.db, id) : await store.loggedModelAnywhere(ctx.db, id)
  if (found === undefined || found.project_id === project.id) return id
  const derived = createHash('sha256').update(`${project.id}\n${id}`).digest('hex').slice(0, 32)
  return kind === 'run' ? derived : `m-${derived}`
}

/** Whether a run or logged model is in this project, deleted or not; one that was deleted for ever is not. */
export async function isHere(
  ctx: Context,
  project: Project,
  kind: 'run' | 'logged_model',
  id: string,
): Promise<boolean> {
  const found = kind === 'run' ? await store.runAnywhere(ctx.db, id) : await store.loggedModelAnywhere(ctx.db, id)
  return found?.project_id === project.id
}

export type ImportedRun = {
  id: string
  experimentRowId: number
  name: string
  userName: string
  status: RunStatus
  startedAtMs: number
  endedAtMs: number | null
  lifecycle: Lifecycle
  deletedAtMs: number | null
  artifactUri: string
  inputs: readonly ImportedInput[]
  models: readonly { modelId: string; direction: 'input' | 'output'; step: number | bigint }[]
}
export type ImportedInput = {
  name: string
  digest: string
  sourceType: string
  source: string
  schema: string | null
  profile: string | null
  tags: readonly Pair[]
}

/** Puts a run into a project, open for its data (`importRunData`) until `finishImportedRun`. Again is fine. */
export async function importRun(ctx: Context, project: Project, run: ImportedRun): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const open = {
      name: run.name,
      user_name: run.userName,
      status: run.status,
      lifecycle: 'active' as const,
      started_at_ms: run.startedAtMs,
      ended_at_ms: run.endedAtMs,
      deleted_at_ms: null,
    }
    if ((await store.runAnywhere(tx.db, run.id)) === undefined) {
      await store.insertRun(tx.db, {
        ...open,
        id: run.id,
        project_id: project.id,
        experiment_id: run.experimentRowId,
        name_tagged: 0, // its tags come with its data
        artifact_uri: run.artifactUri,
        job_id: null,
      })
    } else await store.updateRun(tx.db, run.id, open)
    for (const input of run.inputs) await putInput(tx, project, run.id, input)
    await store.putRunModels(
      tx.db,
      run.models.map(({ modelId, direction, step }) => ({ run_id: run.id, model_id: modelId, direction, step })),
    )
  })
}

async function putInput(tx: Context, project: Project, runId: string, input: ImportedInput): Promise<void> {
  const tags = Object.fromEntries(input.tags.map(({ key, value }) => [key, value]))
  await store.putRunInput(tx.db, {
    id: newId(tx.now()),
    run_id: runId,
    project_id: project.id,
    name: input.name,
    digest: input.digest,
    source_type: input.sourceType,
    source: input.source,
    schema: input.schema,
    profile: input.profile,
    tags: JSON.stringify(tags),
    context: tags[CONTEXT_TAG] ?? null,
    dataset_version_id: null,
  })
}

/** Params, tags and points of a run that is being imported, at most as many as a batch of a client. */
export async function importRunData(
  ctx: Context,
  actor: Actor,
  project: Project,
  runId: string,
  batch: RunBatch,
): Promise<void> {
  await logBatch(ctx, actor, project, runId, batch)
}

/** Closes an imported run: it has its lifecycle and name, and one line in the audit log. `done` joins the transaction. */
export async function finishImportedRun(
  ctx: Context,
  actor: Actor,
  project: Project,
  run: ImportedRun,
  done: (tx: Context) => Promise<void>,
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await store.updateRun(tx.db, run.id, {
      name: run.name,
      lifecycle: run.lifecycle,
      deleted_at_ms: run.lifecycle === 'deleted' ? (run.deletedAtMs ?? tx.now()) : null,
    })
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'imported',
      kind: 'run',
      subject: run.id,
      detail: { name: run.name },
    })
    await done(tx)
  })
  await sealRun(ctx, run.id)
}

/** A page of an experiment's runs, deleted ones too, in the order of ids. */
export async function pageOfRunIds(
  ctx: Context,
  experimentRowId: number,
  after: string,
): Promise<{ id: string; deletedAtMs: number | null }[]> {
  const rows = await store.runIdsOf(ctx.db, experimentRowId, after, 200)
  return rows.map((row) => ({ id: row.id, deletedAtMs: row.deleted_at_ms }))
}

/** A page of an experiment's logged models' ids, deleted ones too, in the order of ids. */
export async function pageOfLoggedModelIds(ctx: Context, experimentRowId: number, after: string): Promise<string[]> {
  return store.loggedModelIdsOf(ctx.db, experimentRowId, after, 200)
}
