import type { Report } from '../report.ts'
import {
  batches,
  type DatasetInput,
  type Experiment,
  type Pair,
  POINTS_PER_BATCH,
  type Point,
  type Reader,
  type Run,
} from '../types.ts'
import type { ArtifactFolders } from './artifact-folders.ts'
import { doubleOf, int64Of, lifecycleOf, runStatusOf, textOf, textOrNull, timeOf } from './fields.ts'
import type { ForeignRow, MlflowDatabase } from './mlflow-database.store.ts'
import { loggedModelsOf, registeredModelsOf } from './sql-reader-models.ts'

/** An MLflow database of any version since 1.0: what an older one has no table or column for is simply not there. */
export class SqlStore {
  readonly db: MlflowDatabase
  readonly report: Report
  /** MLflow 3's workspace to read; older stores have but one. */
  readonly workspace: string

  constructor(db: MlflowDatabase, report: Report, workspace: string) {
    this.db = db
    this.report = report
    this.workspace = workspace
  }

  has(table: string, column?: string): boolean {
    const columns = this.db.columns.get(table)
    return columns !== undefined && (column === undefined || columns.has(column))
  }

  /** `AND workspace = ?` where the table has such a column. */
  inWorkspace(table: string): { sql: string; values: string[] } {
    return this.has(table, 'workspace')
      ? { sql: ' AND workspace = ?', values: [this.workspace] }
      : { sql: '', values: [] }
  }

  /** Keys and values of a thing, sorted by key. */
  async pairs(
    table: string,
    where: string,
    values: readonly (string | number)[],
    names: [string, string] = ['key', 'value'],
  ) {
    if (!this.has(table)) return []
    const [key, value] = names
    const rows = await this.db.all(`SELECT "${key}" AS k, "${value}" AS v FROM ${table} WHERE ${where}`, values)
    const pairs: Pair[] = rows.map((row) => ({ key: textOf(row.k), value: textOf(row.v) }))
    return pairs.sort((a, b) => (a.key < b.key ? -1 : 1))
  }
}

/** @throws Error when the database has no MLflow tables */
export function sqlReader(db: MlflowDatabase, artifacts: ArtifactFolders, report: Report, workspace: string): Reader {
  const store = new SqlStore(db, report, workspace)
  if (!store.has('experiments') || !store.has('runs')) throw new Error(`${db.what} holds no MLflow store.`)
  return {
    what: db.what,
    readsEveryStore: false,
    experiments: () => experimentsOf(store),
    loggedModels: (experiment) => loggedModelsOf(store, experiment),
    runs: (experiment) => runsOf(store, experiment),
    points: (run) => batches(pointsOf(store, run), POINTS_PER_BATCH),
    runArtifacts: (run) => artifacts.at(run.artifactUri, run.id),
    modelArtifacts: (model) => artifacts.at(model.artifactUri, model.id),
    registeredModels: () => registeredModelsOf(store),
    close: () => db.close(),
  }
}

async function* experimentsOf(store: SqlStore): AsyncIterable<Experiment> {
  await tellLeftOut(store)
  const { sql, values } = store.inWorkspace('experiments')
  for (const row of await store.db.all(`SELECT * FROM experiments WHERE 1 = 1${sql} ORDER BY experiment_id`, values)) {
    const createdAtMs = timeOf(row.creation_time) ?? 0
    yield {
      id: textOf(row.experiment_id),
      name: textOf(row.name),
      artifactLocation: textOf(row.artifact_location),
      lifecycle: lifecycleOf(row.lifecycle_stage),
      createdAtMs,
      updatedAtMs: timeOf(row.last_update_time) ?? createdAtMs,
      tags: await store.pairs('experiment_tags', 'experiment_id = ?', [textOf(row.experiment_id)]),
    }
  }
}

/** Kinds of things that have no place in an import. */
const LEFT_OUT = ['trace_info', 'evaluation_datasets', 'webhooks', 'scorers', 'issues', 'endpoints', 'secrets']

async function tellLeftOut(store: SqlStore): Promise<void> {
  for (const table of LEFT_OUT) {
    const [row] = store.has(table) ? await store.db.all(`SELECT COUNT(*) AS n FROM ${table}`) : []
    if (Number(row?.n ?? 0) > 0) store.report.problem(`table ${table}`, `its ${row?.n} rows were not imported`)
  }
  if (!store.has('experiments', 'workspace')) return
  const rows = await store.db.all(
    'SELECT workspace, COUNT(*) AS n FROM experiments WHERE workspace <> ? GROUP BY workspace',
    [store.workspace],
  )
  for (const row of rows) {
    store.report.problem(
      `workspace ${textOf(row.workspace)}`,
      `its ${row.n} experiments were not imported; name it with --workspace`,
    )
  }
}

async function* runsOf(store: SqlStore, experiment: Experiment): AsyncIterable<Run> {
  // Ids first, then one run at a time: a cursor must not stay open while others write to the database for hours.
  const ids = await store.db.all('SELECT run_uuid FROM runs WHERE experiment_id = ? ORDER BY start_time, run_uuid', [
    experiment.id,
  ])
  for (const { run_uuid } of ids) {
    const id = textOf(run_uuid)
    const [row] = await store.db.all('SELECT * FROM runs WHERE run_uuid = ?', [id])
    if (row !== undefined) yield await runOf(store, experiment, id, row)
  }
}

async function runOf(store: SqlStore, experiment: Experiment, id: string, row: ForeignRow): Promise<Run> {
  const tags = await store.pairs('tags', 'run_uuid = ?', [id])
  const latest = await store.db.all('SELECT * FROM latest_metrics WHERE run_uuid = ?', [id])
  const [points] = await store.db.all('SELECT COUNT(*) AS n FROM metrics WHERE run_uuid = ?', [id])
  const marks = latest.map((metric) => `${metric.key}:${metric.step}:${metric.timestamp}:${metric.value}`)
  return {
    id,
    experimentId: experiment.id,
    name: textOf(row.name) || (tags.find((tag) => tag.key === 'mlflow.runName')?.value ?? ''),
    userName: textOf(row.user_id),
    status: runStatusOf(row.status),
    startedAtMs: timeOf(row.start_time) ?? 0,
    endedAtMs: timeOf(row.end_time),
    lifecycle: lifecycleOf(row.lifecycle_stage),
    deletedAtMs: timeOf(row.deleted_time),
    artifactUri: textOf(row.artifact_uri),
    params: await store.pairs('params', 'run_uuid = ?', [id]),
    tags,
    inputs: await inputsOf(store, id),
    ...(await modelLinks(store, id)),
    pointsMark: `${points?.n} ${marks.sort().join()}`,
  }
}

async function inputsOf(store: SqlStore, runId: string): Promise<DatasetInput[]> {
  if (!store.has('inputs') || !store.has('datasets')) return []
  const rows = await store.db.all(
    `SELECT i.input_uuid, d.* FROM inputs AS i JOIN datasets AS d ON d.dataset_uuid = i.source_id
     WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id = ? ORDER BY d.name, d.digest`,
    [runId],
  )
  const inputs: DatasetInput[] = []
  for (const row of rows) {
    inputs.push({
      name: textOf(row.name),
      digest: textOf(row.digest),
      sourceType: textOf(row.dataset_source_type),
      source: textOf(row.dataset_source),
      schema: textOrNull(row.dataset_schema),
      profile: textOrNull(row.dataset_profile),
      tags: await store.pairs('input_tags', 'input_uuid = ?', [textOf(row.input_uuid)], ['name', 'value']),
    })
  }
  return inputs
}

/** A run's output is a row from the run to the model; a model it read is one from the model to the run, in either writing. */
async function modelLinks(store: SqlStore, runId: string): Promise<Pick<Run, 'inputModels' | 'outputModels'>> {
  const links: Pick<Run, 'inputModels' | 'outputModels'> = { inputModels: [], outputModels: [] }
  if (!store.has('inputs', 'step')) return links
  const rows = await store.db.all('SELECT * FROM inputs WHERE destination_id = ? OR source_id = ?', [runId, runId])
  for (const row of rows) {
    const [from, to] = [textOf(row.source_type), textOf(row.destination_type)]
    const other = textOf(row.source_id) === runId ? textOf(row.destination_id) : textOf(row.source_id)
    if (from === 'RUN_OUTPUT' || to === 'MODEL_OUTPUT')
      links.outputModels.push({ modelId: other, step: int64Of(row.step ?? 0, 'the step') })
    else if (from === 'MODEL_INPUT' || from === 'RUN_INPUT' || to === 'MODEL_INPUT' || from === 'MODEL')
      links.inputModels.push(other)
  }
  return links
}

async function* pointsOf(store: SqlStore, run: Run): AsyncIterable<Point> {
  const rows = store.db.rows(
    'SELECT "key", "value", "timestamp", step, is_nan FROM metrics WHERE run_uuid = ? ORDER BY "key", step, "timestamp"',
    [run.id],
  )
  for await (const row of rows) {
    const isNan = row.is_nan === true || Number(row.is_nan) === 1
    yield {
      key: textOf(row.key),
      value: isNan ? Number.NaN : doubleOf(row.value, 'the value'),
      timestampMs: int64Of(row.timestamp ?? 0, 'the time'),
      step: int64Of(row.step, 'the step'),
    }
  }
}
