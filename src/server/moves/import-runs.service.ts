import type { Context } from '../../context.ts'
import { inTransaction } from '../../context.ts'
import { artifactPathOf, joinPath } from '../artifacts/artifacts.service.ts'
import {
  finishImportedRun,
  type ImportedRun,
  idForImport,
  importRun,
  importRunData,
  isHere,
  type PlacedExperiment,
} from '../tracking/import.service.ts'
import { importLoggedModel } from '../tracking/import-models.service.ts'
import { LIMITS } from '../tracking/limits.ts'
import { NAME_TAG, PARENT_TAG } from '../tracking/runs.service.ts'
import { cleaned, keyProblem, storable } from './clean.ts'
import type { Import } from './import.service.ts'
import { copyFiles, type FoundFiles, filesMark, listFiles } from './import-artifacts.service.ts'
import { fingerprintOf, type Known, knownThing, noteThing } from './known-things.service.ts'
import { batches, type LoggedModel, type Pair, type Run, SourceError } from './types.ts'

/** What MLflow's own clients make, and what they would accept. */
const RUN_ID = /^[a-zA-Z0-9][\w-]{0,63}$/
const MODEL_ID = /^m-[\w-]{1,64}$/
const PAIRS_PER_BATCH = 100

/** Where files of a thing are here: below its experiment when that is ours, else where they were. */
function artifactUriHere(placed: PlacedExperiment, found: FoundFiles, theirs: string, below: string): string {
  if (found.elsewhere !== null) return theirs
  const isOurs = artifactPathOf(placed.artifactLocation) !== null
  return `${isOurs ? placed.artifactLocation : `mlflow-artifacts:/${placed.id}`}/${below}/artifacts`
}

/** One run with all its data and files. A run that is here and did not change since is left alone, whatever happened to it here. */
export async function importRunOf(ctx: Context, move: Import, placed: PlacedExperiment, found: Run): Promise<void> {
  const { project, reader, report } = move
  const where = `run ${found.id}`
  if (!RUN_ID.test(found.id)) throw new SourceError('its id can be none')
  const run = cleaned(found, where, report)
  const artifacts = await listFiles(move, where, await reader.runArtifacts(run))
  const fingerprint = fingerprintOf([run, filesMark(artifacts.files)])
  const known = await knownThing(ctx, project, 'run', run.id)
  if (known?.fingerprint === fingerprint && (await isHere(ctx, project, 'run', known.targetId)))
    return report.count('runs', 'unchanged')
  const id = known?.targetId ?? (await idForImport(ctx, project, 'run', run.id))
  if (id !== run.id) report.note(`${where} is run ${id} here, as another project of this server has its id`)
  const target: ImportedRun = {
    ...run,
    id,
    name: run.name.slice(0, LIMITS.runName),
    userName: run.userName.slice(0, 256),
    experimentRowId: placed.rowId,
    artifactUri: artifactUriHere(placed, artifacts, run.artifactUri, id),
    models: await linkedModels(ctx, move, run),
  }
  await inTransaction(ctx, async (tx) => {
    await noteThing(tx, project, 'run', run.id, id, null)
    await importRun(tx, project, target)
  })
  await importPairs(ctx, move, where, run, id)
  await importPoints(ctx, move, where, run, id)
  if (artifacts.elsewhere !== null) report.note(`files of ${where} stay at ${artifacts.elsewhere}`)
  await copyFiles(ctx, move, where, artifacts, { artifactUri: target.artifactUri, known })
  await finishImportedRun(ctx, move.actor, project, target, (tx) =>
    noteThing(tx, project, 'run', run.id, id, fingerprint),
  )
  report.count('runs', 'moved')
}

async function linkedModels(ctx: Context, move: Import, run: Run): Promise<ImportedRun['models']> {
  const links: ImportedRun['models'][number][] = []
  const models = [
    ...run.inputModels.map((modelId) => ({ modelId, direction: 'input' as const, step: 0 })),
    ...run.outputModels.map((model) => ({ ...model, direction: 'output' as const })),
  ]
  for (const model of models) {
    if (!MODEL_ID.test(model.modelId)) continue
    links.push({ ...model, modelId: await idForImport(ctx, move.project, 'logged_model', model.modelId) })
  }
  return links
}

async function importPairs(ctx: Context, move: Import, where: string, run: Run, id: string): Promise<void> {
  const { actor, project, report } = move
  const params = storable(run.params, { where, kind: 'param', longest: LIMITS.paramValue }, report)
  const tags = storable(
    await withParentHere(ctx, move, run.tags),
    { where, kind: 'tag', longest: LIMITS.tagValue },
    report,
  )
  const nameTag = tags.find((tag) => tag.key === NAME_TAG)
  if (nameTag !== undefined && nameTag.value !== '' && nameTag.value !== run.name)
    report.note(`${where} is named "${run.name}"; its tag ${NAME_TAG}, which is the name here, was "${nameTag.value}"`)
  for await (const batch of batches(params, PAIRS_PER_BATCH))
    await importRunData(ctx, actor, project, id, { params: batch })
  for await (const batch of batches(tags, PAIRS_PER_BATCH))
    await importRunData(ctx, actor, project, id, { tags: batch })
}

async function withParentHere(ctx: Context, move: Import, tags: readonly Pair[]): Promise<Pair[]> {
  const parent = tags.find((tag) => tag.key === PARENT_TAG)
  if (parent === undefined || !RUN_ID.test(parent.value)) return [...tags]
  const value = await idForImport(ctx, move.project, 'run', parent.value)
  return tags.map((tag) => (tag === parent ? { key: PARENT_TAG, value } : tag))
}

async function importPoints(ctx: Context, move: Import, where: string, run: Run, id: string): Promise<void> {
  const refused = new Map<string, string | null>()
  for await (const points of move.reader.points(run)) {
    const metrics = points.filter(({ key, timestampMs }) => {
      if (!refused.has(key)) {
        const problem = keyProblem(key)
        refused.set(key, problem)
        if (problem !== null) move.report.problem(where, `a metric was left out: ${problem}`)
      }
      if (timestampMs < 0) move.report.problem(where, `a point of "${key}" was left out: its time is negative`)
      return refused.get(key) === null && timestampMs >= 0
    })
    if (metrics.length === 0) continue
    await importRunData(ctx, move.actor, move.project, id, { metrics })
    move.report.count('points', 'moved', metrics.length)
  }
}

/** One logged model with all its data and files. */
export async function importLoggedModelOf(
  ctx: Context,
  move: Import,
  placed: PlacedExperiment,
  found: LoggedModel,
): Promise<void> {
  const { project, reader, report } = move
  const where = `logged model ${found.id}`
  if (!MODEL_ID.test(found.id)) throw new SourceError('its id can be none')
  const model = cleaned(found, where, report)
  const artifacts = await listFiles(move, where, await reader.modelArtifacts(model))
  const fingerprint = fingerprintOf([model, filesMark(artifacts.files)])
  const known = await knownThing(ctx, project, 'logged_model', model.id)
  if (known?.fingerprint === fingerprint && (await isHere(ctx, project, 'logged_model', known.targetId)))
    return report.count('logged models', 'unchanged')
  const id = known?.targetId ?? (await idForImport(ctx, project, 'logged_model', model.id))
  if (id !== model.id) report.note(`${where} is ${id} here, as another project of this server has its id`)
  const artifactUri = artifactUriHere(placed, artifacts, model.artifactUri, joinPath('models', id))
  await putModel(ctx, move, placed, { ...model, artifactUri }, { id, where, fingerprint: null })
  if (artifacts.elsewhere !== null) report.note(`files of ${where} stay at ${artifacts.elsewhere}`)
  await copyFiles(ctx, move, where, artifacts, { artifactUri, known: known as Known | null })
  await putModel(ctx, move, placed, { ...model, artifactUri }, { id, where, fingerprint })
  report.count('logged models', 'moved')
}

async function putModel(
  ctx: Context,
  move: Import,
  placed: PlacedExperiment,
  model: LoggedModel,
  as: { id: string; where: string; fingerprint: string | null },
): Promise<void> {
  const { actor, project, report } = move
  const { where } = as
  const here = async (runId: string) => (RUN_ID.test(runId) ? idForImport(ctx, project, 'run', runId) : runId)
  const metrics = []
  for (const metric of model.metrics) {
    if (keyProblem(metric.key) === null) metrics.push({ ...metric, runId: await here(metric.runId) })
    else if (as.fingerprint !== null) report.problem(where, `a metric was left out: ${keyProblem(metric.key)}`)
  }
  const isLast = as.fingerprint !== null
  await importLoggedModel(
    ctx,
    actor,
    project,
    {
      ...model,
      id: as.id,
      experimentRowId: placed.rowId,
      sourceRunId: model.sourceRunId === null ? null : await here(model.sourceRunId),
      metrics: isLast ? metrics : [],
    },
    isLast,
    (tx) => noteThing(tx, project, 'logged_model', model.id, as.id, as.fingerprint),
  )
}
