import type { Context } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError } from '../../lib/errors.ts'
import { versionById } from '../datasets/versions.service.ts'
import { runInputs } from '../tracking/inputs.service.ts'
import type { RunRecord } from '../tracking/records.ts'
import { latestMetrics, runParams } from '../tracking/run-data.service.ts'
import { getRun } from '../tracking/runs.service.ts'
import { type Origin, originOf } from './copies.service.ts'
import { type ModelForm, onnxForm, onnxStates } from './forms.service.ts'
import type { ModelVersion } from './lookup.service.ts'

/** What stands behind a version: its run with figures and data, and its ONNX form. */
export type VersionDetail = {
  version: ModelVersion
  run: RunRecord | null
  metrics: Record<string, number | null>
  params: Record<string, string>
  datasets: { name: string; digest: string; context: string | null; dataset: string | null; version: number | null }[]
  onnx: ModelForm | null
  /** Where a copy came from; null for what is none. */
  origin: Origin | null
}

/** The chain behind one version. A run that is not (or no longer) in the project is told as none. */
export async function versionDetail(ctx: Context, actor: Actor, version: ModelVersion): Promise<VersionDetail> {
  const origin = await originOf(ctx, actor, version)
  const run = await runOf(ctx, version)
  const onnx = await onnxForm(ctx, version.id)
  if (run === null) return { version, run, metrics: {}, params: {}, datasets: [], onnx, origin }
  return {
    version,
    run,
    metrics: await latestMetrics(ctx, version.projectId, run.id),
    params: await runParams(ctx, version.projectId, run.id),
    datasets: await datasetsOf(ctx, version.projectId, run.id),
    onnx,
    origin,
  }
}

async function runOf(ctx: Context, version: ModelVersion): Promise<RunRecord | null> {
  return version.runId === null ? null : unlessGone(getRun(ctx, version.projectId, version.runId))
}

async function datasetsOf(ctx: Context, projectId: string, runId: string): Promise<VersionDetail['datasets']> {
  const inputs = await runInputs(ctx, projectId, runId)
  return Promise.all(
    inputs.map(async (input) => {
      const ours = input.datasetVersionId === null ? null : await unlessGone(versionById(ctx, input.datasetVersionId))
      return {
        name: input.name,
        digest: input.digest,
        context: input.context,
        dataset: ours?.dataset ?? null,
        version: ours?.version ?? null,
      }
    }),
  )
}

async function unlessGone<T>(found: Promise<T>): Promise<T | null> {
  return found.catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'not_found') return null
    throw error
  })
}

export type VersionLine = {
  version: ModelVersion
  onnxState: ModelForm['state'] | null
  metrics: Record<string, number | null>
}

/** Versions with what a list of them shows. */
export async function versionLines(ctx: Context, versions: readonly ModelVersion[]): Promise<VersionLine[]> {
  const states = await onnxStates(
    ctx,
    versions.map((version) => version.id),
  )
  const metrics = new Map<string, Record<string, number | null>>()
  for (const { projectId, runId } of versions) {
    if (runId !== null && !metrics.has(runId)) metrics.set(runId, await latestMetrics(ctx, projectId, runId))
  }
  return versions.map((version) => ({
    version,
    onnxState: states.get(version.id) ?? null,
    metrics: (version.runId === null ? undefined : metrics.get(version.runId)) ?? {},
  }))
}
