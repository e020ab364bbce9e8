import type { Context } from '../../context.ts'
import { AppError } from '../../lib/errors.ts'
import { artifactPathOf } from '../artifacts/artifacts.service.ts'
import { finishImportedModel, importModel, importVersion } from '../registry/import.service.ts'
import { PROMPT_TAG } from '../registry/models.service.ts'
import { canonicalStage, checkModelName } from '../registry/names.ts'
import { idForImport } from '../tracking/import.service.ts'
import { getLoggedModel } from '../tracking/logged-models.service.ts'
import { getRun } from '../tracking/runs.service.ts'
import { cleaned } from './clean.ts'
import type { Import } from './import.service.ts'
import { fingerprintOf, knownThing, noteThing } from './known-things.service.ts'
import { localPath } from './readers/artifact-folders.ts'
import type { ModelVersion, RegisteredModel } from './types.ts'

/** One registered model with its versions, tags and aliases. */
export async function importRegisteredModel(ctx: Context, move: Import, found: RegisteredModel): Promise<void> {
  const { actor, project, report } = move
  const where = `registered model "${found.name}"`
  const model = cleaned(found, where, report)
  checkModelName(model.name)
  const sourceId = `${model.name}@${model.createdAtMs}`
  const fingerprint = fingerprintOf(model)
  const known = await knownThing(ctx, project, 'model', sourceId)
  if (known?.fingerprint === fingerprint) {
    report.count('registered models', 'unchanged')
    return report.count('model versions', 'unchanged', model.versions.length)
  }
  const { id, merged } = await importModel(ctx, actor, project, model, known?.targetId ?? null, (tx, placed) =>
    noteThing(tx, project, 'model', sourceId, placed.id, null),
  )
  if (merged) report.note(`the versions of ${where} went into the model of this name that was here`)
  const versionIds = new Map<number, string>()
  for (const version of model.versions) {
    const placed = await importVersionOf(ctx, move, { ...model, id, sourceId }, version)
    versionIds.set(version.version, placed)
  }
  const left = await finishImportedModel(ctx, project, id, {
    aliases: model.aliases.flatMap(({ alias, version }) => {
      const versionId = versionIds.get(version)
      return versionId === undefined ? [] : [{ alias, versionId }]
    }),
    versionIds: new Set(versionIds.values()),
    updatedAtMs: model.updatedAtMs,
    lastVersion: model.lastVersion,
    userName: actor.name,
  })
  if (left.length > 0)
    report.problem(where, `these aliases stand for other versions here, or can be none: ${left.join(', ')}`)
  await noteThing(ctx, project, 'model', sourceId, id, fingerprint)
  report.count('registered models', 'moved')
}

async function importVersionOf(
  ctx: Context,
  move: Import,
  model: RegisteredModel & { id: string; sourceId: string },
  version: ModelVersion,
): Promise<string> {
  const { actor, project, report } = move
  const where = `version ${version.version} of "${model.name}"`
  const sourceId = `${model.sourceId}/${version.version}`
  const known = await knownThing(ctx, project, 'model_version', sourceId)
  const isPrompt = [...model.tags, ...version.tags].some(
    ({ key, value }) => key === PROMPT_TAG && /^true$/i.test(value),
  )
  const runId = version.runId === null ? null : await idForImport(ctx, project, 'run', version.runId)
  const modelId =
    version.loggedModelId === null ? null : await idForImport(ctx, project, 'logged_model', version.loggedModelId)
  const source = isPrompt ? version.source : await sourceHere(ctx, move, version.source)
  const placed = await importVersion(
    ctx,
    actor,
    project,
    model,
    { ...version, source, runId, loggedModelId: modelId, stage: canonicalStage(version.stage), isPrompt },
    known?.targetId ?? null,
    (tx, { id }) => noteThing(tx, project, 'model_version', sourceId, id, ''),
  )
  report.count('model versions', known === null ? 'moved' : 'unchanged')
  if (placed.version !== version.version)
    report.note(`${where} is version ${placed.version} here, as the model has another one of its number`)
  if (placed.problem !== null) report.problem(where, `its files cannot be read here: ${placed.problem}`)
  else if (localPath(source) === null && /^(?!mlflow-artifacts:|models:|runs:)\w+:/i.test(source) && !isPrompt)
    report.note(`the files of ${where} stay at ${source}`)
  return placed.id
}

/** A source that lies in a run or logged model that came along, as the same place here; any other one as it is. */
async function sourceHere(ctx: Context, move: Import, source: string): Promise<string> {
  const parts = source.split('/')
  for (let at = parts.length - 1; at >= 0; at--) {
    const id = parts[at] ?? ''
    const isRun = /^[0-9a-f]{32}$/.test(id)
    if (!isRun && !/^m-[0-9a-f]{32}$/.test(id)) continue
    const here = await idForImport(ctx, move.project, isRun ? 'run' : 'logged_model', id)
    if (/^(runs|models):/i.test(source)) return source.replace(id, here)
    const root = parts[at + 1] === 'artifacts' ? await artifactsOf(ctx, move, isRun, here) : null
    if (root !== null) return [root, ...parts.slice(at + 2)].filter((part) => part !== '').join('/')
  }
  return source
}

/** The artifact root of a thing of this project, when its files are ours. */
async function artifactsOf(ctx: Context, move: Import, isRun: boolean, id: string): Promise<string | null> {
  try {
    const { artifactUri } = isRun
      ? await getRun(ctx, move.project.id, id)
      : await getLoggedModel(ctx, move.project.id, id, { allowDeleted: true })
    return artifactPathOf(artifactUri) === null ? null : artifactUri
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return null
    throw error
  }
}
