import type { Context } from '../../context.ts'
import { type Actor, SYSTEM } from '../../lib/actor.ts'
import { AppError } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import { readArtifactText } from '../artifacts/artifacts.service.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { runInputs } from '../tracking/inputs.service.ts'
import { type NewConvertJob, submitJob } from '../training/jobs.service.ts'
import { type FormRow, onnxFormRow, putForm } from './forms.store.ts'
import type { ModelVersion } from './lookup.service.ts'
import { flavorOf, type MlModel } from './mlmodel.ts'
import { conversionRequirements } from './requirements.ts'

/** How a version becomes ONNX: a job, or why there will be none. */
export type ConversionPlan = { job: NewConvertJob } | { refused: string }

const REQUIREMENTS_MAX_BYTES = 256 * 1024
/** Building an environment from an empty cache takes minutes, a conversion seconds. */
const TIMEOUT_MS = 45 * 60_000
/** At most this many rows are compared. */
const MAX_ROWS = 5_000

type Convertible = { mlmodel: MlModel | null; artifactPath: string | null; runId: string | null }

/**
 * Decides how a model becomes ONNX and gathers what the job needs. Reads files and rows: call it before the transaction.
 * @returns null for a model that nobody would expect to convert (another flavor, files elsewhere)
 */
export async function planConversion(
  ctx: Context,
  projectId: string,
  model: Convertible,
): Promise<ConversionPlan | null> {
  const { mlmodel, artifactPath } = model
  if (mlmodel === null || artifactPath === null) return null
  const flavor = mlmodel.flavors.includes('onnx') ? 'onnx' : mlmodel.flavors.includes('sklearn') ? 'sklearn' : null
  if (flavor === null) return null
  const logged = await readArtifactText(ctx, projectId, `${artifactPath}/requirements.txt`, REQUIREMENTS_MAX_BYTES)
  // A finished ONNX file needs nothing of what made it.
  const requirements =
    flavor === 'onnx' ? conversionRequirements(null, []) : conversionRequirements(logged, sklearnRequirements(mlmodel))
  if ('refused' in requirements) return requirements
  const dataset = flavor === 'onnx' ? null : await datasetOfRun(ctx, projectId, model.runId)
  const instructions = {
    flavor,
    model: 'model',
    data: dataset === null ? null : 'data',
    dataset: dataset?.label ?? null,
    output: 'output',
    max_rows: MAX_ROWS,
    signature: mlmodel.signature,
  }
  return {
    job: {
      kind: 'convert',
      runtime: { script: 'onnx/convert.py', requirements: requirements.text },
      files: [{ name: 'conversion.json', text: JSON.stringify(instructions) }],
      arguments: ['conversion.json'],
      datasetVersionId: dataset?.id ?? null,
      timeoutMs: TIMEOUT_MS,
    },
  }
}

/** For a model that logged no requirements: what its MLmodel says it was made with. */
function sklearnRequirements(mlmodel: MlModel): string[] {
  const { sklearn_version: sklearn, serialization_format: format } = flavorOf(mlmodel, 'sklearn') ?? {}
  const mlflow = mlmodel.raw.mlflow_version
  return [
    typeof sklearn === 'string' ? `scikit-learn==${sklearn}` : 'scikit-learn',
    typeof mlflow === 'string' ? `mlflow-skinny==${mlflow}` : 'mlflow-skinny',
    format === 'skops' ? 'skops' : 'cloudpickle',
  ]
}

/** The dataset version of ours that the run used; one marked for testing or validation before one for training. */
async function datasetOfRun(
  ctx: Context,
  projectId: string,
  runId: string | null,
): Promise<{ id: string; label: string } | null> {
  if (runId === null) return null
  try {
    const inputs = (await runInputs(ctx, projectId, runId)).filter((input) => input.datasetVersionId !== null)
    const best = inputs.find((input) => /test|eval|valid/i.test(input.context ?? '')) ?? inputs[0]
    return best?.datasetVersionId == null ? null : { id: best.datasetVersionId, label: best.name }
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return null
    throw error
  }
}

/**
 * Puts the plan into the queue, in the caller's transaction: the form's row and its job. The job is the platform's own,
 * whoever asked for it: what registers a model is often a job itself, and jobs may not start jobs.
 */
export async function queueConversion(
  tx: Context,
  actor: Actor,
  project: Project,
  version: ModelVersion,
  plan: ConversionPlan,
  attempts = 1,
): Promise<FormRow> {
  const name = `${version.name}/${version.version} to ONNX`
  const artifacts = { path: version.artifactPath ?? '', as: 'model' } as const
  const job = 'job' in plan ? await submitJob(tx, SYSTEM, project, { ...plan.job, artifacts, name }) : null
  const now = tx.now()
  await putForm(tx.db, {
    id: newId(now),
    version_id: version.id,
    project_id: project.id,
    kind: 'onnx',
    state: job === null ? 'refused' : 'queued',
    job_id: job?.id ?? null,
    attempts,
    blob_sha256: null,
    size_bytes: null,
    report: null,
    reason: 'refused' in plan ? plan.refused : null,
    created_at_ms: now,
    updated_at_ms: now,
  })
  const row = (await onnxFormRow(tx.db, version.id))!
  await recordForm(tx, actor, version, row)
  return row
}

/** Writes the event of a form's new state: of the reason only the sentence, without the end of the log. */
export async function recordForm(
  tx: Context,
  actor: Actor,
  version: { projectId: string; name: string; version: number },
  row: Pick<FormRow, 'state' | 'reason' | 'job_id'>,
): Promise<void> {
  await recordEvent(tx, actor, {
    projectId: version.projectId,
    verb: row.state,
    kind: 'form',
    subject: `${version.name}/${version.version}`,
    detail: { form: 'onnx', state: row.state, reason: row.reason?.split('\n')[0] ?? null, job_id: row.job_id },
  })
}
