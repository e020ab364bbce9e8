import type { ModelForm } from './forms.service.ts'
import type { Promotion } from './history.service.ts'
import type { RegisteredModel } from './models.service.ts'
import type { VersionAnswer } from './registry.schema.ts'
import type { VersionDetail, VersionLine } from './version-view.service.ts'

/** The registry's things as our API writes them (registry.schema.ts). */

export function modelBody(model: RegisteredModel) {
  return {
    name: model.name,
    description: model.description,
    created_at_ms: model.createdAtMs,
    updated_at_ms: model.updatedAtMs,
    version_count: model.versionCount,
    latest_version: model.latestVersion,
    aliases: model.aliases,
    tags: model.tags,
  }
}

export function formBody(form: ModelForm) {
  return {
    state: form.state,
    job_id: form.jobId,
    size_bytes: form.sizeBytes,
    reason: form.reason,
    report: form.report,
    created_at_ms: form.createdAtMs,
    updated_at_ms: form.updatedAtMs,
  }
}

export function summaryBody({ version, onnxState, metrics }: VersionLine) {
  return {
    version: version.version,
    created_at_ms: version.createdAtMs,
    created_by: version.createdBy,
    aliases: version.aliases,
    run_id: version.runId,
    stage: version.stage,
    flavors: version.mlmodel?.flavors ?? [],
    onnx_state: onnxState,
    metrics,
  }
}

export function versionBody({ version, run, metrics, params, datasets, onnx, origin }: VersionDetail): VersionAnswer {
  return {
    name: version.name,
    version: version.version,
    description: version.description,
    stage: version.stage,
    source: version.source,
    run_id: version.runId,
    run_name: run?.name ?? null,
    logged_model_id: version.loggedModelId,
    job_id: run?.jobId ?? null,
    created_by: version.createdBy,
    created_at_ms: version.createdAtMs,
    updated_at_ms: version.updatedAtMs,
    aliases: version.aliases,
    tags: version.tags,
    flavors: version.mlmodel?.flavors ?? [],
    runs_code: version.mlmodel?.runsCode ?? false,
    signature: version.mlmodel?.signature ?? null,
    size_bytes: version.mlmodel?.sizeBytes ?? null,
    content_digest: version.contentDigest,
    copied_from: origin,
    metrics,
    params,
    datasets,
    onnx: onnx === null ? null : formBody(onnx),
  }
}

export function historyBody({ promotions, nextBefore }: { promotions: Promotion[]; nextBefore: number | null }) {
  return {
    changes: promotions.map((change) => ({
      event_id: change.eventId,
      at_ms: change.atMs,
      by: change.by,
      alias: change.alias,
      version: change.version,
      from: change.from,
      to: change.to,
      decision_id: change.decisionId,
      because: change.because,
    })),
    next_before: nextBefore,
  }
}
