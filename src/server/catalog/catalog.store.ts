import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import { type Db, ilike } from '../../db/dialect.ts'

/** The collections of the catalogue, by what their items are versions of. */
export type CatalogKind = 'dataset' | 'ai-model'

/** One version of a dataset or of a registered model, as far as it is searched and sorted by. */
export type EntryRow = {
  kind: CatalogKind
  version_id: string
  /** The dataset or registered model. */
  thing_id: string
  project_id: string
  owner: string
  project: string
  name: string
  version: number
  description: string
  created_by: string
  created_at_ms: number
  updated_at_ms: number
  /** The item's id, as near to it as SQL can say it; for sorting only. */
  id_key: string
}

export const SORT_COLUMNS = ['id_key', 'kind', 'name', 'version', 'created_at_ms', 'updated_at_ms'] as const
export type SortColumn = (typeof SORT_COLUMNS)[number]
export type SortKey = { column: SortColumn; descending: boolean }

export type EntryFilter = {
  /** The projects this actor may see: nothing outside them is ever read. */
  projectIds: string[]
  kinds: readonly CatalogKind[]
  /** Only these versions of these things; null: all. */
  refs: { thingId: string; version: number }[] | null
  /** Inclusive bounds of the creation time. */
  fromMs: number | null
  toMs: number | null
  /** At least one of these texts is in the name or a description. */
  texts: string[]
}

type Entries = { entries: EntryRow }

/** All entries of some projects, as the start of a query. */
function entriesOf(db: Db, projectIds: string[]) {
  const datasets = db
    .selectFrom('dataset_versions as v')
    .innerJoin('datasets as t', 't.id', 'v.dataset_id')
    .innerJoin('projects as p', 'p.id', 'v.project_id')
    .where('v.project_id', 'in', projectIds)
    .where('t.deleted_at_ms', 'is', null)
    .where('v.deleted_at_ms', 'is', null)
    .select([
      sql<CatalogKind>`'dataset'`.as('kind'),
      'v.id as version_id',
      't.id as thing_id',
      'v.project_id',
      'p.owner',
      'p.name as project',
      't.name',
      'v.version',
      sql<string>`t.description || ' ' || v.message`.as('description'),
      'v.created_by',
      'v.created_at_ms',
      'v.created_at_ms as updated_at_ms',
      idKey.as('id_key'),
    ])
  const models = db
    .selectFrom('model_versions as v')
    .innerJoin('registered_models as t', 't.id', 'v.model_id')
    .innerJoin('projects as p', 'p.id', 'v.project_id')
    .where('v.project_id', 'in', projectIds)
    .where('t.deleted_at_ms', 'is', null)
    .where('v.deleted_at_ms', 'is', null)
    // MLflow keeps prompts as registered models: they are texts, not models.
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('registered_model_tags as g')
            .select('g.key')
            .whereRef('g.model_id', '=', 't.id')
            .where('g.key', '=', 'mlflow.prompt.is_prompt')
            .where('g.value', '=', 'true'),
        ),
      ),
    )
    .select([
      sql<CatalogKind>`'ai-model'`.as('kind'),
      'v.id as version_id',
      't.id as thing_id',
      'v.project_id',
      'p.owner',
      'p.name as project',
      't.name',
      'v.version',
      sql<string>`t.description || ' ' || v.description`.as('description'),
      'v.created_by',
      'v.created_at_ms',
      'v.updated_at_ms',
      idKey.as('id_key'),
    ])
  return db.selectFrom(datasets.unionAll(models).as('entries'))
}

const idKey = sql<string>`p.owner || '--' || p.name || '--' || lower(replace(replace(replace(t.name, '_', '-'), '.', '-'), ' ', '-')) || '-v' || v.version`

function matches(db: Db, eb: ExpressionBuilder<Entries, 'entries'>, filter: EntryFilter): Expression<SqlBool> {
  const all: Expression<SqlBool>[] = [eb('kind', 'in', [...filter.kinds])]
  if (filter.fromMs !== null) all.push(eb('created_at_ms', '>=', filter.fromMs))
  if (filter.toMs !== null) all.push(eb('created_at_ms', '<=', filter.toMs))
  if (filter.refs !== null)
    all.push(
      eb.or(filter.refs.map((ref) => eb.and([eb('thing_id', '=', ref.thingId), eb('version', '=', ref.version)]))),
    )
  if (filter.texts.length > 0) {
    const patterns = filter.texts.map((text) => `%${text.replace(/[\\%_]/g, '\\$&')}%`)
    all.push(
      eb.or(
        patterns.flatMap((pattern) => [ilike(db, eb.ref('name'), pattern), ilike(db, eb.ref('description'), pattern)]),
      ),
    )
  }
  return eb.and(all)
}

/** The rows that come after `after` in the sort order: it holds one value per sort key, then a version id. */
function comesAfter(
  eb: ExpressionBuilder<Entries, 'entries'>,
  keys: readonly SortKey[],
  after: readonly (string | number)[],
): Expression<SqlBool> {
  const columns: { column: SortColumn | 'version_id'; descending: boolean }[] = [
    ...keys,
    { column: 'version_id', descending: false },
  ]
  return eb.or(
    columns.map((last, index) =>
      eb.and([
        ...columns.slice(0, index).map((key, i) => eb(key.column, '=', after[i] as never)),
        eb(last.column, last.descending ? '<' : '>', after[index] as never),
      ]),
    ),
  )
}

/** An empty list can match nothing, and is no SQL. */
function isNothing(filter: EntryFilter): boolean {
  return filter.projectIds.length === 0 || filter.kinds.length === 0 || filter.refs?.length === 0
}

/** One page. The order is total: the version's id decides last. */
export async function searchEntries(
  db: Db,
  filter: EntryFilter,
  keys: readonly SortKey[],
  after: readonly (string | number)[] | null,
  limit: number,
): Promise<EntryRow[]> {
  if (isNothing(filter)) return []
  let query = entriesOf(db, filter.projectIds)
    .selectAll()
    .where((eb) => matches(db, eb as unknown as ExpressionBuilder<Entries, 'entries'>, filter))
  if (after !== null)
    query = query.where((eb) => comesAfter(eb as unknown as ExpressionBuilder<Entries, 'entries'>, keys, after))
  for (const key of keys) query = query.orderBy(key.column, key.descending ? 'desc' : 'asc')
  return query.orderBy('version_id').limit(limit).execute()
}

/** How many match, and when the first and the last of them were made. */
export async function countEntries(
  db: Db,
  filter: EntryFilter,
): Promise<{ count: number; firstMs: number | null; lastMs: number | null }> {
  if (isNothing(filter)) return { count: 0, firstMs: null, lastMs: null }
  const row = await entriesOf(db, filter.projectIds)
    .where((eb) => matches(db, eb as unknown as ExpressionBuilder<Entries, 'entries'>, filter))
    .select((eb) => [
      eb.fn.countAll<number>().as('count'),
      eb.fn.min('created_at_ms').as('firstMs'),
      eb.fn.max('created_at_ms').as('lastMs'),
    ])
    .executeTakeFirstOrThrow()
  return { count: Number(row.count), firstMs: row.firstMs, lastMs: row.lastMs }
}

export type NameRow = {
  kind: CatalogKind
  thing_id: string
  project_id: string
  name: string
  deleted_at_ms: number | null
}

/** Every name ever used for a dataset or model of these projects, oldest first; deleted ones keep their slug. */
export async function namesOf(db: Db, projectIds: string[]): Promise<NameRow[]> {
  if (projectIds.length === 0) return []
  const columns = ['id as thing_id', 'project_id', 'name', 'deleted_at_ms'] as const
  const [datasets, models] = await Promise.all([
    db
      .selectFrom('datasets')
      .select(columns)
      .where('project_id', 'in', projectIds)
      .orderBy('created_at_ms')
      .orderBy('id')
      .execute(),
    db
      .selectFrom('registered_models')
      .select(columns)
      .where('project_id', 'in', projectIds)
      .orderBy('created_at_ms')
      .orderBy('id')
      .execute(),
  ])
  return [
    ...datasets.map((row) => ({ kind: 'dataset' as const, ...row })),
    ...models.map((row) => ({ kind: 'ai-model' as const, ...row })),
  ]
}
