import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plansOf, SORTED } from '../../../tests/harness/plans.ts'
import { localProject } from '../../../tests/harness/registry.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { type Context, inTransaction } from '../../context.ts'
import { type Db, inChunks, isPostgres } from '../../db/dialect.ts'
import { searchModels, searchVersions } from '../registry/search.service.ts'
import { searchExperiments } from './experiments-search.service.ts'
import { searchLoggedModels } from './logged-models-search.service.ts'

/**
 * Pages through experiments, logged models, models and versions enter an index at the place where the page before ended,
 * however deep that is: looked at in the engines' own plans, so that no later change loses it unseen.
 */
const MANY = 5_000
const VERSIONS = 10_000
const PAGE = 100
/** Pages before the one that is looked at. */
const DEEP = 30
let server: TestServer
let projectId: string
let loggedIn: number

beforeAll(async () => {
  server = await startTestServer()
  const { ctx } = server
  projectId = (await localProject(server, 'plans')).id
  await inTransaction(ctx, ({ db }) => fill(db))
  // PostgreSQL plans by statistics, which it gathers by itself after a while.
  if (isPostgres(ctx.db)) await sql`ANALYZE`.execute(ctx.db)
}, 120_000)
afterAll(() => server.close())

const id = (kind: string, i: number) => `${kind}${`${i}`.padStart(31, '0')}`
const many = (count: number) => Array.from({ length: count }, (_, i) => i)

async function fill(db: Db): Promise<void> {
  const place = { project_id: projectId, lifecycle: 'active' as const }
  const times = (i: number) => ({ created_at_ms: 1_000 + (i % 900), updated_at_ms: 5_000 + ((i * 7) % 1_000) })
  const experiments = many(MANY).map((i) => ({
    ...place,
    ...times(i),
    is_default: 0,
    name: `e${`${i}`.padStart(5, '0')}`,
    artifact_location: 'mlflow-artifacts:/x',
    wire_id: null,
  }))
  await inChunks(experiments, 8, (some) => db.insertInto('experiments').values(some).execute())
  const newest = db.selectFrom('experiments').select((eb) => eb.fn.max('id').as('id'))
  loggedIn = Number((await newest.executeTakeFirstOrThrow()).id)
  const logged = many(MANY).map((i) => ({
    ...place,
    ...times(i),
    id: id('m', i),
    experiment_id: loggedIn,
    name: `n${i % 50}`,
    model_type: null,
    source_run_id: id('r', i),
    status: 'LOGGED_MODEL_READY' as const,
    artifact_uri: 'mlflow-artifacts:/x',
  }))
  await inChunks(logged, 12, (some) => db.insertInto('logged_models').values(some).execute())
  const models = many(MANY).map((i) => ({
    id: id('g', i),
    project_id: projectId,
    name: `g${`${i}`.padStart(5, '0')}`,
    description: '',
    ...times(i),
    deleted_at_ms: null,
    last_version: 1,
  }))
  await inChunks(models, 8, (some) => db.insertInto('registered_models').values(some).execute())
  // One model has all but a few of the versions.
  const versions = many(VERSIONS).map((i) => ({
    id: id('v', i),
    model_id: id('g', i % 10 === 0 ? i / 10 : 1),
    project_id: projectId,
    version: i + 1,
    source: 's3://b/x',
    run_id: id('r', i),
    logged_model_id: null,
    run_link: '',
    description: '',
    stage: 'None',
    status: 'READY' as const,
    created_by: 'ada',
    ...times(i),
    deleted_at_ms: null,
    download_uri: 's3://b/x',
    artifact_path: null,
    mlmodel: null,
  }))
  await inChunks(versions, 18, (some) => db.insertInto('model_versions').values(some).execute())
}

type Page = { maxResults: number; pageToken?: string | undefined; orderBy?: string[]; filter?: string }
type Search = (ctx: Context, page: Page) => Promise<{ nextPageToken: string | null }>

const experiments: Search = (ctx, page) => searchExperiments(ctx, projectId, page)
const models: Search = (ctx, page) => searchModels(ctx, projectId, page)
const versions: Search = (ctx, page) => searchVersions(ctx, projectId, page)
const loggedModels: Search = async (ctx, { orderBy = [], ...page }) => {
  const order = orderBy.map((clause) => ({
    fieldName: clause.split(' ')[0] ?? '',
    ascending: !clause.endsWith('DESC'),
  }))
  return searchLoggedModels(ctx, projectId, { ...page, orderBy: order, experimentIds: [String(loggedIn)] })
}

/** What is searched, in which order, with which filter; the index that has the order; what enters it. */
const HOT: [string, Search, string[], string, RegExp, RegExp][] = [
  ['experiments', experiments, [], '', /experiments_newest/, /created_at_ms ?</],
  ['experiments', experiments, ['name'], '', /experiments_(by|active)_name/, /name ?>/],
  ['experiments', experiments, ['last_update_time DESC'], '', /experiments_changed/, /updated_at_ms ?</],
  ['experiments', experiments, ['experiment_id'], '', /experiments_by_wire_id/, /(<expr>|END) ?>/],
  ['models', models, [], '', /registered_models_name/, /name ?>/],
  ['models', models, ['last_updated_timestamp DESC'], '', /registered_models_changed/, /updated_at_ms ?</],
  ['versions', versions, [], '', /model_versions_changed/, /updated_at_ms ?</],
  ['versions', versions, ['creation_timestamp DESC'], '', /model_versions_project/, /created_at_ms ?</],
  ['versions', versions, [], "name = 'g00001'", /model_versions_of_model/, /updated_at_ms ?</],
  ['logged models', loggedModels, [], '', /logged_models_newest/, /created_at_ms ?</],
  ['logged models', loggedModels, ['name'], '', /logged_models_name/, /name ?>/],
  ['logged models', loggedModels, ['last_updated_timestamp DESC'], '', /logged_models_changed/, /updated_at_ms ?</],
]

describe('a page, the first or a deep one, walks an index and sorts nothing', () => {
  test.each(HOT)('%s', async (_, search, orderBy, filter, index, entrance) => {
    const { ctx } = server
    const page: Page = { maxResults: PAGE, orderBy, filter }
    const [first = ''] = await plansOf(ctx.db, (db) => search({ ...ctx, db }, page))
    expect(first).toMatch(index)
    expect(first).not.toMatch(SORTED)
    for (let pages = 0; pages < DEEP; pages++) {
      page.pageToken = (await search(ctx, page)).nextPageToken ?? undefined
      expect(page.pageToken).toBeDefined()
    }
    // The stretches of rows that share first terms with the last one come before; the last holds all others.
    const stretch = (await plansOf(ctx.db, (db) => search({ ...ctx, db }, page))).at(-1) ?? ''
    expect(stretch).toMatch(index)
    expect(stretch).toMatch(entrance)
    expect(stretch).not.toMatch(SORTED)
  })
})

test.each([
  ['logged models by their name', loggedModels, "name = 'n7'", 'logged_models_name'],
  ['versions of a run', versions, `run_id = '${id('r', 7)}'`, 'model_versions_(of_run|run)'],
  ['versions of a model', versions, "name = 'g00001'", 'model_versions_of_model'],
] as [string, Search, string, string][])(
  'a filter that few meet finds them in an index: %s',
  async (_, search, filter, index) => {
    const { ctx } = server
    const [plan] = await plansOf(ctx.db, (db) => search({ ...ctx, db }, { maxResults: PAGE, filter }))
    expect(plan).toMatch(new RegExp(index))
  },
)
