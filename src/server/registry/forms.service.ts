import { type Context, inTransaction } from '../../context.ts'
import { inChunks } from '../../db/dialect.ts'
import { type Actor, SYSTEM } from '../../lib/actor.ts'
import { AppError } from '../../lib/errors.ts'
import { type Project, projectForSystem } from '../projects/projects.service.ts'
import { aboutToBeSwept } from '../recycling/references.service.ts'
import { type Job, jobById } from '../training/jobs.service.ts'
import { planConversion, queueConversion, recordForm } from './conversion.service.ts'
import { type Outcome, readOutcome } from './conversion-result.service.ts'
import * as store from './forms.store.ts'
import { loadVersions, type ModelVersion } from './lookup.service.ts'
import type { FormReport } from './registry.schema.ts'
import { assertVersionWritable } from './run-rights.service.ts'
import { versionById } from './versions.store.ts'

/** A version's ONNX form: `queued` → `running` → `ready`, `refused` (cannot be converted faithfully) or `failed`. */
export type ModelForm = {
  state: store.FormRow['state']
  jobId: string | null
  /** Content hash of model.onnx once ready. */
  blobSha256: string | null
  sizeBytes: number | null
  report: FormReport | null
  /** Why it was refused or failed, in a sentence. */
  reason: string | null
  createdAtMs: number
  updatedAtMs: number
}

/** A lost job says nothing about the model: it is repeated twice. */
const MAX_ATTEMPTS = 3

function formOf(row: store.FormRow, running: boolean): ModelForm {
  return {
    state: row.state === 'queued' && running ? 'running' : row.state,
    jobId: row.job_id,
    blobSha256: row.blob_sha256,
    sizeBytes: row.size_bytes,
    report: row.report === null ? null : (JSON.parse(row.report) as FormReport),
    reason: row.reason,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  }
}

/** A queued form's job may have begun: its own row says so, the form keeps no second truth. */
async function loadForm(ctx: Context, row: store.FormRow): Promise<ModelForm> {
  if (row.state !== 'queued' || row.job_id === null) return formOf(row, false)
  const job = await jobById(ctx, row.job_id)
  return formOf(row, job.state === 'preparing' || job.state === 'running')
}

/** The ONNX form of a version; null when none was ever asked for. */
export async function onnxForm(ctx: Context, versionId: string): Promise<ModelForm | null> {
  const row = await store.onnxFormRow(ctx.db, versionId)
  return row === undefined ? null : loadForm(ctx, row)
}

/** The state of the ONNX form of each of these versions that has one. */
export async function onnxStates(
  ctx: Context,
  versionIds: readonly string[],
): Promise<Map<string, ModelForm['state']>> {
  const states = new Map<string, ModelForm['state']>()
  await inChunks(versionIds, 1, async (ids) => {
    for (const row of await store.onnxFormRows(ctx.db, ids))
      states.set(row.version_id, (await loadForm(ctx, row)).state)
  })
  return states
}

/**
 * Asks for a version's ONNX form. One that is ready or on its way is returned as it is; one that was refused or failed
 * is tried again. What can be seen to be impossible at once is a refused form, not an error.
 * @throws AppError forbidden for a job and another run's version
 */
export async function requestOnnx(
  ctx: Context,
  actor: Actor,
  project: Project,
  version: ModelVersion,
): Promise<ModelForm> {
  const isDone = (row: store.FormRow | undefined) =>
    row !== undefined && row.state !== 'refused' && row.state !== 'failed'
  const before = await store.onnxFormRow(ctx.db, version.id)
  if (before !== undefined && isDone(before)) return loadForm(ctx, before)
  await assertVersionWritable(ctx, actor, { project_id: version.projectId, run_id: version.runId })
  const plan = (await planConversion(ctx, project.id, version)) ?? { refused: whyNot(version) }
  const row = await inTransaction(ctx, async (tx) => {
    const now = await store.onnxFormRow(tx.db, version.id)
    return now !== undefined && isDone(now) ? now : queueConversion(tx, actor, project, version, plan)
  })
  return loadForm(ctx, row)
}

function whyNot(version: ModelVersion): string {
  if (version.artifactPath === null)
    return `The files of this version are not in this server but at ${version.source.slice(0, 200)}.`
  if (version.mlmodel === null)
    return 'There is no MLmodel file in the folder of this version, so nobody can say what kind of model it is.'
  if (version.mlmodel.problem !== null) return version.mlmodel.problem
  return `Only scikit-learn and ONNX models can be converted for now; this one has the flavors ${version.mlmodel.flavors.join(', ') || 'none'}.`
}

/**
 * Takes over what a conversion job left. Called when a job has ended, at least once; does nothing for a job that no form
 * waits for.
 */
export async function conversionFinished(ctx: Context, job: Job): Promise<void> {
  const form = await store.formOfJob(ctx.db, job.projectId, job.id)
  if (form === undefined || (form.state !== 'queued' && form.state !== 'running')) return
  const row = await versionById(ctx.db, form.version_id)
  if (row === undefined) return
  const [version] = await loadVersions(ctx, [row])
  if (job.state === 'lost' && form.attempts < MAX_ATTEMPTS && job.spec.convert !== null) {
    return repeat(ctx, job, form, version!)
  }
  const outcome = await readOutcome(ctx, job)
  await inTransaction(ctx, async (tx) => {
    // Thrown: the task comes again, and stores the file again.
    if (outcome.state === 'ready' && (await aboutToBeSwept(tx, 'content', [outcome.blob.sha256])))
      throw new AppError('unavailable', 'The content of this form is being swept.')
    const ending = { ...endingOf(outcome), updated_at_ms: tx.now() }
    if (await store.endForm(tx.db, form.id, job.id, ending))
      await recordForm(tx, SYSTEM, version!, { ...ending, job_id: job.id })
  })
}

function endingOf(outcome: Outcome): Pick<store.FormRow, 'state' | 'blob_sha256' | 'size_bytes' | 'report' | 'reason'> {
  return {
    state: outcome.state,
    blob_sha256: outcome.state === 'ready' ? outcome.blob.sha256 : null,
    size_bytes: outcome.state === 'ready' ? outcome.blob.sizeBytes : null,
    report: outcome.report === null ? null : JSON.stringify(outcome.report),
    reason: outcome.state === 'ready' ? null : outcome.reason,
  }
}

async function repeat(ctx: Context, job: Job, form: store.FormRow, version: ModelVersion): Promise<void> {
  const { convert, timeoutMs } = job.spec
  if (convert === null) throw new AppError('internal', `Job ${job.id} is no conversion.`)
  const project = await projectForSystem(ctx, job.projectId)
  await inTransaction(ctx, async (tx) => {
    const now = await store.onnxFormRow(tx.db, form.version_id)
    if (now === undefined || now.job_id !== job.id) return // already repeated
    const again = {
      kind: 'convert' as const,
      runtime: { script: convert.script, requirements: convert.requirements },
      files: convert.files,
      arguments: convert.arguments,
      artifacts: convert.artifacts[0],
      datasetVersionId: job.datasetVersionId,
      timeoutMs: timeoutMs ?? undefined,
    }
    await queueConversion(tx, SYSTEM, project, version, { job: again }, form.attempts + 1)
  })
}
