import type { Experiment, LoggedModel, ModelPoint, ModelVersion, RegisteredModel } from '../types.ts'
import { doubleOf, int64Of, lifecycleOf, textOf, textOrNull, timeOf, versionStatusOf } from './fields.ts'
import { modelStatus } from './file-store-models.ts'
import type { ForeignRow } from './mlflow-database.store.ts'
import type { SqlStore } from './sql-reader.ts'

/** Logged and registered models of an MLflow database. */

export async function* loggedModelsOf(store: SqlStore, experiment: Experiment): AsyncIterable<LoggedModel> {
  if (!store.has('logged_models')) return
  const ids = await store.db.all(
    'SELECT model_id FROM logged_models WHERE experiment_id = ? ORDER BY creation_timestamp_ms, model_id',
    [experiment.id],
  )
  for (const { model_id } of ids) {
    const id = textOf(model_id)
    const [row] = await store.db.all('SELECT * FROM logged_models WHERE model_id = ?', [id])
    if (row === undefined) continue
    const createdAtMs = timeOf(row.creation_timestamp_ms) ?? 0
    yield {
      id,
      experimentId: experiment.id,
      name: textOf(row.name),
      modelType: textOrNull(row.model_type),
      sourceRunId: textOrNull(row.source_run_id),
      status: modelStatus(row.status),
      lifecycle: lifecycleOf(row.lifecycle_stage),
      artifactUri: textOf(row.artifact_location),
      createdAtMs,
      updatedAtMs: timeOf(row.last_updated_timestamp_ms) ?? createdAtMs,
      params: await store.pairs('logged_model_params', 'model_id = ?', [id], ['param_key', 'param_value']),
      tags: await store.pairs('logged_model_tags', 'model_id = ?', [id], ['tag_key', 'tag_value']),
      metrics: await modelPoints(store, id),
    }
  }
}

/** MLflow keeps no mark for NaN on a model's metrics: it has no value then. */
async function modelPoints(store: SqlStore, id: string): Promise<ModelPoint[]> {
  if (!store.has('logged_model_metrics')) return []
  const rows = await store.db.all(
    'SELECT * FROM logged_model_metrics WHERE model_id = ? ORDER BY metric_name, metric_step, metric_timestamp_ms LIMIT 100000',
    [id],
  )
  return rows.map((row) => ({
    key: textOf(row.metric_name),
    value: row.metric_value === null ? Number.NaN : doubleOf(row.metric_value, 'the value'),
    timestampMs: int64Of(row.metric_timestamp_ms, 'the time'),
    step: int64Of(row.metric_step, 'the step'),
    runId: textOf(row.run_id),
    datasetName: textOrNull(row.dataset_name),
    datasetDigest: textOrNull(row.dataset_digest),
  }))
}

export async function* registeredModelsOf(store: SqlStore): AsyncIterable<RegisteredModel> {
  if (!store.has('registered_models')) return
  const space = store.inWorkspace('registered_models')
  const models = await store.db.all(
    `SELECT * FROM registered_models WHERE 1 = 1${space.sql} ORDER BY name`,
    space.values,
  )
  for (const row of models) {
    const name = textOf(row.name)
    const values = [name, ...space.values]
    const found = await store.db.all(`SELECT * FROM model_versions WHERE name = ?${space.sql} ORDER BY version`, values)
    const versions: ModelVersion[] = []
    let lastVersion = 0
    for (const version of found) {
      const number = Number(version.version)
      lastVersion = Math.max(lastVersion, number)
      // A deleted version stays as an empty shell that nobody can restore; only its number counts.
      if (textOf(version.current_stage) === 'Deleted_Internal') continue
      const tags = await store.pairs('model_version_tags', `name = ?${space.sql} AND version = ?`, [...values, number])
      versions.push({ ...versionOf(version, number), tags })
    }
    const aliases = await store.pairs('registered_model_aliases', `name = ?${space.sql}`, values, ['alias', 'version'])
    const createdAtMs = timeOf(row.creation_time) ?? 0
    yield {
      name,
      description: textOf(row.description),
      createdAtMs,
      updatedAtMs: timeOf(row.last_updated_time) ?? createdAtMs,
      tags: await store.pairs('registered_model_tags', `name = ?${space.sql}`, values),
      aliases: aliases.map(({ key, value }) => ({ alias: key, version: Number(value) })),
      versions,
      lastVersion,
    }
  }
}

function versionOf(row: ForeignRow, version: number): Omit<ModelVersion, 'tags'> {
  const createdAtMs = timeOf(row.creation_time) ?? 0
  const source = textOf(row.source)
  return {
    version,
    source,
    storageLocation: textOrNull(row.storage_location),
    runId: textOrNull(row.run_id),
    loggedModelId: /^models:\/+(m-[0-9a-f]{32})$/.exec(source)?.[1] ?? null,
    runLink: textOf(row.run_link),
    description: textOf(row.description),
    stage: textOf(row.current_stage) || 'None',
    status: versionStatusOf(row.status),
    userName: textOf(row.user_id),
    createdAtMs,
    updatedAtMs: timeOf(row.last_updated_time) ?? createdAtMs,
  }
}
