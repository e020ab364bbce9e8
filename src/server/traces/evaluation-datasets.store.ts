import { type Selectable, sql } from 'kysely'
import { type Db, inChunks } from '../../db/dialect.ts'
import type { EvalDatasetRecordsTable, EvalDatasetsTable } from '../../db/tables/traces.ts'
import { satisfies } from '../../db/value-test.ts'
import type { ValueTest } from '../../lib/search-test.ts'

export type DatasetRow = Selectable<EvalDatasetsTable>
export type RecordRow = Selectable<EvalDatasetRecordsTable>
export type DatasetColumn = 'name' | 'created_by' | 'updated_by' | 'created_at_ms' | 'updated_at_ms' | 'id'
export type DatasetCondition =
  | { on: 'attribute'; column: DatasetColumn; test: ValueTest }
  | { on: 'tag'; key: string; test: ValueTest }

export async function insertDataset(db: Db, row: DatasetRow): Promise<void> {
  await db.insertInto('eval_datasets').values(row).execute()
}

export async function datasetById(db: Db, projectId: string, id: string): Promise<DatasetRow | undefined> {
  return db
    .selectFrom('eval_datasets')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('id', '=', id)
    .executeTakeFirst()
}

/** The row, held by this transaction until its end. */
export async function holdDataset(db: Db, projectId: string, id: string): Promise<DatasetRow | undefined> {
  return db
    .updateTable('eval_datasets')
    .set({ name: sql.ref('name') })
    .where('project_id', '=', projectId)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst()
}

export async function updateDataset(db: Db, id: string, change: Partial<DatasetRow>): Promise<void> {
  await db.updateTable('eval_datasets').set(change).where('id', '=', id).execute()
}

export async function deleteDataset(db: Db, id: string): Promise<void> {
  await db.deleteFrom('eval_datasets').where('id', '=', id).execute()
}

export type DatasetSearch = {
  projectId: string
  /** null: whatever its experiments. */
  experimentIds: readonly number[] | null
  conditions: readonly DatasetCondition[]
  order: readonly { column: DatasetColumn; descending: boolean }[]
  offset: number
  limit: number
}

export async function searchDatasets(db: Db, search: DatasetSearch): Promise<DatasetRow[]> {
  if (search.experimentIds?.length === 0) return []
  let query = db.selectFrom('eval_datasets').selectAll().where('project_id', '=', search.projectId)
  if (search.experimentIds !== null) {
    const ids = search.experimentIds
    query = query.where('id', 'in', (eb) =>
      eb.selectFrom('eval_dataset_experiments').select('dataset_id').where('experiment_id', 'in', ids),
    )
  }
  for (const condition of search.conditions) {
    if (condition.on === 'attribute') {
      query = query.where(satisfies(db, sql.ref(`eval_datasets.${condition.column}`), condition.test))
    } else {
      const { key, test } = condition
      query = query.where((eb) =>
        eb.exists(
          eb
            .selectFrom('eval_dataset_tags as v')
            .select('v.key')
            .whereRef('v.dataset_id', '=', 'eval_datasets.id')
            .where('v.key', '=', key)
            .where(satisfies(db, sql.ref('v.value'), test)),
        ),
      )
    }
  }
  for (const { column, descending } of search.order) query = query.orderBy(column, descending ? 'desc' : 'asc')
  return query.offset(search.offset).limit(search.limit).execute()
}

export async function tagsOfDatasets(db: Db, ids: readonly string[]) {
  if (ids.length === 0) return []
  return db.selectFrom('eval_dataset_tags').selectAll().where('dataset_id', 'in', ids).orderBy('key').execute()
}

export async function putTags(db: Db, datasetId: string, tags: ReadonlyMap<string, string>): Promise<void> {
  if (tags.size === 0) return
  await db
    .insertInto('eval_dataset_tags')
    .values([...tags].map(([key, value]) => ({ dataset_id: datasetId, key, value })))
    .onConflict((conflict) =>
      conflict.columns(['dataset_id', 'key']).doUpdateSet((eb) => ({ value: eb.ref('excluded.value') })),
    )
    .execute()
}

export async function deleteTag(db: Db, datasetId: string, key: string): Promise<void> {
  await db.deleteFrom('eval_dataset_tags').where('dataset_id', '=', datasetId).where('key', '=', key).execute()
}

export async function experimentsOfDatasets(db: Db, ids: readonly string[]) {
  if (ids.length === 0) return []
  return db
    .selectFrom('eval_dataset_experiments')
    .innerJoin('experiments', 'experiments.id', 'eval_dataset_experiments.experiment_id')
    .select(['eval_dataset_experiments.dataset_id', 'experiments.id', 'experiments.is_default', 'experiments.wire_id'])
    .where('eval_dataset_experiments.dataset_id', 'in', ids)
    .orderBy('experiments.id')
    .execute()
}

export async function addExperiments(db: Db, datasetId: string, experimentIds: readonly number[]): Promise<void> {
  if (experimentIds.length === 0) return
  await db
    .insertInto('eval_dataset_experiments')
    .values(experimentIds.map((id) => ({ dataset_id: datasetId, experiment_id: id })))
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function removeExperiments(db: Db, datasetId: string, experimentIds: readonly number[]): Promise<void> {
  if (experimentIds.length === 0) return
  await db
    .deleteFrom('eval_dataset_experiments')
    .where('dataset_id', '=', datasetId)
    .where('experiment_id', 'in', experimentIds)
    .execute()
}

export async function recordsByHash(db: Db, datasetId: string, hashes: readonly string[]): Promise<RecordRow[]> {
  const rows: RecordRow[] = []
  await inChunks(hashes, 1, async (chunk) => {
    const found = await db
      .selectFrom('eval_dataset_records')
      .selectAll()
      .where('dataset_id', '=', datasetId)
      .where('input_hash', 'in', chunk)
      .execute()
    for (const row of found) rows.push(row)
  })
  return rows
}

export async function putRecords(db: Db, rows: readonly RecordRow[]): Promise<void> {
  await inChunks(rows, 5, async (chunk) => {
    await db
      .insertInto('eval_dataset_records')
      .values(chunk)
      .onConflict((conflict) =>
        conflict.columns(['dataset_id', 'input_hash']).doUpdateSet((eb) => ({ content: eb.ref('excluded.content') })),
      )
      .execute()
  })
}

export async function countRecords(db: Db, datasetId: string): Promise<number> {
  const row = await db
    .selectFrom('eval_dataset_records')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('dataset_id', '=', datasetId)
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** Records in the order they were added, behind one of them. */
export async function recordsPage(
  db: Db,
  datasetId: string,
  after: { createdAtMs: number; id: string } | null,
  limit: number,
): Promise<RecordRow[]> {
  let query = db.selectFrom('eval_dataset_records').selectAll().where('dataset_id', '=', datasetId)
  if (after !== null) {
    query = query.where((eb) =>
      eb.or([
        eb('created_at_ms', '>', after.createdAtMs),
        eb.and([eb('created_at_ms', '=', after.createdAtMs), eb('id', '>', after.id)]),
      ]),
    )
  }
  return query.orderBy('created_at_ms').orderBy('id').limit(limit).execute()
}

export async function deleteRecords(db: Db, datasetId: string, ids: readonly string[]): Promise<number> {
  let deleted = 0
  await inChunks(ids, 1, async (chunk) => {
    const done = await db
      .deleteFrom('eval_dataset_records')
      .where('dataset_id', '=', datasetId)
      .where('id', 'in', chunk)
      .executeTakeFirst()
    deleted += Number(done.numDeletedRows)
  })
  return deleted
}
