import { type Context, inTransaction } from '../../context.ts'
import type { RunStatus } from '../../db/tables/tracking.ts'
import { type Actor, SYSTEM } from '../../lib/actor.ts'
import { badRequest } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { datasetVersionOfInput } from './dataset-links.service.ts'
import { rowIdsOf } from './experiments.service.ts'
import * as store from './inputs.store.ts'
import { BATCH, checkCount, checkLength, LIMITS } from './limits.ts'
import { assertLoggedModelsExist } from './logged-models.service.ts'
import { inputOf, type RunInput, type RunModel, wireId } from './records.ts'
import { assertRunTakesWrites } from './runs.service.ts'

export const CONTEXT_TAG = 'mlflow.data.context'

/** A dataset that a run read, as the client describes it. */
export type NewRunInput = {
  name: string
  digest: string
  sourceType: string
  source: string
  schema?: string
  profile?: string
  tags: readonly { key: string; value: string }[]
  /** When it is known to be this version of ours; else it is looked for by name and digest. */
  datasetVersionId?: string
}

/**
 * Says which datasets and logged models a run read. The same dataset again changes nothing; what the experiment knows of
 * a name and digest already (source, schema, profile) holds.
 * @throws AppError bad_request (limits, deleted run), not_found (run, model), forbidden
 */
export async function logInputs(
  ctx: Context,
  actor: Actor,
  project: Project,
  runId: string,
  input: { datasets: readonly NewRunInput[]; modelIds: readonly string[] },
): Promise<void> {
  checkCount(input.datasets.length, 'datasets', BATCH.datasets)
  checkCount(input.modelIds.length, 'models', BATCH.models)
  input.datasets.forEach(checkInput)
  const linked = await Promise.all(
    input.datasets.map(async (dataset) => ({
      ...dataset,
      datasetVersionId: dataset.datasetVersionId ?? (await datasetVersionOfInput(ctx, project, dataset)) ?? undefined,
    })),
  )
  await inTransaction(ctx, async (tx) => {
    const run = await assertRunTakesWrites(tx, actor, project.id, runId)
    for (const dataset of linked) await writeInput(tx, project.id, run, dataset)
    await writeModels(
      tx,
      project.id,
      runId,
      'input',
      input.modelIds.map((modelId) => ({ modelId, step: 0 })),
    )
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'updated',
      kind: 'run',
      subject: runId,
      detail: { inputs: input.datasets.map((dataset) => dataset.name), input_models: input.modelIds },
    })
  })
}

/** Adds one input of a run that the platform itself started. Joins the caller's transaction. */
export async function addRunInput(ctx: Context, project: Project, runId: string, input: NewRunInput): Promise<void> {
  checkInput(input, 0)
  await inTransaction(ctx, async (tx) => {
    await writeInput(tx, project.id, await assertRunTakesWrites(tx, SYSTEM, project.id, runId), input)
  })
}

function checkInput(input: NewRunInput, index: number): void {
  const path = `datasets[${index}].dataset`
  checkLength(input.name, `${path}.name`, LIMITS.datasetName)
  checkLength(input.digest, `${path}.digest`, LIMITS.datasetDigest)
  checkLength(input.sourceType, `${path}.source_type`, LIMITS.datasetSourceType)
  checkLength(input.source, `${path}.source`, LIMITS.datasetSource)
  checkLength(input.schema ?? '', `${path}.schema`, LIMITS.datasetSchema)
  checkLength(input.profile ?? '', `${path}.profile`, LIMITS.datasetProfile)
  for (const [at, tag] of input.tags.entries()) {
    checkLength(tag.key, `datasets[${index}].tags[${at}].key`, LIMITS.inputTagKey)
    checkLength(tag.value, `datasets[${index}].tags[${at}].value`, LIMITS.inputTagValue)
  }
}

async function writeInput(
  tx: Context,
  projectId: string,
  run: { id: string; experimentRowId: number },
  input: NewRunInput,
): Promise<void> {
  const known = await store.firstOfDigest(tx.db, projectId, run.experimentRowId, input.name, input.digest)
  const tags = Object.fromEntries(input.tags.map(({ key, value }) => [key, value]))
  await store.addInput(tx.db, {
    id: newId(tx.now()),
    run_id: run.id,
    project_id: projectId,
    name: input.name,
    digest: input.digest,
    source_type: known?.source_type ?? input.sourceType,
    source: known?.source ?? input.source,
    schema: known === undefined ? (input.schema ?? null) : known.schema,
    profile: known === undefined ? (input.profile ?? null) : known.profile,
    tags: JSON.stringify(tags),
    context: tags[CONTEXT_TAG] ?? null,
    // A job's code calls its data by the dataset's name, and its source is a folder that only the job has.
    dataset_version_id: input.datasetVersionId ?? (await store.givenVersion(tx.db, run.id, input.name)),
  })
}

/**
 * Says which logged models a run made, and at which step.
 * @throws AppError bad_request (limits, deleted run), not_found (run, model), forbidden
 */
export async function logOutputs(
  ctx: Context,
  actor: Actor,
  project: Project,
  runId: string,
  models: readonly { modelId: string; step: number | bigint }[],
): Promise<void> {
  checkCount(models.length, 'models', BATCH.models)
  await inTransaction(ctx, async (tx) => {
    await assertRunTakesWrites(tx, actor, project.id, runId)
    await writeModels(tx, project.id, runId, 'output', models)
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'updated',
      kind: 'run',
      subject: runId,
      detail: { output_models: models.map((model) => model.modelId) },
    })
  })
}

async function writeModels(
  tx: Context,
  projectId: string,
  runId: string,
  direction: 'input' | 'output',
  models: readonly { modelId: string; step: number | bigint }[],
): Promise<void> {
  await assertLoggedModelsExist(
    tx,
    projectId,
    models.map((model) => model.modelId),
  )
  const steps = new Map(models.map((model) => [model.modelId, model.step]))
  await store.putRunModels(
    tx.db,
    [...steps].map(([modelId, step]) => ({ run_id: runId, model_id: modelId, direction, step })),
  )
}

/** The datasets that a run of the project read, in the order they were logged. @throws AppError not_found */
export async function runInputs(ctx: Context, projectId: string, runId: string): Promise<RunInput[]> {
  const rows = await store.inputsOf(ctx.db, [runId])
  return rows.filter((row) => row.project_id === projectId).map(inputOf)
}

export type RunLinks = { inputs: RunInput[]; models: RunModel[] }

/** Inputs and models of runs that were found in a project before, by run id. */
export async function linksOfRuns(ctx: Context, runIds: readonly string[]): Promise<Map<string, RunLinks>> {
  const links = new Map<string, RunLinks>(runIds.map((id) => [id, { inputs: [], models: [] }]))
  for (const row of await store.inputsOf(ctx.db, runIds)) links.get(row.run_id)?.inputs.push(inputOf(row))
  for (const row of await store.runModelsOf(ctx.db, runIds)) {
    links.get(row.run_id)?.models.push({ modelId: row.model_id, direction: row.direction, step: row.step })
  }
  return links
}

/** Runs that read a dataset version of ours, newest first, at most 200. */
export async function runsOfDatasetVersion(
  ctx: Context,
  projectId: string,
  versionId: string,
): Promise<{ id: string; name: string; status: RunStatus }[]> {
  const rows = await store.runsOfVersion(ctx.db, projectId, versionId, 200)
  return rows.map(({ id, name, status }) => ({ id, name, status }))
}

export type DatasetSummary = { experimentId: string; name: string; digest: string; context: string | null }

/** The distinct datasets that runs of these experiments read, at most 1000. @throws AppError bad_request beyond 20 experiments */
export async function searchDatasets(
  ctx: Context,
  projectId: string,
  experimentIds: readonly string[],
): Promise<DatasetSummary[]> {
  if (experimentIds.length === 0 || experimentIds.length > 20) {
    throw badRequest(
      'SearchDatasets request must specify at least one experiment_id, and at most 20.',
      'experiment_ids',
    )
  }
  const rows = await store.datasetSummaries(ctx.db, projectId, await rowIdsOf(ctx, projectId, experimentIds), 1_000)
  return rows.map((row) => ({
    experimentId: wireId({ ...row, id: row.experiment_id }),
    name: row.name,
    digest: row.digest,
    context: row.context === '' ? null : row.context,
  }))
}
