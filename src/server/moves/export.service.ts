import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { AppError, errorMessage } from '../../lib/errors.ts'
import { pathSegments } from '../../lib/relative-path.ts'
import { artifactPathOf } from '../artifacts/paths.ts'
import { isVersionFile } from '../artifacts/sharing.service.ts'
import type { Report } from './report.ts'
import type { Artifacts, Experiment, LoggedModel, Point, Reader, RegisteredModel, Run } from './types.ts'

/**
 * Where an export goes. `artifactUri` is what the store will say: a place below the root where the files will lie at the
 * end, or a URI of another store as it was.
 */
export type Writer = {
  /** Folder that a run's or model's files are written to. */
  artifactFolder(experiment: Experiment, below: readonly string[]): string
  /** The URI by which the store names that place. */
  artifactUri(experimentId: string, below: readonly string[]): string
  experiment(experiment: Experiment): Promise<void>
  run(experiment: Experiment, run: Run): Promise<void>
  points(experiment: Experiment, run: Run, points: readonly Point[]): Promise<void>
  loggedModel(experiment: Experiment, model: LoggedModel): Promise<void>
  registeredModel(model: RegisteredModel): Promise<void>
}

const RUN_FILES = (id: string) => [id, 'artifacts']
const MODEL_FILES = (id: string) => ['models', id, 'artifacts']

/** Writes everything of a store, ours, to another one that is empty. */
export async function exportStore(reader: Reader, writer: Writer, report: Report): Promise<void> {
  /** Which experiment a run or logged model is in: what sources of versions are rewritten with. */
  const places = new Map<string, string>()
  for await (const experiment of reader.experiments()) {
    await writer.experiment({
      ...experiment,
      artifactLocation: here(experiment.artifactLocation, () => writer.artifactUri(experiment.id, [])),
    })
    report.count('experiments', 'moved')
    for await (const model of reader.loggedModels(experiment)) {
      places.set(model.id, experiment.id)
      const uri = here(model.artifactUri, () => writer.artifactUri(experiment.id, MODEL_FILES(model.id)))
      await writer.loggedModel(experiment, { ...model, artifactUri: uri })
      const folder = writer.artifactFolder(experiment, MODEL_FILES(model.id))
      await copyFiles(await reader.modelArtifacts(model), folder, `logged model ${model.id}`, report)
      report.count('logged models', 'moved')
    }
    for await (const run of reader.runs(experiment)) {
      places.set(run.id, experiment.id)
      const uri = here(run.artifactUri, () => writer.artifactUri(experiment.id, RUN_FILES(run.id)))
      await writer.run(experiment, { ...run, artifactUri: uri })
      for await (const points of reader.points(run)) {
        await writer.points(experiment, run, points)
        report.count('points', 'moved', points.length)
      }
      const folder = writer.artifactFolder(experiment, RUN_FILES(run.id))
      await copyFiles(await reader.runArtifacts(run), folder, `run ${run.id}`, report)
      report.count('runs', 'moved')
    }
  }
  for await (const model of reader.registeredModels()) {
    const versions = model.versions.map((version) => ({
      ...version,
      source: sourceThere(version.source, places, writer),
      storageLocation: sourceThere(version.storageLocation ?? version.source, places, writer),
    }))
    for (const { source, version } of versions)
      if (isVersionFile(artifactPathOf(source) ?? ''))
        report.problem(
          `model version ${model.name}/${version}`,
          'it is a copy with files of its own; they were not exported',
        )
    await writer.registeredModel({ ...model, versions })
    report.count('registered models', 'moved')
    report.count('model versions', 'moved', versions.length)
  }
}

/** Our own places become the target's; what lies in another store stays there. */
function here(uri: string, there: () => string): string {
  return /^mlflow-artifacts:/i.test(uri) ? there() : uri
}

function sourceThere(source: string, places: ReadonlyMap<string, string>, writer: Writer): string {
  if (!/^mlflow-artifacts:/i.test(source)) return source
  const parts = source.split('/')
  const at = parts.findIndex((part, index) => places.has(part) && parts[index + 1] === 'artifacts')
  const id = parts[at] ?? ''
  if (at < 0) return source
  const below = id.startsWith('m-') ? MODEL_FILES(id) : RUN_FILES(id)
  return writer.artifactUri(places.get(id) ?? '', [...below, ...parts.slice(at + 2)])
}

async function copyFiles(artifacts: Artifacts, folder: string, where: string, report: Report): Promise<void> {
  if ('elsewhere' in artifacts) return report.note(`files of ${where} stay at ${artifacts.elsewhere}`)
  for await (const file of artifacts.files) {
    try {
      const target = join(folder, ...pathSegments(file.path))
      await mkdir(dirname(target), { recursive: true })
      await pipeline(await file.open(), createWriteStream(target, { flags: 'wx', mode: 0o644 }))
      report.count('files', 'moved')
    } catch (error) {
      const isTheirs = error instanceof AppError && error.status < 500
      if (!isTheirs && (error as NodeJS.ErrnoException).code !== 'ENAMETOOLONG') throw error
      report.problem(`file ${file.path} of ${where}`, `it was not exported: ${errorMessage(error)}`)
    }
  }
}
