import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { upload } from '../../../tests/harness/datasets.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { LOCAL } from '../../lib/actor.ts'
import { PACKAGE_ROOT } from '../../lib/package-root.ts'
import { defaultProject, type Project } from '../projects/projects.service.ts'
import { type Recipe, runRecipe } from './recipes.service.ts'
import { problemOfSelect } from './select-only.ts'

const base = '/api/v1/projects/local/default'
const EXAMPLE = join(PACKAGE_ROOT, 'examples', 'adult-income')
let server: TestServer
let project: Project
beforeAll(async () => {
  server = await startTestServer()
  project = await defaultProject(server.ctx, LOCAL)
  await upload(server, base, 'people', [{ path: 'people.csv', content: 'name,age\nana,31\nbob,42\ncyd,17\n' }])
})
afterAll(async () => server.close())

const recipe = (sql: string, outputs: Recipe['outputs'] = [{ file: 'out.csv', sql: 'FROM data' }]): Recipe => ({
  source: 'people',
  steps: [{ name: 'only', sql }],
  outputs,
})
const run = (body: unknown, dataset = 'made') =>
  server.request('POST', `${base}/datasets/${dataset}/versions/from-recipe`, { body: { recipe: body } })

describe('a recipe', () => {
  it('makes a version with its source as the parent', async () => {
    const steps = [
      { name: 'adults', sql: 'SELECT *, _row * 10 AS place FROM data WHERE age >= 18 -- no children' },
      { name: 'loud', sql: 'SELECT * REPLACE (upper(name) AS name) FROM data;' },
    ]
    const outputs = [
      { file: 'adults.csv', sql: 'SELECT name, place FROM data ORDER BY _row DESC' },
      { file: 'deep/adults.parquet', sql: 'SELECT count(*) AS n FROM data' },
    ]
    const answer = await run({ name: 'grown', source: 'people', steps, outputs })
    expect(answer.status).toBe(201)
    expect(answer.body).toMatchObject({
      version: 1,
      has_recipe: true,
      parent: { dataset: 'people', version: 1 },
      row_count: 3,
      recipe: { source: 'people@1', name: 'grown' },
    })
    const csv = await server.request('GET', `${base}/datasets/made/versions/1/files/content?path=adults.csv`)
    expect(csv.text).toBe('name,place\nBOB,10\nANA,0\n')
    const rows = await server.request('GET', `${base}/datasets/made/versions/1/rows?file=deep/adults.parquet`)
    expect(rows.body).toEqual({ columns: [{ name: 'n', type: 'BIGINT' }], rows: [[2]], total: 1 })
    expect((await server.request('GET', `${base}/datasets/people/versions/1`)).body.used_by).toEqual({
      runs: [],
      versions: [{ dataset: 'made', version: 1 }],
    })
    const again = await run({ name: 'grown', source: 'people', steps, outputs })
    expect([again.status, again.body.version]).toEqual([200, 1])
  })

  it('of the example prepares the Adult table, the same bytes every time', async () => {
    const text = parse(readFileSync(join(EXAMPLE, 'recipe.yaml'), 'utf8')) as Recipe
    await upload(server, base, 'adult', [
      { path: 'adult.csv.gz', content: readFileSync(join(EXAMPLE, 'data', 'adult.csv.gz')) },
    ])
    const first = await run(text, 'adult-prepared')
    expect(first.status, first.text).toBe(201)
    const counts = Object.fromEntries(
      await Promise.all(
        ['train', 'test', 'traffic'].map(async (part) => {
          const { body } = await server.request(
            'GET',
            `${base}/datasets/adult-prepared/versions/1/rows?file=${part}.parquet&limit=1`,
          )
          return [part, body.total]
        }),
      ),
    )
    expect(counts).toEqual({ train: 29_306, test: 9_768, traffic: 9_768 })
    const { target: _, ...elsewhere } = text
    const second = await run(elsewhere, 'adult-again')
    expect(second.body.digest).toBe(first.body.digest)
    expect((await run(text, 'adult-other')).body.error.field).toBe('recipe.target')
  }, 60_000)

  it('reads several tables by the names of their files', async () => {
    await upload(server, base, 'pair', [
      { path: 'left.csv', content: 'k,a\n1,x\n2,y\n' },
      { path: 'right.csv', content: 'k,b\n2,z\n' },
    ])
    const steps = [{ name: 'join', sql: 'SELECT "left".k, a, b FROM "left" JOIN "right" USING (k)' }]
    const made = await run({ source: 'pair@latest', steps, outputs: [{ file: 'o.csv', sql: 'FROM data' }] }, 'joined')
    expect(made.status, made.text).toBe(201)
    expect((await server.request('GET', `${base}/datasets/joined/versions/1/rows`)).body.rows).toEqual([[2, 'y', 'z']])
    const lost = await run({ ...recipe('SELECT * FROM data'), source: 'pair' })
    expect(lost.body.error.message).toContain('several tables: left, right')
    const alone = { source: 'pair', steps: [], outputs: [{ file: 'o.csv', sql: 'FROM data' }] }
    expect((await run(alone)).body.error.message).toContain('several tables: left, right')
  })

  it('says which step is wrong, and leaves nothing', async () => {
    const before = (await server.request('GET', `${base}/datasets`)).body.datasets.length
    const cases: [unknown, number, string, RegExp][] = [
      [recipe('SELECT nme FROM data'), 422, 'recipe.steps[0].sql', /^Step 1 \("only"\): .*nme/],
      [recipe('SELEC 1'), 422, 'recipe.steps[0].sql', /Step 1 .*syntax error/],
      [
        recipe('FROM data', [{ file: 'o.csv', sql: 'SELECT x FROM data' }]),
        422,
        'recipe.outputs[0].sql',
        /^Output "o\.csv": /,
      ],
      [recipe('FROM data', [{ file: 'o.txt', sql: 'FROM data' }]), 400, 'recipe.outputs[0].file', /\.parquet or \.csv/],
      [recipe('FROM data', [{ file: '../o.csv', sql: 'FROM data' }]), 400, 'recipe.outputs[0].file', /Invalid path/],
      [{ ...recipe('FROM data'), source: 'people@7' }, 404, '', /people@7/],
      [{ ...recipe('FROM data'), extra: 1 }, 400, 'body.recipe.extra', /not a known field/],
    ]
    for (const [body, status, field, message] of cases) {
      const answer = await run(body, 'never')
      expect([answer.status, answer.body.error.field ?? '', answer.body.error.message]).toEqual([
        status,
        field,
        expect.stringMatching(message),
      ])
    }
    expect((await server.request('GET', `${base}/datasets`)).body.datasets).toHaveLength(before)
    expect(readdirSync(join(server.folder, 'tables')).length).toBeLessThanOrEqual(2)
  })
})

describe('SQL that means harm', () => {
  it.each([
    ["COPY data TO '/tmp/x.csv'", /one SELECT statement/],
    ["ATTACH '/tmp/x.db' AS x", /one SELECT statement/],
    ['INSTALL httpfs', /one SELECT statement/],
    ["SET memory_limit = '1TB'", /one SELECT statement/],
    ['PRAGMA database_list', /one SELECT statement/],
    ['DROP VIEW data', /one SELECT statement/],
    ['SELECT 1; SELECT 2', /not 2/],
    ["SELECT 1; COPY data TO '/tmp/x.csv'", /one SELECT statement/],
    ['-- nothing', /not 0/],
    ["SELECT * FROM read_csv('/etc/passwd')", /"read_csv" is not available/],
    ["SELECT (SELECT count(*) FROM read_text('/etc/passwd'))", /"read_text" is not available/],
    ["WITH x AS (SELECT * FROM glob('/*')) FROM x", /"glob" is not available/],
    ["FROM query('SELECT 1')", /"query" is not available/],
    ["SELECT * FROM enable_logging(storage = 'file', storage_path = '/tmp/x')", /"enable_logging" is not available/],
    ['SELECT * FROM arrow_scan(1, 2, 3)', /"arrow_scan" is not available/],
    ['SELECT * FROM duckdb_settings()', /"duckdb_settings" is not available/],
    ["SELECT current_setting('temp_directory')", /"current_setting" is not available/],
    ["SELECT getenv('HOME')", /"getenv" is not available/],
    ['SELECT * FROM information_schema.tables', /schema/],
  ])('is seen by the parser: %s', async (sql, message) => {
    expect(await server.ctx.tables.use((session) => problemOfSelect(session, sql))).toMatch(message)
  })

  it.each([
    'FROM data',
    'VALUES (1), (2)',
    'SELECT * EXCLUDE (a), COLUMNS(*) FROM data QUALIFY row_number() OVER (PARTITION BY a ORDER BY b) = 1',
    'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n, [x + 1 FOR x IN [1, 2]] FROM r',
    'SELECT * FROM data ASOF JOIN range(3) AS t(t) ON data.a >= t.t, unnest([1, 2]) AS u(v) USING SAMPLE 10%',
  ])('leaves honest SQL alone: %s', async (sql) => {
    expect(await server.ctx.tables.use((session) => problemOfSelect(session, sql))).toBeNull()
  })

  it.each([
    [recipe("COPY data TO '/tmp/x.csv'"), /^Step 1 .*one SELECT statement/],
    [
      recipe('FROM data', [{ file: 'o.csv', sql: "SELECT * FROM read_text('/etc/passwd')" }]),
      /^Output "o\.csv": .*"read_text" is not available/,
    ],
    [recipe("SELECT getenv('HOME')"), /getenv/],
    [recipe("SELECT * FROM '/etc/passwd'"), /\/etc\/passwd does not exist/],
    [recipe("SELECT * FROM '/etc/shells.csv'"), /(disabled by configuration|does not exist)/],
  ])('is refused before anything is made (%#)', async (body, message) => {
    const answer = await run(body, 'harmed')
    expect([answer.status, answer.body.error.message]).toEqual([422, expect.stringMatching(message)])
    expect((await server.request('GET', `${base}/datasets/harmed`)).status).toBe(404)
  })

  it.each([
    ['SELECT count(*) AS n FROM range(1000000000000)'],
    ['WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) AS n FROM r'],
    // DuckDB cannot be interrupted inside one call of a function; the process can.
    ["SELECT levenshtein(repeat('a', 300000), repeat('b', 300000)) AS n"],
  ])('ends with its time: %s', async (sql) => {
    const started = Date.now()
    const work = runRecipe(server.ctx, LOCAL, project, { dataset: 'endless', recipe: recipe(sql), timeoutMs: 1_500 })
    await expect(work).rejects.toMatchObject({
      code: 'unprocessable',
      field: 'recipe.steps[0].sql',
      message: expect.stringContaining('longer than 1.5 seconds'),
    })
    expect(Date.now() - started).toBeLessThan(6_000)
    expect((await run(recipe('SELECT name FROM data'))).status).toBeLessThan(300)
  })

  it('ends with its memory', async () => {
    const work = runRecipe(server.ctx, LOCAL, project, {
      dataset: 'endless',
      recipe: recipe("SELECT string_agg(repeat('abcdefgh', 4000000), '') AS x FROM range(4000)"),
      timeoutMs: 60_000,
    })
    await expect(work).rejects.toMatchObject({ code: 'unprocessable', message: expect.stringMatching(/memory/i) })
    expect((await server.request('GET', `${base}/datasets/endless`)).status).toBe(404)
  }, 90_000)
})
