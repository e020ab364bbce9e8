import type { Context } from '../../context.ts'
import { type CatalogKind, type EntryRow, namesOf } from './catalog.store.ts'
import { describeDatasets } from './dataset-entries.service.ts'
import * as details from './details.store.ts'
import type { CatalogEntry, EntryCommon, RelatedEntry } from './entry.ts'
import { formatItemId, slugsOf } from './item-id.ts'
import { describeModels } from './model-entries.service.ts'

/** Everything an item says, for the rows of one page, in a fixed number of queries. */
export async function describeEntries(ctx: Context, rows: EntryRow[]): Promise<CatalogEntry[]> {
  if (rows.length === 0) return []
  const datasetIds = rows.filter((row) => row.kind === 'dataset').map((row) => row.version_id)
  const modelIds = rows.filter((row) => row.kind === 'ai-model').map((row) => row.version_id)
  const common = await describeCommon(ctx, rows)
  const [datasets, models] = await Promise.all([describeDatasets(ctx, datasetIds), describeModels(ctx, modelIds)])
  const refs = await datasetTitles(
    ctx,
    [...datasets.values()]
      .flatMap((one) => one.parentId ?? [])
      .concat([...models.values()].flatMap((one) => one.inputs.map((input) => input.versionId))),
    common.idOf,
  )
  const entries: CatalogEntry[] = []
  for (const row of rows) {
    const dataset = datasets.get(row.version_id)
    const model = models.get(row.version_id)
    if (dataset !== undefined) {
      const parent = dataset.parentId === null ? undefined : refs.get(dataset.parentId)
      entries.push({
        ...common.of(row),
        ...dataset.entry,
        derivedFrom: parent === undefined ? [] : [{ ...parent, split: null }],
      })
    } else if (model !== undefined) {
      const derivedFrom = model.inputs.flatMap((input) => {
        const ref = refs.get(input.versionId)
        return ref === undefined ? [] : [{ ...ref, split: input.split }]
      })
      // The platform and the code may both have recorded the same version for the same purpose.
      const distinct = derivedFrom.filter(
        (one, i) => derivedFrom.findIndex((other) => other.itemId === one.itemId && other.split === one.split) === i,
      )
      entries.push({ ...common.of(row), ...model.entry, derivedFrom: distinct })
    }
  }
  return entries
}

/** Ids and neighbours of each row. */
async function describeCommon(ctx: Context, rows: EntryRow[]) {
  const projects = new Map(rows.map((row) => [row.project_id, { owner: row.owner, project: row.project }]))
  const names = await namesOf(ctx.db, [...projects.keys()])
  const slugs = new Map<string, Map<string, string>>()
  const slugFor = (kind: CatalogKind, projectId: string, name: string): string => {
    const key = `${kind} ${projectId}`
    const known =
      slugs.get(key) ??
      slugsOf(names.filter((row) => row.kind === kind && row.project_id === projectId).map((row) => row.name))
    slugs.set(key, known)
    return known.get(name) ?? name
  }
  const idOf = (kind: CatalogKind, projectId: string, name: string, version: number): string => {
    const { owner, project } = projects.get(projectId) ?? { owner: '', project: '' }
    return formatItemId({ owner, project, slug: slugFor(kind, projectId, name), version })
  }
  const numbers = new Map<string, number[]>()
  const thingIds = (kind: CatalogKind) => [
    ...new Set(rows.filter((row) => row.kind === kind).map((row) => row.thing_id)),
  ]
  for (const row of await details.versionNumbers(ctx.db, {
    datasets: thingIds('dataset'),
    models: thingIds('ai-model'),
  })) {
    const list = numbers.get(row.thing_id)
    if (list === undefined) numbers.set(row.thing_id, [row.version])
    else list.push(row.version)
  }
  const of = (row: EntryRow): Omit<EntryCommon, 'description' | 'derivedFrom'> => {
    const all = numbers.get(row.thing_id) ?? [row.version]
    const id = (version: number | undefined) =>
      version === undefined ? null : idOf(row.kind, row.project_id, row.name, version)
    const index = all.indexOf(row.version)
    return {
      itemId: idOf(row.kind, row.project_id, row.name, row.version),
      versionId: row.version_id,
      owner: row.owner,
      project: row.project,
      name: row.name,
      version: row.version,
      createdBy: row.created_by,
      createdAtMs: row.created_at_ms,
      updatedAtMs: row.updated_at_ms,
      predecessor: id(all[index - 1]),
      successor: id(all[index + 1]),
      latest: idOf(row.kind, row.project_id, row.name, all.at(-1) ?? row.version),
    }
  }
  return { of, idOf }
}

/** The items of some dataset versions of the projects on this page; a version is only ever made from its own project's. */
async function datasetTitles(
  ctx: Context,
  versionIds: string[],
  idOf: (kind: CatalogKind, projectId: string, name: string, version: number) => string,
): Promise<Map<string, Omit<RelatedEntry, 'split'>>> {
  const refs = await details.datasetRefs(ctx.db, [...new Set(versionIds)])
  return new Map(
    refs.map((ref) => [
      ref.id,
      {
        itemId: idOf('dataset', ref.project_id, ref.name, ref.version),
        kind: 'dataset',
        title: `${ref.name}@${ref.version}`,
      },
    ]),
  )
}
