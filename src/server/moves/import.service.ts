import type { Context } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, errorMessage } from '../../lib/errors.ts'
import type { Project } from '../projects/projects.service.ts'
import { importExperiment, type PlacedExperiment } from '../tracking/import.service.ts'
import { LIMITS } from '../tracking/limits.ts'
import { cleaned, storable } from './clean.ts'
import { importRegisteredModel } from './import-registry.service.ts'
import { importLoggedModelOf, importRunOf } from './import-runs.service.ts'
import { fingerprintOf, knownThing, noteThing } from './known-things.service.ts'
import { comesHere } from './readers/artifact-folders.ts'
import type { Report } from './report.ts'
import { type Experiment, type Reader, SourceError } from './types.ts'

/** One import on its way: where to, from what, and what is to be told of it. */
export type Import = { actor: Actor; project: Project; reader: Reader; report: Report }

/**
 * Brings everything of an MLflow store into a project. Again it changes nothing, but brings what the store got since; one
 * that was stopped in the middle is taken up by the next. What cannot be brought is in the report, and the rest goes on.
 * @throws Error when the store or our own database stops answering
 */
export async function importStore(ctx: Context, move: Import): Promise<void> {
  const { reader, report } = move
  for await (const experiment of reader.experiments()) {
    const placed = await attempt(report, `experiment ${experiment.id}`, () => place(ctx, move, experiment))
    if (placed === null) continue
    await each(report, `logged models of experiment ${experiment.id}`, reader.loggedModels(experiment), (model) =>
      attempt(report, `logged model ${model.id}`, () => importLoggedModelOf(ctx, move, placed, model)),
    )
    await each(report, `runs of experiment ${experiment.id}`, reader.runs(experiment), (run) =>
      attempt(report, `run ${run.id}`, () => importRunOf(ctx, move, placed, run)),
    )
  }
  await each(report, 'registered models', reader.registeredModels(), (model) =>
    attempt(report, `registered model "${model.name}"`, () => importRegisteredModel(ctx, move, model)),
  )
}

/** What the store or the rules of this server refuse is reported; anything else ends the import. */
async function attempt<T>(report: Report, where: string, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    const isRefusal = error instanceof AppError && error.status < 500
    if (!isRefusal && !(error instanceof SourceError)) throw error
    report.problem(where, `it was not imported, or not wholly: ${errorMessage(error)}`)
    return null
  }
}

/** A reader that fails in the middle of its things ends these, not the import. */
async function each<T>(
  report: Report,
  where: string,
  things: AsyncIterable<T>,
  work: (thing: T) => Promise<unknown>,
): Promise<void> {
  await attempt(report, where, async () => {
    for await (const thing of things) await work(thing)
  })
}

async function place(ctx: Context, move: Import, found: Experiment): Promise<PlacedExperiment> {
  const { actor, project, reader, report } = move
  const where = `experiment ${found.id} ("${found.name}")`
  const experiment = cleaned(found, where, report)
  if (experiment.name.trim() === '' || experiment.name.length > LIMITS.experimentName)
    throw new SourceError('its name is empty or too long')
  const stays = !reader.readsEveryStore && !comesHere(experiment.artifactLocation)
  const sourceId = `${experiment.id}@${experiment.createdAtMs}`
  const fingerprint = fingerprintOf(experiment)
  const known = await knownThing(ctx, project, 'experiment', sourceId)
  const tags = storable(experiment.tags, { where, kind: 'tag', longest: LIMITS.experimentTagValue }, report)
  const placed = await importExperiment(
    ctx,
    actor,
    project,
    { ...experiment, tags, artifactLocation: stays ? experiment.artifactLocation : null },
    known === null ? null : { rowId: Number(known.targetId), isUnchanged: known.fingerprint === fingerprint },
    (tx, { rowId }) => noteThing(tx, project, 'experiment', sourceId, String(rowId), fingerprint),
  )
  report.count('experiments', placed.outcome === 'unchanged' ? 'unchanged' : 'moved')
  if (stays) report.note(`${where}: its files stay at ${experiment.artifactLocation}, where clients go on reading them`)
  if (placed.outcome === 'merged') report.note(`${where} went into the experiment ${placed.id} of the same name`)
  else if (placed.id !== experiment.id)
    report.note(`${where} is experiment ${placed.id} here, as this project has another one with its id`)
  return placed
}
