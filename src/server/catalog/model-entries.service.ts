import type { Context } from '../../context.ts'
import { walkArtifacts } from '../artifacts/artifacts.service.ts'
import type { MlModel } from '../registry/mlmodel.ts'
import type { FormReport } from '../registry/registry.schema.ts'
import * as details from './details.store.ts'
import type { EntryCommon, EntryFile, ModelEntry, RelatedEntry } from './entry.ts'

/** What a model version says by itself; the items of its run's inputs are found later. */
export type ModelPart = {
  inputs: { versionId: string; split: RelatedEntry['split'] }[]
  entry: Omit<ModelEntry, keyof EntryCommon> & { description: string }
}

/** Files, MLmodel, aliases, the run's parameters and metrics … of some model versions, by version id. */
export async function describeModels(ctx: Context, versionIds: string[]): Promise<Map<string, ModelPart>> {
  const rows = await details.modelDetails(ctx.db, versionIds)
  const [aliases, tags, modelTags, forms, facts] = await Promise.all([
    details.aliasesOf(ctx.db, versionIds),
    details.versionTags(ctx.db, versionIds),
    details.modelTags(ctx.db, [...new Set(rows.map((row) => row.model_id))]),
    details.formsOf(ctx.db, versionIds),
    details.runFacts(ctx.db, [...new Set(rows.flatMap((row) => row.run_id ?? []))]),
  ])
  const parts = await Promise.all(
    rows.map(async (row): Promise<[string, ModelPart]> => {
      const form = forms.find((one) => one.version_id === row.id && one.kind === 'onnx' && one.state === 'ready')
      const files = row.artifact_path === null ? [] : await walkArtifacts(ctx, row.project_id, row.artifact_path)
      const entry = {
        kind: 'ai-model' as const,
        description: row.description === '' ? row.model_description : row.description,
        stage: row.stage,
        source: row.source,
        files: files.map((file): EntryFile => ({ ...file, sha256: null, rowCount: null, columns: null })),
        mlmodel: row.mlmodel === null ? null : (JSON.parse(row.mlmodel) as MlModel),
        loggedModelId: row.logged_model_id,
        modelType: row.logged_model_type,
        runId: row.run_id,
        aliases: aliases.filter((alias) => alias.version_id === row.id).map((alias) => alias.alias),
        tags: {
          ...textMap(modelTags.filter((tag) => tag.model_id === row.model_id)),
          ...textMap(tags.filter((tag) => tag.version_id === row.id)),
        },
        params: textMap(facts.params.filter((param) => param.run_id === row.run_id)),
        metrics: Object.fromEntries(
          facts.metrics
            .filter((metric) => metric.run_id === row.run_id)
            .map((metric) => [metric.key, metric.is_nan === 1 ? null : metric.value]),
        ),
        onnx: form?.blob_sha256 == null ? null : { sha256: form.blob_sha256, sizeBytes: form.size_bytes ?? 0 },
        labels: labelsOf(form?.report ?? null),
      }
      return [row.id, { inputs: splitsOf(facts.inputs.filter((input) => input.run_id === row.run_id)), entry }]
    }),
  )
  return new Map(parts)
}

/** The classes that the conversion to ONNX found. */
function labelsOf(report: string | null): string[] | null {
  if (report === null) return null
  const classes = (JSON.parse(report) as FormReport).interface?.outputs.classes ?? null
  return classes === null || classes.length === 0 ? null : classes.map(String)
}

function textMap(rows: { key: string; value: string }[]): Record<string, string> {
  return Object.fromEntries(rows.map((row) => [row.key, row.value]))
}

const SPLITS: Record<string, RelatedEntry['split']> = {
  training: 'train',
  train: 'train',
  validation: 'validate',
  evaluation: 'test',
  testing: 'test',
  test: 'test',
}

/** Each dataset version a run used, once; with its split when all the run's uses of it agree. */
function splitsOf(inputs: { tags: string; dataset_version_id: string | null }[]): ModelPart['inputs'] {
  const found = new Map<string, Set<RelatedEntry['split']>>()
  for (const input of inputs) {
    if (input.dataset_version_id === null) continue
    const context = (JSON.parse(input.tags) as Record<string, string>)['mlflow.data.context'] ?? ''
    const splits = found.get(input.dataset_version_id) ?? new Set()
    found.set(input.dataset_version_id, splits.add(SPLITS[context] ?? null))
  }
  return [...found].map(([versionId, splits]) => ({
    versionId,
    split: splits.size === 1 ? ([...splits][0] ?? null) : null,
  }))
}
