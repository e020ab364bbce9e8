import type { Db } from '../../db/dialect.ts'
import type { Place } from '../../db/keyset.ts'
import { defineRead } from '../../db/reads.ts'
import { inputsOf, runModelsOf } from './inputs.store.ts'
import { type MetricPoint, pointOf } from './metric-points.ts'
import { latestOf } from './metrics/series.store.ts'
import { inputOf, type RunInput, type RunModel, type RunRecord, runRecord } from './records.ts'
import { paramTexts, tagTexts } from './run-data.store.ts'
import { NAME_TAG, type RunRow, runsByIds } from './runs.store.ts'
import type { RunSearch } from './runs-asked.store.ts'
import { findRuns } from './runs-search.store.ts'

/** One page of a search: its runs in order, and the place of the last one when more follow. */
export type FoundPage = { ids: string[]; last: Place | null }

/** A page of at most `search.limit` runs. */
export async function findPage(db: Db, search: RunSearch): Promise<FoundPage> {
  const found = await findRuns(db, { ...search, limit: search.limit + 1 })
  const page = found.slice(0, search.limit)
  return { ids: page.map((run) => run.id), last: found.length > search.limit ? (page.at(-1)?.place ?? null) : null }
}

export const foundPage = defineRead(import.meta.url, 'foundPage', findPage)

/** A run with all that is kept of it. */
export type WholeRun = {
  run: RunRecord
  /** JSON text of `[{"key": …, "value": …}]` by key: they are most of a page, and nobody but the client looks into them. */
  params: string
  /** As `params`, behind the one that is the run's name. */
  tags: string
  /** The latest point of each metric. */
  metrics: MetricPoint[]
  inputs: RunInput[]
  models: RunModel[]
}

/** Runs of a project in the order of the ids; those it has not are left out. A fixed number of queries. */
export async function wholeRuns(db: Db, projectId: string, ids: readonly string[]): Promise<WholeRun[]> {
  const rows = await runsByIds(db, projectId, ids)
  const own = rows.map((row) => row.id)
  const params = await paramTexts(db, own)
  const tags = await tagTexts(db, own)
  const metrics = Map.groupBy(await latestOf(db, own), (row) => row.run_id)
  const inputs = Map.groupBy(await inputsOf(db, own), (row) => row.run_id)
  const models = Map.groupBy(await runModelsOf(db, own), (row) => row.run_id)
  return rows.map((row) => ({
    run: runRecord(row),
    params: params.get(row.id) ?? '[]',
    tags: tagsText(row, tags.get(row.id)),
    metrics: (metrics.get(row.id) ?? []).map(pointOf),
    inputs: (inputs.get(row.id) ?? []).map(inputOf),
    models: (models.get(row.id) ?? []).map(({ model_id, direction, step }) => ({ modelId: model_id, direction, step })),
  }))
}

function tagsText({ name, name_tagged }: RunRow, others = '[]'): string {
  if (name_tagged === 0) return others
  const own = JSON.stringify({ key: NAME_TAG, value: name })
  return others === '[]' ? `[${own}]` : `[${own},${others.slice(1)}`
}
