import type { Context } from '../../context.ts'
import { artifactPathOf, joinPath, openArtifact, walkArtifacts } from '../artifacts/artifacts.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { listModels, type RegisteredModel as OurModel, PROMPT_TAG } from '../registry/models.service.ts'
import { searchModels } from '../registry/search.service.ts'
import { versionsOfModel } from '../registry/versions.service.ts'
import { listExperiments, withTags } from '../tracking/experiments.service.ts'
import { metricHistory } from '../tracking/history.service.ts'
import { pageOfLoggedModelIds, pageOfRunIds } from '../tracking/import.service.ts'
import { linksOfRuns } from '../tracking/inputs.service.ts'
import { getLoggedModel, valuesOfModels } from '../tracking/logged-models.service.ts'
import { valuesOfRuns } from '../tracking/run-data.service.ts'
import { getRun } from '../tracking/runs.service.ts'
import {
  type ArtifactFile,
  type Artifacts,
  batches,
  type Experiment,
  type LoggedModel,
  type Pair,
  POINTS_PER_BATCH,
  type Point,
  type Reader,
  type RegisteredModel,
  type Run,
} from './types.ts'

const HISTORY_PAGE = 20_000

/** One project of this server as an MLflow store. Deleted runs, experiments and logged models are part of it. */
export function projectReader(ctx: Context, project: Project): Reader {
  const rowIds = new Map<string, number>()
  return {
    what: `the project ${project.owner}/${project.name}`,
    readsEveryStore: false,
    async *experiments() {
      for (const experiment of await withTags(ctx, await listExperiments(ctx, project.id))) {
        rowIds.set(experiment.id, experiment.rowId)
        yield { ...experiment, tags: pairsOf(experiment.tags) }
      }
    },
    loggedModels: (experiment) => loggedModelsOf(ctx, project, experiment, rowIds.get(experiment.id) ?? 0),
    runs: (experiment) => runsOf(ctx, project, experiment, rowIds.get(experiment.id) ?? 0),
    points: (run) => batches(pointsOf(ctx, project, run), POINTS_PER_BATCH),
    runArtifacts: async (run) => filesAt(ctx, project, run.artifactUri),
    modelArtifacts: async (model) => filesAt(ctx, project, model.artifactUri),
    registeredModels: () => modelsOf(ctx, project),
    close: async () => {},
  }
}

function pairsOf(values: Readonly<Record<string, string>>): Pair[] {
  return Object.entries(values).map(([key, value]) => ({ key, value }))
}

async function* runsOf(ctx: Context, project: Project, experiment: Experiment, rowId: number): AsyncIterable<Run> {
  for (let after = ''; ; ) {
    const page = await pageOfRunIds(ctx, rowId, after)
    if (page.length === 0) return
    for (const { id, deletedAtMs } of page) {
      const run = await getRun(ctx, project.id, id)
      const values = (await valuesOfRuns(ctx, [id])).get(id)
      const links = (await linksOfRuns(ctx, [id])).get(id)
      yield {
        ...run,
        experimentId: experiment.id,
        deletedAtMs,
        params: values?.params ?? [],
        tags: values?.tags ?? [],
        inputs: (links?.inputs ?? []).map((input) => ({ ...input, tags: pairsOf(input.tags) })),
        inputModels: (links?.models ?? []).filter((link) => link.direction === 'input').map((link) => link.modelId),
        outputModels: (links?.models ?? []).filter((link) => link.direction === 'output'),
        pointsMark: (values?.metrics ?? []).map((metric) => metric.key).join('\n'),
      }
    }
    after = page.at(-1)?.id ?? ''
  }
}

async function* pointsOf(ctx: Context, project: Project, run: Run): AsyncIterable<Point> {
  for (const key of run.pointsMark === '' ? [] : run.pointsMark.split('\n')) {
    for (let pageToken: string | undefined; ; ) {
      const page = await metricHistory(ctx, project.id, run.id, key, { maxResults: HISTORY_PAGE, pageToken })
      yield* page.points
      if (page.nextPageToken === null) break
      pageToken = page.nextPageToken
    }
  }
}

async function* loggedModelsOf(
  ctx: Context,
  project: Project,
  experiment: Experiment,
  rowId: number,
): AsyncIterable<LoggedModel> {
  for (let after = ''; ; ) {
    const page = await pageOfLoggedModelIds(ctx, rowId, after)
    if (page.length === 0) return
    for (const id of page) {
      const model = await getLoggedModel(ctx, project.id, id, { allowDeleted: true })
      const values = (await valuesOfModels(ctx, [id])).get(id)
      yield {
        ...model,
        experimentId: experiment.id,
        params: values?.params ?? [],
        tags: values?.tags ?? [],
        metrics: values?.metrics ?? [],
      }
    }
    after = page.at(-1) ?? ''
  }
}

async function filesAt(ctx: Context, project: Project, uri: string): Promise<Artifacts> {
  const root = artifactPathOf(uri)
  return root === null ? { elsewhere: uri } : { files: filesOf(ctx, project, root) }
}

async function* filesOf(ctx: Context, project: Project, root: string): AsyncIterable<ArtifactFile> {
  for (const { path, sizeBytes } of await walkArtifacts(ctx, project.id, root)) {
    const open = async () => (await openArtifact(ctx, project.id, joinPath(root, path))).stream
    yield { path, sizeBytes, modifiedAtMs: 0, open }
  }
}

async function* modelsOf(ctx: Context, project: Project): AsyncIterable<RegisteredModel> {
  for (const model of await listModels(ctx, project.id)) yield await modelOf(ctx, project, model)
  // Prompts are models that a list leaves out.
  const filter = `tags.\`${PROMPT_TAG}\` = 'true'`
  for (let pageToken: string | undefined; ; ) {
    const page = await searchModels(ctx, project.id, { filter, maxResults: 100, pageToken })
    for (const model of page.models) yield await modelOf(ctx, project, model)
    if (page.nextPageToken === null) return
    pageToken = page.nextPageToken
  }
}

async function modelOf(ctx: Context, project: Project, model: OurModel): Promise<RegisteredModel> {
  const versions = await versionsOfModel(ctx, project.id, model.name)
  return {
    ...model,
    tags: pairsOf(model.tags),
    lastVersion: Math.max(0, ...versions.map((version) => version.version)),
    versions: versions.reverse().map((version) => ({
      ...version,
      storageLocation: version.storageUri,
      userName: version.createdBy,
      status: version.status as RegisteredModel['versions'][number]['status'],
      tags: pairsOf(version.tags),
    })),
  }
}
