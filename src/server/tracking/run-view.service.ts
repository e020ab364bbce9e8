import type { Context } from '../../context.ts'
import { AppError } from '../../lib/errors.ts'
import { versionById } from '../datasets/versions.service.ts'
import { versionsOfLoggedModels } from '../registry/versions.service.ts'
import { linksOfRuns } from './inputs.service.ts'
import { type LoggedModelStatus, modelsOfRuns } from './logged-models.service.ts'
import { lostRuns } from './lost-runs.service.ts'
import type { RunRecord } from './records.ts'
import { valuesOfRuns } from './run-data.service.ts'
import { PARENT_TAG } from './runs.service.ts'

/** A run with everything a page shows of it. */
export type RunView = RunRecord & {
  parentId: string | null
  /** When it was last heard, for a run that is said to be running and fell silent; null for all others. */
  lostSinceMs: number | null
  params: Record<string, string>
  /** Latest values; NaN is null. */
  metrics: Record<string, number | null>
  tags: Record<string, string>
  datasets: { name: string; digest: string; context: string | null; dataset: string | null; version: number | null }[]
  models: { id: string; name: string; status: LoggedModelStatus; registered: { name: string; version: number }[] }[]
}

/** The views of runs that were found in a project before, in the same order. A fixed number of queries, whatever their number. */
export async function describeRuns(ctx: Context, projectId: string, runs: readonly RunRecord[]): Promise<RunView[]> {
  const ids = runs.map((run) => run.id)
  const values = await valuesOfRuns(ctx, ids)
  const links = await linksOfRuns(ctx, ids)
  const lost = await lostRuns(
    ctx,
    runs.filter((run) => run.status === 'RUNNING').map((run) => run.id),
  )
  const models = await modelsOfRuns(ctx, projectId, ids)
  const modelIds = [...models.values()].flat().map((model) => model.id)
  const versions = Map.groupBy(
    await versionsOfLoggedModels(ctx, projectId, modelIds),
    (version) => version.loggedModelId,
  )
  const datasets = await datasetNames(
    ctx,
    [...links.values()].flatMap((link) => link.inputs.map((input) => input.datasetVersionId)),
  )
  return runs.map((run) => {
    const { params = [], tags = [], metrics = [] } = values.get(run.id) ?? {}
    const tagged = Object.fromEntries(tags.map(({ key, value }) => [key, value]))
    return {
      ...run,
      parentId: tagged[PARENT_TAG] ?? null,
      lostSinceMs: lost.get(run.id) ?? null,
      params: Object.fromEntries(params.map(({ key, value }) => [key, value])),
      metrics: Object.fromEntries(metrics.map(({ key, value }) => [key, Number.isNaN(value) ? null : value])),
      tags: tagged,
      datasets: (links.get(run.id)?.inputs ?? []).map(({ name, digest, context, datasetVersionId }) => {
        const known = datasets.get(datasetVersionId ?? '')
        return { name, digest, context, dataset: known?.dataset ?? null, version: known?.version ?? null }
      }),
      models: (models.get(run.id) ?? []).map(({ id, name, status }) => ({
        id,
        name,
        status,
        registered: (versions.get(id) ?? []).map((version) => ({ name: version.name, version: version.version })),
      })),
    }
  })
}

/** Runs share few dataset versions: each is looked up once. One that is gone for good has no name any more. */
async function datasetNames(
  ctx: Context,
  ids: readonly (string | null)[],
): Promise<Map<string, { dataset: string; version: number }>> {
  const names = new Map<string, { dataset: string; version: number }>()
  for (const id of new Set(ids)) {
    if (id === null) continue
    try {
      names.set(id, await versionById(ctx, id))
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'not_found')) throw error
    }
  }
  return names
}
