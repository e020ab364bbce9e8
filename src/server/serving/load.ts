import type { Context } from '../../context.ts'
import { AppError } from '../../lib/errors.ts'
import { onnxForm } from '../registry/forms.service.ts'
import type { ModelVersion } from '../registry/versions.service.ts'
import { loadOnnx, type OnnxInterface } from './onnx.ts'
import type { Predictor } from './predictor.ts'
import { loadPyfunc } from './pyfunc.ts'
import { inputSignature } from './signature.ts'

/**
 * Loads a version: its ONNX form inside this process when there is one; a Python child when there can be none.
 * @throws AppError unavailable while the form is being made; unprocessable when it cannot be served; forbidden when only
 * its own code could serve it and the server runs none
 */
export async function loadPredictor(ctx: Context, version: ModelVersion, signal: AbortSignal): Promise<Predictor> {
  const signature = inputSignature(version)
  const form = await onnxForm(ctx, version.id)
  const what = `Version ${version.version} of ${version.name}`
  if (form?.state === 'queued' || form?.state === 'running') {
    throw new AppError('unavailable', `${what} is being converted to ONNX; it can be served in a moment.`, {
      retryAfterSeconds: 5,
    })
  }
  if (form?.state === 'ready' && form.blobSha256 !== null) {
    return loadOnnx(await ctx.blobs.contentPath(form.blobSha256), signature, interfaceOf(form.report))
  }
  if (!ctx.config.allowCodeModels) {
    const why = form?.reason ?? 'it has no ONNX form'
    throw new AppError(
      'forbidden',
      `${what} can only be served by running the code inside it (${why}), and this server does not run models' code (--allow-code-models).`,
    )
  }
  return loadPyfunc(ctx, version, signature, signal)
}

/** The classes a version gives scores for, from its loaded model or its conversion's report; null when not known or none. */
export async function classLabels(ctx: Context, version: ModelVersion): Promise<string[] | null> {
  const loaded = ctx.models.loaded(version.id)
  if (loaded !== null) return loaded.labels
  const classes = interfaceOf((await onnxForm(ctx, version.id))?.report).outputs?.classes ?? null
  return classes === null || classes.length === 0 ? null : classes.map(String)
}

function interfaceOf(report: unknown): OnnxInterface {
  const found =
    typeof report === 'object' && report !== null ? (report as { interface?: unknown }).interface : undefined
  return typeof found === 'object' && found !== null ? (found as OnnxInterface) : {}
}
