import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import type { Context } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, badRequest } from '../../lib/errors.ts'
import { pathSegments } from '../../lib/relative-path.ts'
import type { Project } from '../projects/projects.service.ts'
import { type ContentFile, storeContent } from './content.service.ts'
import { fileStem, formatOf, quoteName, quoteText } from './formats.ts'
import { problemOfSelect } from './select-only.ts'
import { TableError, type TableSession } from './table-process.ts'
import { describeTable, PARQUET_OPTIONS, type Table } from './tables.service.ts'
import { addVersion, type CreatedVersion, type DatasetVersion, findVersion, versionFiles } from './versions.service.ts'

/** How one version is made from another: SELECTs, one after the other, each over `data`, the result of the one before. */
export type Recipe = {
  name?: string
  /** `adult`, `adult@latest` or `adult@1`; kept as the version that was read. */
  source: string
  /** Where `trainyard` puts the result; when given here it must be the dataset that is asked for. */
  target?: string
  steps: { name: string; description?: string; sql: string }[]
  outputs: { file: string; sql: string }[]
}

export type RecipeRun = { dataset: string; recipe: Recipe; message?: string; timeoutMs?: number }

/** Of the whole recipe, in milliseconds. */
const RECIPE_TIMEOUT_MS = 120_000

/**
 * Runs a recipe and makes the result the next version of `dataset`, with the source as its parent. The same recipe on the
 * same source gives the same bytes (one thread, a fixed seed, fixed Parquet settings; `now()` and `uuid()` excepted).
 * @throws AppError unprocessable naming the step or output and what DuckDB says; nothing is made then
 */
export async function runRecipe(ctx: Context, actor: Actor, project: Project, run: RecipeRun): Promise<CreatedVersion> {
  const { recipe } = run
  if (recipe.target !== undefined && recipe.target !== run.dataset) {
    throw badRequest(`The recipe makes "${recipe.target}", not "${run.dataset}".`, 'recipe.target')
  }
  const outputs = checkOutputs(recipe)
  const source = await findVersion(ctx, project.id, recipe.source)
  const sources = await sourceTables(ctx, source)
  const paths = await Promise.all(sources.map(({ sha256 }) => ctx.blobs.contentPath(sha256)))
  const files = await ctx.tables.isolated(paths, run.timeoutMs ?? RECIPE_TIMEOUT_MS, async (session) => {
    await checkStatements(session, recipe)
    await session.query('SELECT setseed(0.5)')
    await makeViews(session, sources)
    await runSteps(session, recipe, sources)
    const written: { path: string; disk: string }[] = []
    for (const [index, output] of outputs.entries()) written.push(await writeOutput(session, output, index, sources))
    // Only when every output is there: a recipe that fails leaves nothing.
    const stored: ContentFile[] = []
    for (const { path, disk } of written)
      stored.push({ path, ...(await storeContent(ctx, project, createReadStream(disk))) })
    return stored
  })
  const reference = `${source.dataset}@${source.version}`
  return addVersion(ctx, actor, project, {
    dataset: run.dataset,
    files,
    message: run.message ?? `Recipe ${recipe.name ?? run.dataset} on ${reference}`,
    parentId: source.id,
    recipe: { ...recipe, source: reference },
  })
}

type Output = { path: string; sql: string; format: 'parquet' | 'csv' }

function checkOutputs(recipe: Recipe): Output[] {
  return recipe.outputs.map(({ file, sql }, index) => {
    const field = `recipe.outputs[${index}].file`
    const path = pathSegments(file, field).join('/')
    const format = /\.parquet$/i.test(path) ? 'parquet' : /\.csv$/i.test(path) ? 'csv' : null
    if (format === null) throw badRequest(`The output "${path}" must end in .parquet or .csv.`, field)
    if (recipe.outputs.some((other, before) => before < index && other.file === file))
      throw badRequest(`Two outputs are called "${path}".`, field)
    return { path, sql, format }
  })
}

type SourceTable = Table & { sha256: string; view: string }

/** The tables of the source: one is called `data`, several are called like their files. */
async function sourceTables(ctx: Context, source: DatasetVersion): Promise<SourceTable[]> {
  const name = `${source.dataset}@${source.version}`
  const files = (await versionFiles(ctx, source.id)).filter((file) => formatOf(file.path) !== null)
  if (files.length === 0)
    throw new AppError('unprocessable', `${name} has no table file (csv, tsv, parquet, jsonl) to start from.`, {
      field: 'recipe.source',
    })
  const tables = await ctx.tables.use(async (session) => {
    const found: SourceTable[] = []
    for (const file of files) {
      const table = await describeTable(ctx, session, file)
      if (table !== null)
        found.push({ ...table, sha256: file.sha256, view: files.length === 1 ? 'data' : fileStem(file.path) })
    }
    return found
  })
  for (const table of tables) {
    const twin = tables.find((other) => other !== table && other.view.toLowerCase() === table.view.toLowerCase())
    if (twin !== undefined)
      throw new AppError(
        'unprocessable',
        `${name} has two tables called "${table.view}": ${table.path} and ${twin.path}.`,
        { field: 'recipe.source' },
      )
    if (table.columns.some((column) => column.name.toLowerCase() === '_row')) {
      throw new AppError(
        'unprocessable',
        `${table.path} has a column "_row", which is the name of the row number that a recipe adds.`,
        { field: 'recipe.source' },
      )
    }
  }
  return tables
}

async function makeViews(session: TableSession, sources: SourceTable[]): Promise<void> {
  for (const { view, source } of sources) {
    await session.query(`CREATE VIEW ${quoteName(view)} AS SELECT *, row_number() OVER () - 1 AS _row FROM ${source}`)
  }
}

async function checkStatements(session: TableSession, recipe: Recipe): Promise<void> {
  const statements = [
    ...recipe.steps.map(({ name, sql }, index) => ({
      title: stepTitle(index, name),
      field: `recipe.steps[${index}].sql`,
      sql,
    })),
    ...recipe.outputs.map(({ file, sql }, index) => ({
      title: `Output "${file}"`,
      field: `recipe.outputs[${index}].sql`,
      sql,
    })),
  ]
  for (const { title, field, sql } of statements) {
    const problem = await problemOfSelect(session, sql)
    if (problem !== null) throw new AppError('unprocessable', `${title}: ${problem}.`, { field })
  }
}

const stepTitle = (index: number, name: string) => `Step ${index + 1} ("${name}")`

async function runSteps(session: TableSession, recipe: Recipe, sources: SourceTable[]): Promise<void> {
  for (const [index, step] of recipe.steps.entries()) {
    await told(stepTitle(index, step.name), `recipe.steps[${index}].sql`, sources, async () => {
      await session.query(`CREATE TABLE "step ${index}" AS ${step.sql}`)
      await session.query(`CREATE OR REPLACE VIEW data AS SELECT * FROM "step ${index}"`)
      if (index > 0) await session.query(`DROP TABLE "step ${index - 1}"`)
    })
  }
}

async function writeOutput(
  session: TableSession,
  output: Output,
  index: number,
  sources: SourceTable[],
): Promise<{ path: string; disk: string }> {
  const disk = join(session.folder, `output-${index}`)
  await told(`Output "${output.path}"`, `recipe.outputs[${index}].sql`, sources, async () => {
    // Into a table first: COPY (…) would put the user's text between our words.
    await session.query(`CREATE TABLE "output ${index}" AS ${output.sql}`)
    await session.query(
      `COPY "output ${index}" TO ${quoteText(disk)} (${output.format === 'csv' ? "FORMAT csv, HEADER true, DELIMITER ','" : PARQUET_OPTIONS})`,
    )
    await session.query(`DROP TABLE "output ${index}"`)
  })
  return { path: output.path, disk }
}

/** Says which step an error of DuckDB belongs to; also when its time or memory ran out in it. */
async function told(title: string, field: string, sources: SourceTable[], work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (error instanceof AppError) throw new AppError(error.code, `${title}: ${error.message}`, { field, cause: error })
    if (!(error instanceof TableError)) throw error
    const message = error.message.split(/\n+LINE \d+:/)[0]?.trim() ?? error.message
    const several = sources.length > 1 && /Table with name data does not exist/.test(message)
    const said = several
      ? `there is no table "data". The source has several tables: ${sources.map(({ view }) => view).join(', ')}; name one of them.`
      : message
    throw new AppError('unprocessable', `${title}: ${said}`, { field, cause: error })
  }
}
